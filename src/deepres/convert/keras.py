"""Keras's ResNet-50, -101, -152 in HDF5: `res2a_branch2a` of old, `conv2_block1_1_conv` since."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError
from .caffe import UNIT, unit
from .family import Checkpoint, Family, Profile
from .folding import folded
from .inputs import VGG

OBJECTS_AT_MOST = 10_000  # groups and arrays; ResNet-152 has some 2,000
OLD_EPS, NEW_EPS = 1e-3, 1.001e-5
# What Keras 2, and 1, call the arrays of a layer: `conv1/kernel:0`, `conv1_W_1:0`.
# What a damaged file raises within h5py.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, MemoryError)
LEAF = re.compile(
    r"(?:.*_)?(kernel|W|bias|b|gamma|beta|(?:moving|running)_mean|moving_variance|running_std)"
    r"(?:_\d+)?(?::0)?"
)
TENSORS = {
    "kernel": "weight",
    "W": "weight",
    "bias": "bias",
    "b": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "running_mean": "running_mean",
    "moving_variance": "running_var",
    "running_std": "running_var",  # so called, and a variance
}


def block(match: re.Match[str]) -> str:
    """`conv3_block2_0_bn` is our `layer2.1.downsample.1`."""
    stage, number, part, kind, tensor = match.groups()
    here = f"layer{int(stage) - 1}.{int(number) - 1}"
    if part == "0":
        return f"{here}.downsample.{0 if kind == 'conv' else 1}.{tensor}"
    return f"{here}.{kind}{part}.{tensor}"


NAMES = (
    (r"conv1(?:_conv)?\.weight", "conv1.weight"),
    (r"(?:conv1_bn|bn_conv1)\.([a-z_]+)", r"bn1.\1"),
    (r"conv([2-5])_block([1-9]\d?)_([0-3])_(conv|bn)\.([a-z_]+)", block),
    (UNIT, unit),
    (r"(?:fc1000|predictions|probs|dense(?:_\d+)?)\.(weight|bias)", r"fc.\1"),
)


def read(path: Path) -> Checkpoint:
    """Every array as `layer.kernel`, `layer.gamma`, ...; none that is not wholly in the file."""
    try:
        import h5py
    except ImportError:
        raise UserError(
            f"{path} is an HDF5 file, and h5py, which reads those, is not installed:"
            " `pip install deepres[keras]`."
        ) from None
    tensors: dict[str, Tensor] = {}
    room = path.stat().st_size
    try:
        with h5py.File(path, "r") as file:
            for name, array in arrays(file.get("model_weights", file), h5py.HardLink):
                room -= array.nbytes
                if room < 0 or array.external or array.is_virtual or array.dtype.kind != "f":
                    raise ValueError(f"{name} is not an array of numbers whole in this file")
                key = called(name)
                if key in tensors:
                    raise ValueError(f"{key} is there twice")
                tensors[key] = torch.from_numpy(array[()].astype("float32", copy=False))
    except DAMAGE as error:
        raise UserError(f"{path} cannot be read as a Keras file: {error}.") from None
    if any(key.startswith("layers.") for key in tensors):
        raise UserError(
            f"{path} has Keras 3's layout, which keeps no layers' names: `model.save('x.h5')`"
            " writes one that does."
        )
    return Checkpoint(path, "keras", tensors)


def arrays(root: Any, hard_link: type) -> Iterator[tuple[str, Any]]:
    """Every array below a group with its path, through plain links only: no other file's."""
    waiting, seen = [("", root)], 0
    while waiting:
        name, item = waiting.pop()
        if not hasattr(item, "keys"):
            yield name, item
            continue
        for child in item:
            seen += 1
            if seen > OBJECTS_AT_MOST:
                raise ValueError(f"it has more than {OBJECTS_AT_MOST:,} groups and arrays")
            if not isinstance(item.get(child, getlink=True), hard_link):
                raise ValueError(f"{name}/{child} is a link to somewhere else")
            waiting.append((f"{name}/{child}", item[child]))


def called(name: str) -> str:
    """`/conv1/conv1/kernel:0` is `conv1.kernel`; what no layer of Keras has keeps its path."""
    layer, _, rest = name.strip("/").partition("/")
    leaf = LEAF.fullmatch(rest.rpartition("/")[2])
    return f"{layer}.{leaf[1] if leaf else rest}"


def fits(checkpoint: Checkpoint) -> bool:
    firsts = {"conv2_block1_1_conv.kernel", "res2a_branch2a.kernel", "res2a_branch2a.W"}
    return checkpoint.container == "keras" and bool(firsts & checkpoint.tensors.keys())


def prepare(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Axes as torch has them; convolutions' biases and Keras's eps moved into the statistics."""
    tensors: dict[str, Tensor] = {}
    for key, tensor in checkpoint.tensors.items():
        layer, _, leaf = key.rpartition(".")
        if "preact" in layer:
            raise UserError(
                f"{checkpoint.path} is Keras's ResNetV2, which normalises before it convolves; the"
                " paper's networks do so afterwards."
            )
        if leaf in ("kernel", "W"):
            tensor = tensor.permute(3, 2, 0, 1) if tensor.dim() == 4 else tensor.t()
        tensors[f"{layer}.{TENSORS.get(leaf, leaf)}"] = tensor
    for key in [key for key in tensors if key.endswith(".running_mean")]:
        layer = key.removesuffix(".running_mean")
        variance = tensors.get(f"{layer}.running_var")
        if variance is None:
            raise UserError(f"{checkpoint.path}, layer {layer}: there is a mean and no variance.")
        bias = tensors.pop(f"{convolution(layer)}.bias", None)
        tensors[key], tensors[f"{layer}.running_var"] = folded(
            f"{checkpoint.path}, layer {layer}",
            tensors[key],
            variance,
            bias,
            OLD_EPS if layer.startswith("bn") else NEW_EPS,
        )
    return tensors


def convolution(norm: str) -> str:
    """The layer before a normalisation: `conv1_conv` of `conv1_bn`, `conv1` of `bn_conv1`."""
    if norm.endswith("_bn"):
        return f"{norm.removesuffix('_bn')}_conv"
    return "conv1" if norm == "bn_conv1" else norm.replace("bn", "res", 1)


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """The authors' stride, VGG's means, blue first."""
    guessed = ["Its pictures are 224 of 256, bilinear: keras.applications leaves that to its user."]
    if not any("_block" in key for key in checkpoint.tensors):
        guessed.append(
            "Its max-pool is padded by 1, as in Keras 2.2; in earlier versions, which wrote the"
            " same names, it was not."
        )
    return Profile(
        VGG,
        stride_at="first",
        guessed=tuple(guessed),
    )


FAMILY = Family(
    name="keras",
    about="keras.applications' ResNet50, ResNet101 and ResNet152",
    fits=fits,
    names=NAMES,
    profile=profile,
    prepare=prepare,
)

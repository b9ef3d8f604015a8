"""The authors' own release of 50, 101 and 152 layers: Caffe's layers under our names.

Verified on files made by hand; the real ones can no longer be had from where they were released.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from ..card import Preprocessing
from ..errors import UserError
from ..models.weights import MEAN_IMAGE
from .family import Checkpoint, Family, Profile
from .folding import OUR_EPS, folded

CHANNEL_MEANS = (103.063, 115.903, 123.152)  # of the released mean image: blue, green, red
UNIT = r"(res|bn|scale)([2-5])([a-z])((?<=b)[1-9]\d?)?_branch(1|2[abc])\.([a-z_]+)"
PARTS = {"2a": "1", "2b": "2", "2c": "3"}


def unit(match: re.Match[str]) -> str:
    """Block `b` is the second; stages 3 and 4 of 101 and 152 layers say b1, b2, ... instead."""
    kind, stage, letter, number, part, tensor = match.groups()
    block = int(number) if number else ord(letter) - ord("a")
    here = f"layer{int(stage) - 1}.{block}"
    if part == "1":
        return f"{here}.downsample.{0 if kind == 'res' else 1}.{tensor}"
    return f"{here}.{'conv' if kind == 'res' else 'bn'}{PARTS[part]}.{tensor}"


NAMES = (
    (r"conv1\.weight", "conv1.weight"),
    (r"(?:bn|scale)_conv1\.([a-z_]+)", r"bn1.\1"),
    (UNIT, unit),
    (r"fc[^.]*\.(weight|bias)", r"fc.\1"),
    (f"({re.escape(MEAN_IMAGE)})", r"\1"),
)


def fits(checkpoint: Checkpoint) -> bool:
    return checkpoint.container == "caffemodel" and "res2a_branch2a.0" in checkpoint.tensors


def prepare(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Blobs by what they are; a convolution's bias moves into the mean that is subtracted next."""
    tensors, blobs = {}, dict(checkpoint.tensors)
    for key, first in checkpoint.tensors.items():
        layer, _, index = key.rpartition(".")
        if index != "0" or not layer.startswith(("conv1", "res", "bn", "scale", "fc")):
            continue
        del blobs[key]
        if layer.startswith("bn"):
            mean, variance = statistics(checkpoint, layer, blobs)
            tensors[f"{layer}.running_mean"], tensors[f"{layer}.running_var"] = mean, variance
            continue
        if layer.startswith("scale"):
            first = first.flatten()
        elif layer.startswith("fc") and first.dim() == 4:  # old files: 1 x 1 x outputs x inputs
            first = first[0, 0]
        tensors[f"{layer}.weight"] = first
        if layer.startswith(("scale", "fc")) and f"{layer}.1" in blobs:
            tensors[f"{layer}.bias"] = blobs.pop(f"{layer}.1").flatten()
    return tensors | blobs  # what is left over keeps its name, and is refused by it


def statistics(
    checkpoint: Checkpoint, layer: str, blobs: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Mean and variance: sums, which Caffe divides by the third blob."""
    where = f"{checkpoint.path}, layer {layer}"
    mean, variance = checkpoint.tensors[f"{layer}.0"].double(), blobs.pop(f"{layer}.1", None)
    if variance is None:
        raise UserError(f"{where}: there is a mean and no variance.")
    factor = blobs.pop(f"{layer}.2", None)
    if factor is not None and factor.numel() == 1 and factor.item() != 0:
        mean, variance = mean / factor.double(), variance.double() / factor.double()
    convolution = "conv1" if layer == "bn_conv1" else layer.replace("bn", "res", 1)
    eps = checkpoint.config["eps"].get(layer, OUR_EPS)
    return folded(where, mean, variance, blobs.pop(f"{convolution}.1", None), eps)


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """Stride on the first 1x1, pooling without padding, blue first, a mean image subtracted."""
    image = checkpoint.tensors.get(MEAN_IMAGE)
    strides, guessed = checkpoint.config["strides"], []
    if image is None:
        guessed.append(
            "No ResNet_mean.binaryproto lies beside the weights: the channel means of the authors'"
            " (B 103.063, G 115.903, R 123.152) are subtracted in place of the mean image."
        )
    if "res3a_branch2a" not in strides:
        guessed.append("The file does not tell its strides: they sit where the authors put them.")
    means = CHANNEL_MEANS if image is None else tuple(image.mean(dim=(1, 2)).tolist())
    return Profile(
        Preprocessing(
            size=224 if image is None else image.shape[-1],
            resize=256,
            colour="BGR",
            maximum=255,
            mean=means,
            std=(1, 1, 1),
            mean_image=image is not None,
        ),
        stride_at="3x3" if strides.get("res3a_branch2b") == 2 else "first",
        pool="ceil",
        guessed=tuple(guessed),
    )


FAMILY = Family(
    name="msra",
    about="the authors' caffemodels (KaimingHe/deep-residual-networks)",
    fits=fits,
    names=NAMES,
    profile=profile,
    prepare=prepare,
)

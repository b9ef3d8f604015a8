"""transformers' ResNetForImageClassification: `config.json` decides what its keys leave open."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from torch import Tensor

from ..errors import UserError
from .family import Checkpoint, Family, Profile
from .folder import PROCESSOR
from .processor import HUB_DEFAULT, preprocessing
from .torchvision import BN

STEM = "embedder.embedder.convolution.weight"
BLOCK = r"resnet\.encoder\.stages\.([0-3])\.layers\.([0-9]+)"
WIDTHS = {"basic": [64, 128, 256, 512], "bottleneck": [256, 512, 1024, 2048]}


def layer(match: re.Match[str]) -> str:
    """`stages.0.layers.1.layer.2.convolution` is our `layer1.1.conv3`."""
    stage, block, number, kind, tensor = match.groups()
    ours = "conv" if kind == "convolution" else "bn"
    return f"layer{int(stage) + 1}.{block}.{ours}{int(number) + 1}.{tensor}"


def shortcut(match: re.Match[str]) -> str:
    stage, block, kind, tensor = match.groups()
    place = 0 if kind == "convolution" else 1
    return f"layer{int(stage) + 1}.{block}.downsample.{place}.{tensor}"


NAMES = (
    (r"resnet\.embedder\.embedder\.convolution\.weight", "conv1.weight"),
    (rf"resnet\.embedder\.embedder\.normalization\.({BN})", r"bn1.\1"),
    (rf"{BLOCK}\.layer\.([0-2])\.(convolution|normalization)\.({BN})", layer),
    (rf"{BLOCK}\.shortcut\.(convolution|normalization)\.({BN})", shortcut),
    (r"classifier\.1\.(weight|bias)", r"fc.\1"),
)


class Config(Struct):
    """The fields of `ResNetConfig` that decide what the tensors compute, and its defaults."""

    model_type: str = "resnet"
    layer_type: str = "bottleneck"
    hidden_act: str = "relu"
    embedding_size: int = 64
    hidden_sizes: list[int] = msgspec.field(default_factory=lambda: [256, 512, 1024, 2048])
    depths: list[int] = msgspec.field(default_factory=lambda: [3, 4, 6, 3])
    downsample_in_first_stage: bool = False
    downsample_in_bottleneck: bool = False
    id2label: dict[str, str] | None = None


def fits(checkpoint: Checkpoint) -> bool:
    """The base model too, which `prepare` refuses with its reason."""
    return any(key in checkpoint.tensors for key in (STEM, f"resnet.{STEM}"))


def prepare(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Nothing changes; a model that never had a classifier is told from one that lost it."""
    if not any(key.startswith("classifier.") for key in checkpoint.tensors):
        raise UserError(
            f"{checkpoint.path} holds transformers' base model, which has no classifier: what"
            " ResNetForImageClassification saves can be read."
        )
    return checkpoint.tensors


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """The stride as configured; pictures as the processor beside it makes them."""
    where = str(checkpoint.path)
    if "model_type" not in checkpoint.config:
        alone = "No config.json lies beside the weights: stride on the 3x3 and the pictures of"
        return Profile(HUB_DEFAULT, guessed=(f"{alone} microsoft/resnet-50 are assumed.",))
    try:
        config = msgspec.convert(checkpoint.config, Config)
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: its config.json cannot be used: {error}.") from None
    agreed(config, tensors, where)
    how, guessed = preprocessing(checkpoint.config.get(PROCESSOR), where)
    return Profile(
        how,
        labels(config, tensors, where),
        stride_at="first" if config.downsample_in_bottleneck else "3x3",
        guessed=guessed,
    )


def agreed(config: Config, tensors: Mapping[str, Tensor], where: str) -> None:
    """Refuses a configuration that makes of these tensors what the paper does not."""
    block = "bottleneck" if "layer1.0.conv3.weight" in tensors else "basic"
    right: dict[str, Any] = {
        "model_type": "resnet",
        "layer_type": block,
        "hidden_act": "relu",
        "embedding_size": 64,
        "hidden_sizes": WIDTHS[block],
        "depths": depths(tensors),
        "downsample_in_first_stage": False,
    }
    for name, wanted in right.items():
        if (value := getattr(config, name)) != wanted:
            raise UserError(
                f"{where}: its config.json says {name} {value!r}; a network of the paper with"
                f" these weights has {wanted!r}."
            )


def depths(tensors: Mapping[str, Tensor]) -> list[int]:
    """Blocks per stage, as the tensors have them."""
    firsts = (re.fullmatch(r"layer(\d)\.\d+\.conv1\.weight", name) for name in tensors)
    stages = [int(first[1]) for first in firsts if first]
    return [stages.count(stage) for stage in range(1, max(stages, default=0) + 1)]


def labels(config: Config, tensors: Mapping[str, Tensor], where: str) -> tuple[str, ...] | None:
    """The names of `id2label`; None where it only numbers them (LABEL_0, LABEL_1, ...)."""
    classifier = tensors.get("fc.weight")
    if config.id2label is None or classifier is None:
        return None
    numbers = [str(number) for number in range(len(classifier))]
    if config.id2label.keys() != set(numbers):
        raise UserError(
            f"{where}: its config.json names {len(config.id2label)} classes (id2label), its"
            f" classifier has {len(numbers)}, numbered from 0."
        )
    named = tuple(config.id2label[number] for number in numbers)
    return None if named == tuple(f"LABEL_{number}" for number in numbers) else named


FAMILY = Family(
    name="huggingface",
    about="transformers' ResNetForImageClassification",
    fits=fits,
    names=NAMES,
    profile=profile,
    prepare=prepare,
)

"""a-martyn/resnet: plain and residual CIFAR networks whose files look the same."""

from collections.abc import Mapping

from torch import Tensor

from .cifar import PLAIN, RESIDUAL, classes_of, named, unusual
from .family import Checkpoint, Family, Profile
from .inputs import cifar
from .torchvision import BN

# One mean and one deviation for three channels: the author's slip, kept in the weights.
PICTURES = cifar((0.49187, 0.49187, 0.49187), (0.24697, 0.24697, 0.24697))
PART = rf"(conv[12]\.weight|bn[12]\.{BN})"
NAMES = (
    (r"convIn\.weight", "conv1.weight"),
    (rf"bnIn\.({BN})", r"bn1.\1"),
    (rf"stack1\.([0-9]+)\.{PART}", r"layer1.\1.\2"),
    (rf"stack([23])a\.{PART}", r"layer\1.0.\2"),
    (
        rf"stack([23])b\.([0-9]+)\.{PART}",
        lambda match: f"layer{match[1]}.{int(match[2]) + 1}.{match[3]}",
    ),
    (r"fcOut\.(weight|bias)", r"fc.\1"),
)


def fits(checkpoint: Checkpoint) -> bool:
    return "convIn.weight" in checkpoint.tensors


def residual(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(PICTURES, classes_of(tensors), shortcut="A", guessed=unusual(tensors))


def plain(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(PICTURES, classes_of(tensors), shortcut="none", guessed=unusual(tensors))


FAMILY = Family(
    name="a-martyn",
    about="a-martyn/resnet, residual",
    fits=fits,
    names=NAMES,
    profile=residual,
    presumed=named(RESIDUAL),
)
PLAIN_FAMILY = Family(
    name="a-martyn-plain",
    about="a-martyn/resnet, plain",
    fits=fits,
    names=NAMES,
    profile=plain,
    presumed=named(PLAIN),
)

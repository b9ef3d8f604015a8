"""huyvnphan/PyTorch_CIFAR10: torchvision's networks with a 3x3 stem, whose max-pool stayed."""

from collections.abc import Mapping

from torch import Tensor

from .cifar import classes_of
from .family import Checkpoint, Family, Profile
from .inputs import CIFAR10_TRUE
from .torchvision import NAMES

UNTOLD = (
    "Nobody says how its pictures were normalised nor that it has no max-pool: CIFAR-10's true"
    " constants and none are assumed."
)


def small_stem(checkpoint: Checkpoint) -> bool:
    """Four stages behind a 3x3 stem."""
    stem = checkpoint.tensors.get("conv1.weight")
    named = {"layer4.0.conv1.weight", "fc.weight"} <= checkpoint.tensors.keys()
    return named and stem is not None and stem.shape[2:] == (3, 3)


def fits(checkpoint: Checkpoint) -> bool:
    return small_stem(checkpoint) and len(checkpoint.tensors["fc.weight"]) == 10


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(CIFAR10_TRUE, classes_of(tensors), stride_at="3x3", pool="kept")


def without_pool(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(CIFAR10_TRUE, classes_of(tensors), stride_at="3x3", guessed=(UNTOLD,))


FAMILY = Family(
    name="huyvnphan",
    about="huyvnphan/PyTorch_CIFAR10",
    fits=fits,
    names=NAMES,
    profile=profile,
)
WITHOUT_POOL = Family(
    name="torchvision-cifar",
    about="torchvision's networks with a 3x3 stem and no max-pool",
    fits=small_stem,
    names=NAMES,
    profile=without_pool,
)

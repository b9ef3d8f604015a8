"""huyvnphan/PyTorch_CIFAR10: torchvision's networks with a 3x3 stem, whose max-pool stayed."""

from collections.abc import Mapping

from torch import Tensor

from .cifar import classes_of
from .family import Checkpoint, Family, Profile
from .inputs import CIFAR10_TRUE, cifar
from .torchvision import NAMES

CIFAR100 = cifar((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
UNTOLD = (
    "Nobody says how its pictures were normalised nor whether it has a max-pool: the true constants"
    " of CIFAR-10 (with 100 classes of CIFAR-100) and none are assumed."
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
    classes = classes_of(tensors)
    pictures = CIFAR100 if classes is not None and len(classes) == 100 else CIFAR10_TRUE
    return Profile(pictures, classes, stride_at="3x3", guessed=(UNTOLD,))


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

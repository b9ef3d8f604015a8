"""kuangliu/pytorch-cifar: Table 1's bodies behind a 3x3 stem without max-pool."""

from collections.abc import Mapping

from torch import Tensor

from .cifar import classes_of, unusual
from .family import Checkpoint, Family, Profile
from .inputs import CIFAR10_CIRCULATING
from .torchvision import BN

NAMES = (
    (rf"(conv1\.weight|bn1\.{BN})", r"\1"),
    (rf"(layer[1-4]\.[0-9]+\.(?:conv[1-3]\.weight|bn[1-3]\.{BN}))", r"\1"),
    (rf"(layer[1-4]\.[0-9]+)\.shortcut\.(0\.weight|1\.{BN})", r"\1.downsample.\2"),
    (r"linear\.(weight|bias)", r"fc.\1"),
)


def fits(checkpoint: Checkpoint) -> bool:
    return {"conv1.weight", "linear.weight", "layer4.0.conv1.weight"} <= checkpoint.tensors.keys()


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(
        CIFAR10_CIRCULATING, classes_of(tensors), stride_at="3x3", guessed=unusual(tensors)
    )


FAMILY = Family(
    name="kuangliu",
    about="kuangliu/pytorch-cifar",
    fits=fits,
    names=NAMES,
    profile=profile,
)

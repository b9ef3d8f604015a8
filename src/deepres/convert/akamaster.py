"""akamaster/pytorch_resnet_cifar10: the paper's CIFAR networks, half of A's zeros on each side."""

from collections.abc import Mapping

from torch import Tensor

from .cifar import classes_of, unusual
from .family import Checkpoint, Family, Profile
from .inputs import IMAGENET, cifar
from .torchvision import BN

NAMES = (
    (rf"(conv1\.weight|bn1\.{BN})", r"\1"),
    (rf"(layer[1-3]\.[0-9]+\.(?:conv[12]\.weight|bn[12]\.{BN}))", r"\1"),
    (
        rf"(layer[1-3]\.[0-9]+)\.shortcut\.(0\.weight|1\.{BN})",
        r"\1.downsample.\2",
    ),
    (r"linear\.(weight|bias)", r"fc.\1"),
)


def fits(checkpoint: Checkpoint) -> bool:
    keys = checkpoint.tensors.keys()
    return {"conv1.weight", "linear.weight", "layer3.0.conv1.weight"} <= keys and not any(
        key.startswith("layer4.") for key in keys
    )


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """Trained with ImageNet's constants on CIFAR's pictures."""
    return Profile(
        cifar(IMAGENET.mean, IMAGENET.std),
        classes_of(tensors),
        shortcut="A-both",
        guessed=unusual(tensors),
    )


FAMILY = Family(
    name="akamaster",
    about="akamaster/pytorch_resnet_cifar10",
    fits=fits,
    names=NAMES,
    profile=profile,
)

"""nabla0001/resnet: plain and residual CIFAR networks; only option B leaves a trace in the keys."""

from collections.abc import Mapping

from torch import Tensor

from .cifar import PLAIN, RESIDUAL, classes_of, named, projected, three_stages, unusual
from .family import Checkpoint, Family, Profile
from .inputs import cifar
from .torchvision import BN

PICTURES = cifar((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))
NAMES = (
    (rf"(conv1\.weight|bn1\.{BN}|fc\.weight|fc\.bias)", r"\1"),
    (rf"(layer[1-3]\.[0-9]+\.(?:conv[12]\.weight|bn[12]\.{BN}))", r"\1"),
    (r"(layer[1-3]\.[0-9]+)\.skip_connection\.conv\.weight", r"\1.downsample.0.weight"),
    (rf"(layer[1-3]\.[0-9]+)\.skip_connection\.bn\.({BN})", r"\1.downsample.1.\2"),
)
LAST = (
    "Option A's zeros are taken to come last and its maps to be picked, not pooled: files that pad"
    " on both sides or pool have the same keys."
)


def projecting(checkpoint: Checkpoint) -> bool:
    return any(".skip_connection." in key for key in checkpoint.tensors)


def bare(checkpoint: Checkpoint) -> bool:
    """Three stages of basic blocks, and no shortcut has a key."""
    return (
        three_stages(checkpoint)
        and not projecting(checkpoint)
        and not projected(checkpoint)
        and "layer1.0.conv3.weight" not in checkpoint.tensors
    )


def profile_b(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(PICTURES, classes_of(tensors), guessed=unusual(tensors))


def profile_a(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(PICTURES, classes_of(tensors), shortcut="A", guessed=(LAST, *unusual(tensors)))


def profile_plain(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(PICTURES, classes_of(tensors), shortcut="none", guessed=unusual(tensors))


FAMILIES = (
    Family(
        name="nabla0001-b",
        about="nabla0001/resnet with option B",
        fits=projecting,
        names=NAMES,
        profile=profile_b,
    ),
    Family(
        name="nabla0001",
        about="nabla0001/resnet, residual with option A",
        fits=bare,
        names=NAMES,
        profile=profile_a,
        presumed=named(RESIDUAL),
    ),
    Family(
        name="nabla0001-plain",
        about="nabla0001/resnet, plain",
        fits=bare,
        names=NAMES,
        profile=profile_plain,
        presumed=named(PLAIN),
    ),
)

"""chenyaofo/pytorch-cifar-models, and torchdistill's: option B on CIFAR, torchvision's names."""

import re
from collections.abc import Mapping

from torch import Tensor

from .cifar import classes_of, projected, three_stages
from .family import Checkpoint, Family, Profile
from .inputs import CIFAR10_CIRCULATING, cifar
from .torchvision import NAMES

CIFAR100 = cifar((0.507, 0.4865, 0.4409), (0.2673, 0.2564, 0.2761))
TORCHDISTILL = cifar((0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784))
PUBLISHED = re.compile(r"cifar100?-resnet[0-9]+(-final_run)?\.pt")  # torchdistill's file names
UNTOLD = "Nobody says how its pictures were normalised: CIFAR-10's constants are assumed."


def fits(checkpoint: Checkpoint) -> bool:
    return (
        three_stages(checkpoint)
        and projected(checkpoint)
        and "layer1.0.conv3.weight" not in checkpoint.tensors
    )


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """The author's logs print these constants."""
    classes = classes_of(tensors)
    hundred = classes is not None and len(classes) == 100
    return Profile(
        CIFAR100 if hundred else CIFAR10_CIRCULATING,
        classes,
        guessed=(UNTOLD,) if classes is None else (),
    )


def torchdistill(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(TORCHDISTILL, classes_of(tensors))


FAMILY = Family(
    name="chenyaofo",
    about="chenyaofo/pytorch-cifar-models",
    fits=fits,
    names=NAMES,
    profile=profile,
)
TORCHDISTILLS = Family(
    name="torchdistill",
    about="torchdistill's CIFAR networks",
    fits=fits,
    names=NAMES,
    profile=torchdistill,
    presumed=lambda checkpoint: PUBLISHED.fullmatch(checkpoint.path.name) is not None,
)

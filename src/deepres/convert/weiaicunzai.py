"""weiaicunzai/pytorch-cifar100: Table 1's bodies, their residual functions as sequences."""

import re
from collections.abc import Mapping

from torch import Tensor

from .cifar import classes_of, unusual
from .family import Checkpoint, Family, Profile
from .inputs import cifar
from .torchvision import BN

PICTURES = cifar((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
BLOCK = r"conv([2-5])_x\.([0-9]+)"


def layer(match: re.Match[str]) -> str:
    """A convolution at 0, 3, 6 of the sequence, its normalisation right behind it."""
    stage, block, place, tensor = match.groups()
    number, kind = divmod(int(place), 3)
    return f"layer{int(stage) - 1}.{block}.{('conv', 'bn')[kind]}{number + 1}.{tensor}"


NAMES = (
    (r"conv1\.0\.weight", "conv1.weight"),
    (rf"conv1\.1\.({BN})", r"bn1.\1"),
    (rf"{BLOCK}\.residual_function\.([036])\.(weight)", layer),
    (rf"{BLOCK}\.residual_function\.([147])\.({BN})", layer),
    (
        rf"{BLOCK}\.shortcut\.(0\.weight|1\.{BN})",
        lambda match: f"layer{int(match[1]) - 1}.{match[2]}.downsample.{match[3]}",
    ),
    (r"fc\.(weight|bias)", r"fc.\1"),
)


def fits(checkpoint: Checkpoint) -> bool:
    return "conv2_x.0.residual_function.0.weight" in checkpoint.tensors


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(PICTURES, classes_of(tensors), stride_at="3x3", guessed=unusual(tensors, 100))


FAMILY = Family(
    name="weiaicunzai",
    about="weiaicunzai/pytorch-cifar100",
    fits=fits,
    names=NAMES,
    profile=profile,
)

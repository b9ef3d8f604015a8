"""Cadene/pretrained-models.pytorch: cafferesnet101, and fbresnet152 with biased convolutions."""

import re
from collections.abc import Mapping

from torch import Tensor

from ..card import Preprocessing
from ..errors import UserError
from . import torchvision
from .family import Checkpoint, Family, Profile
from .folding import OUR_EPS, folded
from .inputs import IMAGENET

BGR = Preprocessing(
    size=224,
    resize=256,
    colour="BGR",
    maximum=255,
    mean=(102.9801, 115.9465, 122.7717),
    std=(1, 1, 1),
)
NAMES = (*torchvision.NAMES, (r"last_linear\.(weight|bias)", r"fc.\1"))
CONVOLUTION = re.compile(r"(.*\.|)(?:conv([1-3])|downsample\.0)\.bias")


def caffe(checkpoint: Checkpoint) -> bool:
    keys = checkpoint.tensors.keys()
    return {"last_linear.weight", "layer1.0.conv3.weight"} <= keys and not biased(checkpoint)


def biased(checkpoint: Checkpoint) -> bool:
    """Its converter wrote `fc`, its release `last_linear`."""
    keys = checkpoint.tensors.keys()
    return {"conv1.bias", "layer4.0.conv1.weight"} <= keys and bool(
        {"last_linear.weight", "fc.weight"} & keys
    )


def without_biases(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Each bias taken into the mean that the normalisation behind it subtracts."""
    tensors = dict(checkpoint.tensors)
    for key in checkpoint.tensors:
        if not (match := CONVOLUTION.fullmatch(key)):
            continue
        norm = f"{match[1]}bn{match[2]}" if match[2] else f"{match[1]}downsample.1"
        statistics = f"{norm}.running_mean", f"{norm}.running_var"
        if not all(name in tensors for name in statistics):
            raise UserError(f"{checkpoint.path} has {key} and lacks {norm}'s running statistics.")
        mean, variance = (tensors[name] for name in statistics)
        tensors[statistics[0]], _ = folded(
            f"{checkpoint.path}, {key}", mean, variance, tensors.pop(key), OUR_EPS
        )
    return tensors


def profile_caffe(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(BGR, stride_at="first", pool="ceil")


def profile_biased(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(IMAGENET, stride_at="3x3")


CAFFE = Family(
    name="cadene-cafferesnet",
    about="Cadene's cafferesnet101",
    fits=caffe,
    names=NAMES,
    profile=profile_caffe,
)
BIASED = Family(
    name="cadene-fbresnet",
    about="Cadene's fbresnet152",
    fits=biased,
    names=NAMES,
    profile=profile_biased,
    prepare=without_biases,
)

"""ruotianluo/pytorch-resnet: the authors' networks under torchvision's names, their own stride.

Their weights load into torchvision's network without complaint and answer worse there.
"""

from collections.abc import Mapping

from torch import Tensor

from . import torchvision
from .family import Checkpoint, Family, Profile
from .inputs import IMAGENET, VGG


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(VGG, stride_at="first", pool="ceil")


def profile_rgb(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(IMAGENET, stride_at="first", pool="ceil")


FAMILY = Family(
    name="ruotianluo",
    about="ruotianluo/pytorch-resnet, BGR from 0 to 255",
    fits=torchvision.bottlenecks,  # 50, 101 and 152 layers: no others were released
    names=torchvision.NAMES,
    profile=profile,
    presumed=lambda checkpoint: "caffe" in checkpoint.path.name.lower(),
)
RGB = Family(
    name="ruotianluo-rgb",
    about="ruotianluo/pytorch-resnet, first convolution changed for RGB from 0 to 1",
    fits=torchvision.bottlenecks,  # 50, 101 and 152 layers: no others were released
    names=torchvision.NAMES,
    profile=profile_rgb,
    presumed=lambda checkpoint: False,
)

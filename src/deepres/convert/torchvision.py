"""torchvision's names: ours too, and those of most networks that anybody has trained."""

import re
from collections.abc import Mapping

from msgspec import structs
from torch import Tensor

from .family import Checkpoint, Family, Profile
from .inputs import IMAGENET

BN = r"(?:weight|bias|running_mean|running_var|num_batches_tracked)"
NAMES = (
    (rf"(conv1\.weight|bn1\.{BN}|fc\.weight|fc\.bias)", r"\1"),
    (rf"(layer[1-4]\.[0-9]+\.(?:conv[1-3]\.weight|bn[1-3]\.{BN}))", r"\1"),
    (rf"(layer[1-4]\.[0-9]+\.downsample\.(?:0\.weight|1\.{BN}))", r"\1"),
)
# The endings of the published files whose tests resized to 232: torchvision's "V2" weights.
SECOND_WEIGHTS = re.compile(r"resnet(50-11ad3fa6|101-cd907fc2|152-f82ba261)")


def fits(checkpoint: Checkpoint) -> bool:
    """Four stages behind a 7x7 stem."""
    stem = checkpoint.tensors.get("conv1.weight")
    named = {"layer4.0.conv1.weight", "fc.weight"} <= checkpoint.tensors.keys()
    return named and stem is not None and stem.shape[2:] == (7, 7)


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(IMAGENET)


def profile_v2(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(structs.replace(IMAGENET, resize=232))


FAMILY = Family(
    name="torchvision",
    about="torchvision's ResNets and whatever was trained with its references",
    fits=fits,
    names=NAMES,
    profile=profile,
)
V2 = Family(
    name="torchvision-v2",
    about="torchvision's second set of ImageNet weights",
    fits=fits,
    names=NAMES,
    profile=profile_v2,
    presumed=lambda checkpoint: SECOND_WEIGHTS.search(checkpoint.path.name) is not None,
)

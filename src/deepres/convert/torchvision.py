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

FINE_TUNED = (
    "It has not ImageNet's 1000 classes: its pictures are taken to be prepared as ImageNet's, 224"
    " of 256 and normalised."
)
TIMM_DEFAULT = "Its pictures are taken to be timm's by default: 224 of 235, bicubic."
FFCV_CROP = (
    "ffcv's loader cuts the middle 224/256 and resizes it by area; here 256 is resized and 224 cut."
)


def fits(checkpoint: Checkpoint) -> bool:
    """Four stages behind a 7x7 stem, and no configuration that says whose they are."""
    stem = checkpoint.tensors.get("conv1.weight")
    named = {"layer4.0.conv1.weight", "fc.weight"} <= checkpoint.tensors.keys()
    return (
        named
        and stem is not None
        and stem.shape[2:] == (7, 7)
        and "architecture" not in checkpoint.config
    )


def bottlenecks(checkpoint: Checkpoint) -> bool:
    return fits(checkpoint) and "layer1.0.conv3.weight" in checkpoint.tensors


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(IMAGENET, guessed=() if len(tensors["fc.weight"]) == 1000 else (FINE_TUNED,))


def profile_v2(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(structs.replace(IMAGENET, resize=232))


def profile_timm(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """What timm's trainer takes from the weights its names stand for, where nobody says else."""
    how = structs.replace(IMAGENET, resize=235, interpolation="bicubic")
    return Profile(how, guessed=(TIMM_DEFAULT,))


def profile_ffcv(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(IMAGENET, guessed=(FFCV_CROP,))


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
    fits=bottlenecks,
    names=NAMES,
    profile=profile_v2,
    presumed=lambda checkpoint: SECOND_WEIGHTS.search(checkpoint.path.name) is not None,
)
TIMM = Family(
    name="timm",
    about="timm's trainer",
    fits=fits,
    names=NAMES,
    profile=profile_timm,
    presumed=lambda checkpoint: checkpoint.container == "timm",
)
FFCV = Family(
    name="ffcv",
    about="ffcv-imagenet's trainer",
    fits=fits,
    names=NAMES,
    profile=profile_ffcv,
    presumed=lambda checkpoint: checkpoint.path.name == "final_weights.pt",
)

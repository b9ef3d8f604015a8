"""bearpaw/pytorch-classification: from depth 44 on its "resnetN" is bottlenecks, 9n+2 layers.

What it calls resnet110 has 164 layers. Its CIFAR-100 networks see CIFAR-10's constants too.
"""

from collections.abc import Mapping

from torch import Tensor

from .cifar import classes_of, projected, three_stages
from .family import Checkpoint, Family, Profile
from .inputs import CIFAR10_CIRCULATING
from .torchvision import NAMES


def fits(checkpoint: Checkpoint) -> bool:
    return three_stages(checkpoint) and projected(checkpoint)


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(CIFAR10_CIRCULATING, classes_of(tensors), stride_at="3x3")


def presumed(checkpoint: Checkpoint) -> bool:
    """Nobody else is known for bottlenecks of these widths; its trainer's wrapper tells, too."""
    return checkpoint.container == "bearpaw" or "layer1.0.conv3.weight" in checkpoint.tensors


FAMILY = Family(
    name="bearpaw",
    about="bearpaw/pytorch-classification",
    fits=fits,
    names=NAMES,
    profile=profile,
    presumed=presumed,
)

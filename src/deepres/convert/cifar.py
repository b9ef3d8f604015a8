"""What the families trained on CIFAR share: class names, and what a file's name can tell."""

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from ..data.cifar.names import CIFAR10, CIFAR100
from .family import Checkpoint

NAMED = {10: CIFAR10, 100: CIFAR100}
PLAIN, RESIDUAL = re.compile("plain"), re.compile("res(net|idual)")


def classes_of(tensors: Mapping[str, Tensor]) -> tuple[str, ...] | None:
    """CIFAR's names where the classifier has 10 or 100 outputs; else nobody has said."""
    classifier = tensors.get("fc.weight")
    return NAMED.get(len(classifier)) if classifier is not None else None


def unusual(tensors: Mapping[str, Tensor], usual: int = 10) -> tuple[str, ...]:
    """A sentence where an author's network has other classes than that author's data."""
    classifier = tensors.get("fc.weight")
    if classifier is None or len(classifier) == usual:
        return ()
    return (
        f"It has {len(classifier)} classes and its author's data {usual}: the pictures are taken to"
        " be normalised as those were.",
    )


def named(word: re.Pattern[str]) -> Callable[[Checkpoint], bool]:
    """Whether a file's name says `word` and not the other: same keys, plain or residual."""

    def says(checkpoint: Checkpoint) -> bool:
        name = checkpoint.path.name.lower()
        return [word] == [kind for kind in (PLAIN, RESIDUAL) if kind.search(name)]

    return says


def three_stages(checkpoint: Checkpoint) -> bool:
    """Sec. 4.2 under torchvision's names: a narrow 3x3 stem, three stages, `fc`."""
    stem, keys = checkpoint.tensors.get("conv1.weight"), checkpoint.tensors.keys()
    return (
        stem is not None
        and stem.shape[2:] == (3, 3)
        and {"fc.weight", "layer3.0.conv1.weight"} <= keys
        and "layer4.0.conv1.weight" not in keys
    )


def projected(checkpoint: Checkpoint) -> bool:
    return any(".downsample." in key for key in checkpoint.tensors)

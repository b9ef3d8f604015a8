"""What the families trained on CIFAR share: their classes, by how many there are."""

from collections.abc import Mapping

from torch import Tensor

from ..data.cifar_names import CIFAR10, CIFAR100

NAMED = {10: CIFAR10, 100: CIFAR100}


def classes_of(tensors: Mapping[str, Tensor]) -> tuple[str, ...] | None:
    """CIFAR's names where the classifier has 10 or 100 outputs; else nobody has said."""
    classifier = tensors.get("fc.weight")
    return NAMED.get(len(classifier)) if classifier is not None else None

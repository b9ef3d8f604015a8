"""A data set in memory: one uint8 array in one canonical order, whatever files it came from."""

import hashlib
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Images:
    """Pictures of one size with their labels."""

    name: str  # "cifar10 test"
    pixels: np.ndarray = field(repr=False)  # N x H x W x 3 uint8
    labels: np.ndarray = field(repr=False)  # N int64
    classes: tuple[str, ...]
    digest: str  # of names, pixels and labels: what enters a run's key, never the path

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, chosen: np.ndarray | slice, name: str) -> "Images":
        """Some of them, under another name; the digest stays the whole set's."""
        return Images(name, self.pixels[chosen], self.labels[chosen], self.classes, self.digest)


def canonical(
    name: str, pixels: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]
) -> Images:
    """The images sorted by the digest of their pixels and label, so that every layout agrees.

    An order by content needs no official order to compare with, and since a digest scatters, the
    first n images are a fair sample.
    """
    keys = [
        hashlib.sha256(picture.tobytes() + int(label).to_bytes(2, "little")).digest()
        for picture, label in zip(pixels, labels, strict=True)
    ]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    whole = hashlib.sha256("\n".join(classes).encode())
    for index in order:
        whole.update(keys[index])
    return Images(name, pixels[order], labels[order].astype(np.int64), classes, whole.hexdigest())

"""Pictures of any size that are listed and not held: each is read when it is wanted."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ...randomness import stream


class Store(Protocol):
    """Where encoded pictures lie; small enough to be handed to a worker process."""

    def read(self, place: int) -> bytes:
        """A picture as it is stored."""

    def called(self, place: int) -> str:
        """What people call it: a file's path, a row of a table."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures with their labels, in an order that scatters: the first n are a fair sample."""

    name: str  # "folder train"
    labels: np.ndarray = field(repr=False)  # N int64
    classes: tuple[str, ...]
    digest: str
    store: Store = field(repr=False)
    places: np.ndarray = field(repr=False)  # N int64: where each is in the store

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, chosen: np.ndarray | slice, name: str) -> "Gallery":
        """Some of them, under another name; the digest stays the whole set's."""
        labels, places = self.labels[chosen], self.places[chosen]
        return Gallery(name, labels, self.classes, self.digest, self.store, places)

    def under(self, classes: tuple[str, ...]) -> "Gallery":
        """The same pictures with their places in another list, which holds all of their classes."""
        places = np.array([classes.index(name) for name in self.classes])
        labels = places[self.labels]
        return Gallery(self.name, labels, classes, self.digest, self.store, self.places)

    def read(self, index: int) -> bytes:
        """A picture as it is stored."""
        return self.store.read(int(self.places[index]))

    def called(self, index: int) -> str:
        """What people call it."""
        return self.store.called(int(self.places[index]))


def gallery(
    name: str, store: Store, labels: np.ndarray, classes: Sequence[str], content: bytes
) -> Gallery:
    """All pictures of a store, scattered by a draw that is always the same.

    `content` is what tells these pictures from others without reading them: names and sizes.
    """
    digest = hashlib.sha256("\n".join(classes).encode())
    digest.update(labels.astype("<i8").tobytes())
    digest.update(content)
    order = stream(0, "gallery").permutation(len(labels))
    return Gallery(
        name, labels[order].astype(np.int64), tuple(classes), digest.hexdigest(), store, order
    )

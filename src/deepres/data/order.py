"""The order of the training pictures: what step s sees depends on the seed and s alone."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..randomness import stream


@dataclass(frozen=True)
class Part:
    """The share of every batch that one of several processes trains on; of one, all of it."""

    number: int = 0
    of: int = 1

    def places(self, batch: int) -> slice:
        """Where it lies in a batch of so many."""
        size = batch // self.of
        return slice(self.number * size, (self.number + 1) * size)


WHOLE = Part()


@lru_cache(maxsize=4)
def order(seed: int, epoch: int, images: int) -> np.ndarray:
    """An epoch's shuffle."""
    return stream(seed, "order", epoch).permutation(images)


def indices(seed: int, step: int, batch: int, images: int, steps: int = 1) -> np.ndarray:
    """The images of one step, or of several in a row: they run on across an epoch's end (Caffe)."""
    epoch, start = divmod(step * batch, images)
    whole = steps * batch
    parts = [order(seed, epoch, images)[start : start + whole]]
    while (missing := whole - sum(map(len, parts))) > 0:
        epoch += 1
        parts.append(order(seed, epoch, images)[:missing])
    return np.concatenate(parts)

"""The stream of training batches: what step s sees depends on the seed and s alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from torch import Tensor

from ..errors import UserError
from ..randomness import stream
from ..spec import Recipe
from .augment import Normalisation, drawn, normalisation
from .images import Images


@dataclass(frozen=True)
class Batch:
    """What one step trains on: pictures as the network takes them, in equal replicas."""

    images: Tensor  # N x 3 x H x W, normalised and augmented, channels last
    labels: Tensor  # N
    replicas: int = 1

    def shares(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The part of each replica, in turn."""
        return zip(self.images.chunk(self.replicas), self.labels.chunk(self.replicas), strict=True)


def split(images: Images, held_out: int) -> tuple[Images, Images]:
    """The images trained on and those kept aside: one draw for every run, both in order."""
    if not 0 <= held_out < len(images):
        raise UserError(f"{images.name}: {held_out} of {len(images)} images cannot be kept aside.")
    aside = np.zeros(len(images), dtype=bool)
    aside[stream(0, "split").permutation(len(images))[:held_out]] = True
    return _part(images, ~aside, "kept"), _part(images, aside, "held out")


def _part(images: Images, chosen: np.ndarray, which: str) -> Images:
    return Images(
        name=f"{images.name} ({which} {chosen.sum()})",
        pixels=images.pixels[chosen],
        labels=images.labels[chosen],
        classes=images.classes,
        digest=images.digest,
    )


@lru_cache(maxsize=4)
def order(seed: int, epoch: int, images: int) -> np.ndarray:
    """An epoch's shuffle."""
    return stream(seed, "order", epoch).permutation(images)


def indices(seed: int, step: int, batch: int, images: int) -> np.ndarray:
    """The images of one step. Steps run on across the end of an epoch, as in Caffe."""
    epoch, start = divmod(step * batch, images)
    parts = [order(seed, epoch, images)[start : start + batch]]
    while (missing := batch - sum(map(len, parts))) > 0:
        epoch += 1
        parts.append(order(seed, epoch, images)[:missing])
    return np.concatenate(parts)


def batch_of(images: Images, how: Normalisation, recipe: Recipe, seed: int, step: int) -> Batch:
    """The batch of one step, whichever steps came before."""
    chosen = indices(seed, step, recipe.batch, len(images))
    return Batch(*drawn(images, chosen, how, recipe, seed, step), recipe.replicas)


def batches(images: Images, recipe: Recipe, seed: int, start: int = 0) -> Iterator[Batch]:
    """The batches of steps `start` to the recipe's last."""
    how = normalisation(images, recipe)
    for step in range(start, recipe.steps):
        yield batch_of(images, how, recipe, seed, step)

"""The stream of training batches: what step s sees depends on the seed and s alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..randomness import stream
from ..spec import Recipe
from . import augment
from .augment import Normalisation
from .gallery import crops, measure
from .gallery.listed import Gallery
from .gallery.reading import read_ahead, taken
from .order import WHOLE, Part, indices
from .pictured import Pictured


@dataclass(frozen=True)
class Batch:
    """What one step trains on: pictures as the network takes them, in equal replicas."""

    images: Tensor  # N x 3 x H x W, normalised and augmented, channels last
    labels: Tensor  # N
    replicas: int = 1

    def shares(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The part of each replica, in turn."""
        return zip(self.images.chunk(self.replicas), self.labels.chunk(self.replicas), strict=True)


def split(images: Pictured, held_out: int) -> tuple[Pictured, Pictured]:
    """The images trained on and those kept aside: one draw for every run, both in order."""
    if not 0 <= held_out < len(images):
        raise UserError(f"{images.name}: {held_out} of {len(images)} images cannot be kept aside.")
    aside = np.zeros(len(images), dtype=bool)
    aside[stream(0, "split").permutation(len(images))[:held_out]] = True
    return (
        images.part(~aside, f"{images.name} (kept {(~aside).sum()})"),
        images.part(aside, f"{images.name} (held out {aside.sum()})"),
    )


def normalisation(images: Pictured, recipe: Recipe) -> Normalisation:
    """What is subtracted and divided by, measured on these images."""
    if isinstance(images, Gallery):
        return measure.normalisation(images, recipe)
    return augment.normalisation(images, recipe)


def batch_of(
    images: Pictured,
    how: Normalisation,
    recipe: Recipe,
    seed: int,
    step: int,
    part: Part = WHOLE,
) -> Batch:
    """The batch of one step, or some of its replicas, whichever steps came before."""
    if isinstance(images, Gallery):
        pixels = taken(images, recipe, seed, step, part)
        return _finished(images, how, recipe, seed, step, pixels, part)
    chosen = indices(seed, step, recipe.batch, len(images))
    mine = augment.drawn(images, chosen, how, recipe, seed, step, part)
    return Batch(*mine, recipe.replicas // part.of)


def batches(
    images: Pictured,
    recipe: Recipe,
    seed: int,
    start: int = 0,
    workers: int = 0,
    part: Part = WHOLE,
) -> Iterator[Batch]:
    """The batches of steps `start` to the recipe's last; files may be read by other processes."""
    how = normalisation(images, recipe)
    if isinstance(images, Gallery):
        for step, pixels in read_ahead(images, recipe, seed, start, workers, part):
            yield _finished(images, how, recipe, seed, step, pixels, part)
        return
    for step in range(start, recipe.steps):
        yield batch_of(images, how, recipe, seed, step, part)


def _finished(
    images: Gallery,
    how: Normalisation,
    recipe: Recipe,
    seed: int,
    step: int,
    pixels: Tensor,
    part: Part = WHOLE,
) -> Batch:
    chosen = indices(seed, step, recipe.batch, len(images))[part.places(recipe.batch)]
    x = crops.centred(pixels, how, crops.draws(recipe, seed, step), part)
    return Batch(x, torch.from_numpy(images.labels[chosen]), recipe.replicas // part.of)

"""What many steps drew, made on the processor as for any step, to be sent to a device at once."""

import numpy as np
import torch
from torch import Tensor

from ...data import augment
from ...data.augment import Normalisation
from ...data.order import indices
from ...spec import Recipe

FIELDS = 5  # of a picture: which one, down, right, mirrored, row of the means
CHOSEN, DOWN, RIGHT, MIRRORED, PLACE = range(FIELDS)


def drawn(how: Normalisation, recipe: Recipe, images: int, seed: int, steps: range) -> Tensor:
    """Steps x fields x batch, int32: the very draws of `augment.drawn`."""
    told = np.empty((len(steps), FIELDS, recipe.batch), np.int32)
    chosen = indices(seed, steps.start, recipe.batch, images, len(steps))
    told[:, CHOSEN] = chosen.reshape(len(steps), -1)
    for row, step in zip(told, steps, strict=True):
        row[DOWN], row[RIGHT], row[MIRRORED] = augment.draws(recipe, recipe.batch, seed, step)
        row[PLACE] = augment.place(how, recipe, row[DOWN], row[RIGHT], row[MIRRORED])
    return torch.from_numpy(told)

"""Pictures of either kind, as an array or as a list of files: what is asked of both."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ..card import Preprocessing
from ..models.pixels import resized_views
from ..spec import Recipe
from .gallery.listed import Gallery
from .gallery.views import each, opened_at, view
from .images import Images

Pictured = Images | Gallery
Made = TypeVar("Made")


def views(images: Pictured, part: slice, how: Preprocessing) -> Tensor:
    """The single view of each, N x size x size x 3 uint8."""
    if isinstance(images, Images):
        return resized_views(torch.from_numpy(images.pixels[part]), how)
    seen = each(lambda index: view(images, index, how), _indices(images, part))
    return torch.from_numpy(np.stack(seen))


def edge(images: Pictured, recipe: Recipe) -> int:
    """Of the pictures that are trained on, in pixels."""
    return images.pixels.shape[1] if isinstance(images, Images) else recipe.crop


def made(images: Pictured, part: slice, make: Callable[[np.ndarray, str], Made]) -> list[Made]:
    """What is made of each whole picture and its name; no more of them are held than threads."""
    if isinstance(images, Images):
        return [make(images.pixels[n], str(n)) for n in _indices(images, part)]

    def one(index: int) -> Made:
        return make(opened_at(images, index), images.called(index))

    return each(one, _indices(images, part))


def whole(images: Pictured, part: slice) -> list[np.ndarray]:
    """Each as it is, H x W x 3 uint8."""
    if isinstance(images, Images):
        return list(images.pixels[part])
    return each(lambda index: opened_at(images, index), _indices(images, part))


def _indices(images: Pictured, part: slice) -> range:
    return range(*part.indices(len(images)))


def called(images: Pictured, index: int) -> str:
    """A picture's name: its place in the canonical order, or its file."""
    return str(index) if isinstance(images, Images) else images.called(index)

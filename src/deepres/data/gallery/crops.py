"""Sec. 3.4's training pictures: shorter side drawn, a crop of the resized picture, half mirrored.

Only what the crop shows is resized. torch's antialiased kernel on bytes is several times as fast
as Pillow's and agrees with it to a level or two, but it begins at whole pixels; so a crop begins
at a whole pixel of the picture, where resizing all of it would let it begin at a whole pixel of
the result: the same uniform draw on another raster.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...randomness import stream
from ...spec import Recipe
from .. import augment
from ..augment import Normalisation
from ..order import WHOLE, Part
from .decode import fast, reference

SPREAD = 0.1  # of the colours' deviations, as AlexNet had it


@dataclass(frozen=True)
class Draws:
    """What one step draws for its pictures, before any of them is opened."""

    shorter: np.ndarray  # pixels of the shorter side
    down: np.ndarray  # 0 to 1: where between the top and the bottom the crop begins
    right: np.ndarray
    mirrored: np.ndarray  # bool
    colour: np.ndarray  # N x 3, of deviation 1, along the components of the colours


@dataclass(frozen=True)
class Box:
    """A square of a picture, in its pixels: it begins at whole ones and may end between."""

    left: int
    top: int
    right: float
    bottom: float


def draws(recipe: Recipe, seed: int, step: int) -> Draws:
    """The draws of a step, a function of the seed and the step alone."""
    draw, count = stream(seed, "crop", step), recipe.batch
    low, high = recipe.shorter
    return Draws(
        shorter=draw.integers(low, high + 1, count),
        down=draw.random(count),
        right=draw.random(count),
        mirrored=draw.random(count) < 0.5 * recipe.mirror,
        colour=draw.standard_normal((count, 3)),
    )


def box(height: int, width: int, shorter: int, crop: int, down: float, right: float) -> Box:
    """The part of a picture that becomes the crop once the shorter side has `shorter` pixels.

    The longer side is rounded down to whole pixels, as a resized picture has them.
    """
    edge = min(height, width)
    sides = [crop * side / (side * shorter // edge) for side in (height, width)]
    places = [
        int(drawn * (int(side - part) + 1))
        for drawn, side, part in zip((down, right), (height, width), sides, strict=True)
    ]
    return Box(places[1], places[0], places[1] + sides[1], places[0] + sides[0])


def resized(pixels: np.ndarray, where: Box, crop: int) -> Tensor:
    """The square, 3 x crop x crop uint8 in channels-last order, antialiased and bilinear."""
    rows, columns = (where.bottom - where.top) / crop, (where.right - where.left) / crop
    # what the last pixels' filters reach; on the other side they find the square's own edge
    bottom, right = int(where.bottom + max(1, rows)) + 1, int(where.right + max(1, columns)) + 1
    part = np.ascontiguousarray(pixels[where.top : bottom, where.left : right])
    if crop in part.shape[:2]:
        part = _another_size(part, crop)
    given = torch.from_numpy(part).permute(2, 0, 1)[None]
    kernel = torch.ops.aten._upsample_bilinear2d_aa.default
    return kernel(given, [crop, crop], False, 1 / rows, 1 / columns)[0]


def _another_size(part: np.ndarray, crop: int) -> np.ndarray:
    """With a row or column more, which no filter reaches: the kernel leaves a side as it is where
    as many pixels come as go, whatever the scale."""
    more = [(0, side == crop) for side in part.shape[:2]]
    return np.pad(part, (*more, (0, 0)), mode="edge")


def resized_by_pillow(
    pixels: np.ndarray, edges: tuple[float, float, float, float], crop: int
) -> Tensor:
    """A square by Pillow, the reference; it sees beyond all four of its edges."""
    image = Image.fromarray(pixels).resize((crop, crop), Image.Resampling.BILINEAR, edges)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def cropped(content: bytes, recipe: Recipe, drawn: Draws, index: int) -> Tensor:
    """One picture of a step, 3 x crop x crop uint8, not mirrored yet."""
    shorter = int(drawn.shorter[index])
    pixels = fast(content, shorter)
    where = _where(pixels.shape, recipe, drawn, index)
    return resized(pixels, where, recipe.crop)


def cropped_by_pillow(content: bytes, recipe: Recipe, drawn: Draws, index: int) -> Tensor:
    """The same square by Pillow alone, from the picture at full scale."""
    reduced = reference(content, int(drawn.shorter[index])).shape
    pixels = reference(content, 1 << 30)
    where = _where(reduced, recipe, drawn, index)
    down, right = (whole / part for whole, part in zip(pixels.shape, reduced[:2], strict=False))
    edges = (where.left * right, where.top * down, where.right * right, where.bottom * down)
    return resized_by_pillow(pixels, edges, recipe.crop)


def _where(shape: tuple[int, ...], recipe: Recipe, drawn: Draws, index: int) -> Box:
    height, width = shape[:2]
    down, right = float(drawn.down[index]), float(drawn.right[index])
    return box(height, width, int(drawn.shorter[index]), recipe.crop, down, right)


def centred(pixels: Tensor, how: Normalisation, drawn: Draws, part: Part = WHOLE) -> Tensor:
    """N x 3 x crop x crop uint8 as the network takes them: mirrored, centred, their colour shifted.

    Crop first, then subtract: the mean is the crops', and it is mirrored with the picture.
    """
    rows, mine = pixels.permute(0, 2, 3, 1), part.places(len(drawn.mirrored))
    mirrored = torch.from_numpy(drawn.mirrored[mine])
    rows = torch.where(mirrored.view(-1, 1, 1, 1), rows.flip(2), rows)
    x = augment.centred(rows, how, mirrored.long())
    if how.colours is not None:
        shifts = torch.from_numpy(SPREAD * drawn.colour).float() @ how.colours
        x += shifts[mine].view(-1, 1, 1, 3)
    return x.permute(0, 3, 1, 2)

"""Training pictures as Sec. 4.2 has them: centred, padded, a window cut, half of them mirrored.

The whole batch at a time: draws are a few hundred integers on the CPU, pixels stay uint8 until
the window is cut, and the mean image is cut by the same window.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..card import Preprocessing
from ..randomness import stream
from ..spec import Recipe
from .images import Images
from .order import WHOLE, Part


@dataclass(frozen=True)
class Normalisation:
    """What is subtracted and divided by, measured on the images trained on."""

    how: Preprocessing  # as a card tells it
    mean_image: Tensor | None  # 3 x H x W, pixels from 0 to 1
    # the mean (0 to 255) cut at each offset, then all of these mirrored: a row for each
    means: Tensor
    scale: Tensor  # a row too: from pixels to the network's input, 1 / 255 over the deviation
    # 3 x 3: shifts of a picture's colour, each as long as its deviation; none for small pictures
    colours: Tensor | None = None


def normalisation(images: Images, recipe: Recipe) -> Normalisation:
    """The mean image, or the mean and deviation of each channel, of these images."""
    edge = images.pixels.shape[1]
    mean = images.pixels.mean(axis=0, dtype=np.float64) / 255  # H x W x 3
    channels, deviations = mean.mean((0, 1)), np.ones(3)
    if recipe.centre == "none":
        channels = np.zeros(3)
    elif recipe.centre == "given":
        channels, deviations = np.array(recipe.mean), np.array(recipe.std)
    elif recipe.centre == "channels":
        deviations = _deviations(images.pixels, channels)
    image = mean if recipe.centre == "mean image" else np.broadcast_to(channels, mean.shape)
    how = Preprocessing(
        size=edge,
        resize=edge,
        mean=(float(channels[0]), float(channels[1]), float(channels[2])),
        std=(float(deviations[0]), float(deviations[1]), float(deviations[2])),
        mean_image=recipe.centre == "mean image",
    )
    stored = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))
    return Normalisation(
        how=how,
        mean_image=stored if how.mean_image else None,
        means=_mean_windows(image, recipe),
        scale=torch.from_numpy((1 / (255 * deviations)).astype(np.float32)).repeat(edge * edge),
    )


def _deviations(pixels: np.ndarray, means: np.ndarray) -> np.ndarray:
    counts = [np.bincount(pixels[..., c].ravel(), minlength=256) for c in range(3)]
    values = np.arange(256) / 255
    squares = [(count * (values - m) ** 2).sum() for count, m in zip(counts, means, strict=True)]
    return np.sqrt(np.array(squares) / counts[0].sum())


def _mean_windows(mean: np.ndarray, recipe: Recipe) -> Tensor:
    """A mean image has no value in the padding: it is padded with zeros as the pictures are.

    Black padding is part of the picture: the mean is then subtracted whole from every window.
    """
    shift, edge = (0 if recipe.padding == "black" else recipe.shift), mean.shape[0]
    padded = np.pad(255 * mean, ((shift, shift), (shift, shift), (0, 0)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, (edge, edge), axis=(0, 1))
    cut = cut.transpose(0, 1, 3, 4, 2).reshape(-1, edge, edge, 3)
    both = np.concatenate([cut, cut[:, :, ::-1]])
    return torch.from_numpy(both.astype(np.float32).reshape(len(both), -1))


def drawn(
    images: Images,
    chosen: np.ndarray,
    how: Normalisation,
    recipe: Recipe,
    seed: int,
    step: int,
    part: Part = WHOLE,
) -> tuple[Tensor, Tensor]:
    """The chosen pictures, each with the window and the mirror that this step drew for it.

    Whoever wants a part of them draws for all.
    """
    down, right, mirrored = draws(recipe, len(chosen), seed, step)
    mine = part.places(len(chosen))
    chosen, down, right, mirrored = (x[mine] for x in (chosen, down, right, mirrored))
    pixels = windows(images.pixels[chosen], recipe.shift, down, right)
    pixels[mirrored] = torch.from_numpy(pixels[mirrored]).flip(2).numpy()
    which = torch.from_numpy(place(how, recipe, down, right, mirrored))
    x = centred(torch.from_numpy(pixels), how, which)
    return x.permute(0, 3, 1, 2), torch.from_numpy(images.labels[chosen])


def draws(
    recipe: Recipe, count: int, seed: int, step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a step draws for each of its pictures: how far down and right, whether mirrored."""
    drawn = stream(seed, "augmentation", step)
    down, right = drawn.integers(2 * recipe.shift + 1, size=(2, count))
    if recipe.calm_at(step):
        down, right = np.full((2, count), recipe.shift)
    return down, right, drawn.random(count) < 0.5 * recipe.mirror


def place(
    how: Normalisation, recipe: Recipe, down: np.ndarray, right: np.ndarray, mirrored: np.ndarray
) -> np.ndarray:
    """The row of `means` that belongs to each window."""
    window = 0 if recipe.padding == "black" else down * (2 * recipe.shift + 1) + right
    return mirrored * (len(how.means) // 2) + window


def windows(pixels: np.ndarray, shift: int, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """One window of each padded picture, gathered from a view that holds all of them."""
    count, height, width, channels = pixels.shape
    padded = np.zeros((count, height + 2 * shift, width + 2 * shift, channels), pixels.dtype)
    padded[:, shift : shift + height, shift : shift + width] = pixels
    places = 2 * shift + 1
    a, b, c, d = padded.strides
    view = np.lib.stride_tricks.as_strided(
        padded, (count, places, places, height, width * channels), (a, b, c, b, d)
    )
    return view[np.arange(count), down, right].reshape(pixels.shape)


def centred(pixels: Tensor, how: Normalisation, which: Tensor) -> Tensor:
    """N x H x W x 3 uint8 minus its window of the mean, over the deviation."""
    means = how.means.index_select(0, which)
    return torch.sub(pixels.flatten(1), means).mul_(how.scale).view(pixels.shape)

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


@dataclass(frozen=True)
class Normalisation:
    """What is subtracted and divided by, measured on the images trained on."""

    how: Preprocessing  # as a card tells it
    mean_image: Tensor | None  # 3 x H x W, pixels from 0 to 1
    means: Tensor  # windows of the padded mean: W x H x W x 3, one for each offset


def normalisation(images: Images, recipe: Recipe) -> Normalisation:
    """The mean image, or the mean and deviation of each channel, of these images."""
    edge = images.pixels.shape[1]
    mean = images.pixels.mean(axis=0, dtype=np.float64) / 255  # H x W x 3
    channels, deviations = mean.mean((0, 1)), np.ones(3)
    if recipe.centre == "none":
        channels = np.zeros(3)
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
    if recipe.padding == "black":
        return torch.from_numpy(mean[None].astype(np.float32))
    shift, edge = recipe.shift, mean.shape[0]
    padded = np.pad(mean, ((shift, shift), (shift, shift), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (edge, edge), axis=(0, 1))
    windows = windows.transpose(0, 1, 3, 4, 2).reshape(-1, edge, edge, 3)
    return torch.from_numpy(windows.astype(np.float32))


def drawn(
    images: Images, chosen: np.ndarray, how: Normalisation, recipe: Recipe, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """The chosen pictures, each with the window and the mirror that this step drew for it."""
    places = 2 * recipe.shift + 1
    offsets = stream(seed, "crop", step).integers(places, size=(2, len(chosen)))
    mirrored = stream(seed, "mirror", step).random(len(chosen)) < 0.5 * recipe.mirror
    pixels = windows(images.pixels[chosen], recipe.shift, *offsets)
    which = torch.from_numpy(offsets[0] * places + offsets[1])
    x = centred(torch.from_numpy(pixels), how, which)
    x[torch.from_numpy(mirrored)] = x[torch.from_numpy(mirrored)].flip(2)
    return x.permute(0, 3, 1, 2), torch.from_numpy(images.labels[chosen])


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
    means = how.means[which] if len(how.means) > 1 else how.means
    x = pixels.to(torch.float32).div_(255).sub_(means)
    if how.how.std != (1.0, 1.0, 1.0):
        x.div_(torch.tensor(how.how.std))
    return x

"""More than one look at a picture (Sec. 3.4): ten crops, or the network swept over whole pictures.

What is averaged are probabilities, or logits where that is asked for. The answers are logits
again: the logarithm of a mean probability ranks as it does, and its softmax is itself.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from ..card import Preprocessing
from ..errors import UserError
from .pictures import resized
from .pixels import normalised
from .resnet import ResNet

Average = Literal["softmax", "logits"]
FULL = 224  # the crop to which these belong; other crops have them in proportion
TEN = 256  # shorter side of a picture of which ten crops are taken
SCALES = (224, 256, 384, 480, 640)  # shorter sides of pictures that are swept over whole
SIDE_AT_MOST = 4096  # of a scale: the maps of a larger picture fill memory


def in_proportion(side: int, how: Preprocessing) -> int:
    """A side of Sec. 3.4 for the crop that the network was trained on."""
    return round(side * how.size / FULL)


def averaged(logits: Tensor, dimension: int, average: Average) -> Tensor:
    """Logits whose softmax is the mean probability over a dimension; or their own mean."""
    if average == "logits":
        return logits.double().mean(dimension)
    return logits.double().softmax(-1).mean(dimension).log()


def shorter_side(
    picture: np.ndarray, side: int, how: Preprocessing, name: str = "The picture"
) -> np.ndarray:
    """The picture with so many pixels on its shorter side."""
    if min(picture.shape[:2]) == side:
        return picture
    return np.asarray(resized(Image.fromarray(picture), side, how, name))


def five_crops(picture: np.ndarray, how: Preprocessing, name: str = "The picture") -> np.ndarray:
    """Four corners and the centre of a picture whose shorter side is a little longer than they."""
    side = max(how.resize, in_proportion(TEN, how))
    pixels = shorter_side(picture, side, how, name)
    (height, width), size = pixels.shape[:2], how.size
    centre = (round((height - size) / 2), round((width - size) / 2))
    below, right = height - size, width - size
    places = [(0, 0), (0, right), (below, 0), (below, right), centre]
    return np.stack([pixels[top : top + size, left : left + size] for top, left in places])


def at_scales(
    picture: np.ndarray, how: Preprocessing, scales: Sequence[int], name: str = "The picture"
) -> list[np.ndarray]:
    """The whole picture at each scale."""
    return [shorter_side(picture, side, how, name) for side in scales]


def ten_crops(
    network: Callable[[Tensor], Tensor],
    crops: Sequence[np.ndarray],
    how: Preprocessing,
    mean_image: Tensor | None,
    average: Average = "softmax",
) -> Tensor:
    """N x classes: the mean over the five crops of each picture and their mirrors."""
    x = normalised(torch.from_numpy(np.concatenate(crops)), how, mean_image)
    both = torch.stack([network(x), network(x.flip(3))], 1)  # 5 N x 2 x classes
    return averaged(both.view(len(crops), 10, -1), 1, average)


def swept(
    network: nn.Module,
    pictures: Sequence[Sequence[np.ndarray]],
    how: Preprocessing,
    mean_image: Tensor | None,
    average: Average = "softmax",
) -> Tensor:
    """N x classes: the mean over all places of whole pictures, then over the scales of each."""
    scales = zip(*pictures, strict=True)
    answers = [_at_scale(network, same, how, mean_image, average) for same in scales]
    return averaged(torch.stack(answers, 1), 1, average)


def _at_scale(
    network: nn.Module,
    resized: Sequence[np.ndarray],
    how: Preprocessing,
    mean_image: Tensor | None,
    average: Average,
) -> Tensor:
    """Pictures of one shape go through together; most have a shape of their own."""
    order = sorted(range(len(resized)), key=lambda n: resized[n].shape)
    answers: dict[int, Tensor] = {}
    for shape, same in groupby(order, key=lambda n: resized[n].shape):
        which = list(same)
        # a mean image has the crop's size; elsewhere its channels' means stand for it
        mean = mean_image if shape[:2] == (how.size, how.size) else None
        x = normalised(torch.from_numpy(np.stack([resized[n] for n in which])), how, mean)
        places = averaged(dense(network, x, how.size), 1, average)
        answers.update(zip(which, places, strict=True))
    return torch.stack([answers[n] for n in range(len(resized))])


def dense(network: nn.Module, x: Tensor, size: int) -> Tensor:
    """N x places x classes: the logits of every crop of the last maps, as Sec. 3.4 sweeps.

    Where the network was trained on crops of `size`, its pooling covers the maps that such a crop
    has, and moves over larger ones by steps of one.
    """
    if not isinstance(network, ResNet):
        raise UserError(
            "A network is swept over whole pictures through its own layers, which an exported file"
            " does not show: name the weights it was made of."
        )
    edge = _maps(network, x.new_zeros(1, 3, size, size)).shape[-1]
    maps = _maps(network, x)
    height, width = (min(edge, side) for side in maps.shape[2:])
    pooled = F.avg_pool2d(maps, (height, width), stride=1)
    return network.fc(pooled.flatten(2).transpose(1, 2))


def _maps(network: ResNet, x: Tensor) -> Tensor:
    """What reaches the global average pooling."""
    x = network.maxpool(F.relu(network.bn1(network.conv1(x))))
    for stage in network.stages():
        x = stage(x)
    return x


def scales_of(text: str | None, how: Preprocessing) -> tuple[int, ...]:
    """Those that were asked for, or Sec. 3.4's in proportion to the crop."""
    if text is None:
        return tuple(in_proportion(side, how) for side in SCALES)
    parts = [part.strip() for part in text.split(",")]
    sides = [int(part) if part.isdecimal() and len(part) < 9 else 0 for part in parts]
    if not all(0 < side <= SIDE_AT_MOST for side in sides):
        raise UserError(
            f"--scales {text}: write shorter sides in pixels, as in 224,256,384; the largest is"
            f" {SIDE_AT_MOST:,}."
        )
    return tuple(sides)

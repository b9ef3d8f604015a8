"""Pixels as tensors: the views of several pictures, and what `forward` takes."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..card import Preprocessing
from .pictures import Picture, centre_view, opened


def normalised(pixels: Tensor, how: Preprocessing, mean_image: Tensor | None) -> Tensor:
    """N x H x W x 3 uint8 to the N x 3 x H x W float that `forward` takes, channels last."""
    x = pixels.permute(0, 3, 1, 2)
    if how.colour == "BGR":
        x = x.flip(1)
    factor, shift = factor_and_shift(how, mean_image)
    return torch.addcmul(shift, x.float(), factor)


def factor_and_shift(how: Preprocessing, mean_image: Tensor | None) -> tuple[Tensor, Tensor]:
    """What a pixel of 0 to 255 is multiplied by, and what is then added: 3 x 1 x 1, or an image."""
    mean = torch.tensor(how.mean).view(3, 1, 1) if mean_image is None else mean_image
    factor = torch.tensor([how.maximum / (255 * std) for std in how.std]).view(3, 1, 1)
    return factor, -mean / torch.tensor(how.std).view(3, 1, 1)


def resized_views(pixels: Tensor, how: Preprocessing) -> Tensor:
    """The centre view of pictures that are an array already: N x H x W x 3 uint8, any H and W."""
    if pixels.shape[1:3] == (how.size, how.size) and how.resize == how.size:
        return pixels
    return torch.from_numpy(
        np.stack([centre_view(Image.fromarray(picture), how) for picture in pixels.numpy()])
    )


def views(pictures: Sequence[Picture], how: Preprocessing) -> Tensor:
    """One centre view of each picture: N x size x size x 3 uint8."""
    return torch.from_numpy(np.stack([centre_view(opened(p), how) for p in pictures]))

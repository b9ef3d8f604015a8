"""From pictures as people have them to what a network takes, as its card says."""

import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..card import Preprocessing
from ..errors import UserError

Picture = str | PathLike[str] | Image.Image | np.ndarray


def opened(picture: Picture) -> Image.Image:
    """An upright RGB image from a path, a PIL image or an H x W (x 3) uint8 array."""
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
            raise UserError(
                f"A picture as an array is H x W x 3 or H x W of uint8, not {picture.shape} of"
                f" {picture.dtype}."
            )
        return Image.fromarray(picture).convert("RGB")
    if isinstance(picture, Image.Image):
        return _upright(picture)
    try:
        # Pillow warns where a file's pixels would fill memory: for us that is an error.
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(Path(picture)) as image:
                return _upright(image)
    except FileNotFoundError:
        raise UserError(f"{picture}: there is no such file.") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UserError(
            f"{picture} has more than {Image.MAX_IMAGE_PIXELS:,} pixels: shrink it first."
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{picture} is not a picture that can be read: {error}.") from None


def _upright(image: Image.Image) -> Image.Image:
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I;16") or turned.mode == "I":
        turned = Image.fromarray((np.asarray(turned, dtype=np.uint32) >> 8).astype(np.uint8))
    return turned.convert("RGB")


def centre_view(image: Image.Image, how: Preprocessing) -> np.ndarray:
    """The single view of a test: shorter side resized, centre cut out; H x W x 3 uint8.

    The longer side is rounded down and a half pixel of the cut to the even number, as torchvision
    does: the networks of others were tested so.
    """
    width, height = image.size
    shorter = min(width, height)
    resized = (width * how.resize // shorter, height * how.resize // shorter)
    if resized != image.size:
        method = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
        image = image.resize(resized, method[how.interpolation])
    left, top = (round((side - how.size) / 2) for side in resized)
    return np.asarray(image.crop((left, top, left + how.size, top + how.size)))


def normalised(pixels: Tensor, how: Preprocessing, mean_image: Tensor | None) -> Tensor:
    """N x H x W x 3 uint8 to the N x 3 x H x W float that `forward` takes, channels last."""
    x = pixels.permute(0, 3, 1, 2)
    if how.colour == "BGR":
        x = x.flip(1)
    mean = torch.tensor(how.mean).view(3, 1, 1) if mean_image is None else mean_image
    factor = torch.tensor([how.maximum / (255 * std) for std in how.std]).view(3, 1, 1)
    shift = mean / torch.tensor(how.std).view(3, 1, 1)
    return torch.addcmul(-shift, x.float(), factor)


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

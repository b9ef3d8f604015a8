"""From pictures as people have them to what a network takes, as its card says."""

import functools
import io
import struct
import threading
import warnings
import zlib
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..card import Preprocessing
from ..errors import UserError

Picture = str | PathLike[str] | bytes | Image.Image | np.ndarray
# What is opened. Pillow knows more, but one of them starts another program (EPS), and some have no
# mark of their own, so that any damaged file might be one.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "MPO", "AVIF", "JPEG2000", "ICO")
PIXELS_AT_MOST = 89_478_485  # 256 MiB of RGB, Pillow's own limit
# What Pillow raises for damaged files, found by damaging files.
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    OverflowError,
    TypeError,
    LookupError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
_warnings = threading.Lock()  # their filters belong to the whole process


def opened(picture: Picture, name: str = "", pixels: int = PIXELS_AT_MOST) -> Image.Image:
    """An upright RGB image from a path, a file's bytes, a PIL image or a uint8 array.

    Animations give their first frame, 16 bits their upper 8, and what is transparent is laid over
    white, as a page would show it. `name` is what the picture is called if it cannot be read.
    A file of more than `pixels` is refused by its header.
    """
    if isinstance(picture, np.ndarray):
        return _upright(_from_array(picture), name or "The array")
    if isinstance(picture, Image.Image):
        return _upright(picture, name or "The image")
    file = io.BytesIO(picture) if isinstance(picture, bytes) else Path(picture)
    name = name or ("The picture" if isinstance(picture, bytes) else str(picture))
    try:
        with _recognised(file) as image:
            _small_enough(image.size, name, pixels)
            return _upright(image, name)
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{name}: there is no such file.") from None
    except IsADirectoryError:
        raise UserError(f"{name} is a folder, not a picture.") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_many_pixels(name, pixels) from None
    except UnidentifiedImageError:
        if _nothing(file):
            raise UserError(f"{name} is empty.") from None
        raise UserError(
            f"{name} is not a picture that can be read: it is none of {', '.join(FORMATS)}."
        ) from None
    except DAMAGED as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{name} is not a picture that can be read: {reason.rstrip('.')}."
        ) from None


def _nothing(file: io.BytesIO | Path) -> bool:
    return not (file.getbuffer() if isinstance(file, io.BytesIO) else file.stat().st_size)


def _recognised(file: io.BytesIO | Path) -> Image.Image:
    """The header alone; Pillow warns where pixels would fill memory: for us that is an error."""
    with _warnings, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(file, formats=_formats())


@functools.cache
def _formats() -> tuple[str, ...]:
    """Of those that are opened, the ones that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _small_enough(size: tuple[int, int], name: str, pixels: int) -> None:
    if size[0] * size[1] > pixels:
        raise _too_many_pixels(name, pixels)


def _too_many_pixels(name: str, pixels: int) -> UserError:
    return UserError(f"{name} has more than {pixels:,} pixels: shrink it first.")


def _from_array(picture: np.ndarray) -> Image.Image:
    channels = picture.shape[2] if picture.ndim == 3 else 1
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise UserError(
            f"A picture as an array is H x W x 3 (or 4, or H x W) of uint8, not {picture.shape} of"
            f" {picture.dtype}."
        )
    if picture.size == 0:
        raise UserError(f"An array of {picture.shape} has no pixels.")
    return Image.fromarray(picture[..., 0] if picture.ndim == 3 and channels == 1 else picture)


def _upright(image: Image.Image, name: str) -> Image.Image:
    turned = ImageOps.exif_transpose(image)
    if turned.mode == "RGB":
        return turned
    if turned.mode.startswith("I"):
        turned = _upper_bits(turned, name)
    elif turned.mode == "F":
        raise UserError(f"{name} has pixels that are fractions, and nothing says which is white.")
    if turned.has_transparency_data:
        page = Image.new("RGBA", turned.size, "white")
        return Image.alpha_composite(page, turned.convert("RGBA")).convert("RGB")
    return turned.convert("RGB")


def _upper_bits(image: Image.Image, name: str) -> Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise UserError(f"{name} has pixels of 32 bits, and nothing says which is white.")
    return Image.fromarray((values.astype(np.uint16) >> 8).astype(np.uint8))


def centre_view(image: Image.Image, how: Preprocessing, name: str = "The picture") -> np.ndarray:
    """The single view of a test: shorter side resized, centre cut out; H x W x 3 uint8.

    The longer side is rounded down and a half pixel of the cut to the even number, as torchvision
    does: the networks of others were tested so. (Resizing the middle alone, Pillow's `box`, would
    take half the time and gives other pixels.)
    """
    width, height = image.size
    shorter = min(width, height)
    resized = (width * how.resize // shorter, height * how.resize // shorter)
    if resized != image.size:
        if resized[0] * resized[1] > PIXELS_AT_MOST:
            raise UserError(
                f"{name} is {width} x {height}: resized, so narrow a picture would fill memory."
            )
        method = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
        image = image.resize(resized, method[how.interpolation])
    left, top = (round((side - how.size) / 2) for side in resized)
    return np.asarray(image.crop((left, top, left + how.size, top + how.size)))

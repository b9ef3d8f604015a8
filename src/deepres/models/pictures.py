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
from PIL.ImageFile import ImageFile

from ..card import Preprocessing
from ..errors import UserError

Picture = str | PathLike[str] | bytes | Image.Image | np.ndarray
# What is opened. Pillow knows more, but one of them starts another program (EPS), and some have no
# mark of their own, so that any damaged file might be one.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "MPO", "AVIF", "JPEG2000", "ICO")
PIXELS_AT_MOST = 89_478_485  # 256 MiB of RGB, Pillow's own limit
RATIO_AT_MOST = 50  # of the sides: resized, a narrower picture would fill memory
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
BOMBS = (Image.DecompressionBombWarning, Image.DecompressionBombError)


class BadPicture(ValueError):
    """Why a picture cannot be used, as the end of a sentence that begins with its name."""


class _Quiet:
    """Without Pillow's warnings of odd metadata, in any number of threads at a time.

    Their filters belong to the whole process: the first that enters sets them, the last that
    leaves puts them back.
    """

    def __init__(self) -> None:
        self.lock, self.inside, self.before = threading.Lock(), 0, warnings.catch_warnings()

    def __enter__(self) -> None:
        with self.lock:
            if not self.inside:
                self.before = warnings.catch_warnings()
                self.before.__enter__()
                warnings.simplefilter("ignore")
                # where pixels would fill memory Pillow warns: for us that is an error
                warnings.simplefilter("error", Image.DecompressionBombWarning)
            self.inside += 1

    def __exit__(self, *raised: object) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.before.__exit__(None, None, None)


quiet = _Quiet()


def opened(picture: Picture, name: str = "", pixels: int = PIXELS_AT_MOST) -> Image.Image:
    """An upright RGB image from a path, a file's bytes, a PIL image or a uint8 array.

    Animations give their first frame, 16 bits their upper 8, and what is transparent is laid over
    white, as a page would show it. `name` is what the picture is called if it cannot be read.
    A file of more than `pixels` is refused by its header.
    """
    if isinstance(picture, np.ndarray):
        return _as_given(_from_array(picture), name or "The array")
    if isinstance(picture, Image.Image):
        return _as_given(picture, name or "The image")
    file = io.BytesIO(picture) if isinstance(picture, bytes) else Path(picture)
    name = name or ("The picture" if isinstance(picture, bytes) else str(picture))
    try:
        with quiet, recognised(file) as image:
            fitting(image.size, pixels)
            return upright(image)
    except BadPicture as error:
        raise UserError(f"{name} {error}.") from None
    except FileNotFoundError:
        raise UserError(f"{name}: there is no such file.") from None
    except IsADirectoryError:
        raise UserError(f"{name} is a folder, not a picture.") from None
    except BOMBS:
        raise UserError(f"{name} {too_many(pixels)}.") from None
    except UnidentifiedImageError:
        if _nothing(file):
            raise UserError(f"{name} is empty.") from None
        raise UserError(
            f"{name} is not a picture that can be read: it is none of {', '.join(FORMATS)}."
        ) from None
    except DAMAGED as error:
        raise UserError(f"{name} is not a picture that can be read: {told(error)}.") from None


def _as_given(image: Image.Image, name: str) -> Image.Image:
    try:
        wide_enough(image.size)
        return upright(image)
    except BadPicture as error:
        raise UserError(f"{name} {error}.") from None


def told(error: Exception) -> str:
    """What is wrong with a file, as far as its decoder says it: no line break, no full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(" .") if lines else type(error).__name__


def _nothing(file: io.BytesIO | Path) -> bool:
    return not (file.getbuffer() if isinstance(file, io.BytesIO) else file.stat().st_size)


def recognised(file: io.BytesIO | Path) -> ImageFile:
    """A picture of which the header alone is read; no other program is ever started for it."""
    return Image.open(file, formats=_formats())


@functools.cache
def _formats() -> tuple[str, ...]:
    """Of those that are opened, the ones that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def fitting(size: tuple[int, int], pixels: int) -> None:
    """Refuses a picture by its header that would fill memory, as it is or resized."""
    if size[0] * size[1] > pixels:
        raise BadPicture(too_many(pixels))
    wide_enough(size)


def too_many(pixels: int) -> str:
    """Why a large picture cannot be used."""
    return f"has more than {pixels:,} pixels: shrink it first"


def narrow(width: int, height: int) -> bool:
    """Whether one side is so much longer than the other that resizing would fill memory."""
    return max(width, height) > RATIO_AT_MOST * min(width, height)


def wide_enough(size: tuple[int, int]) -> None:
    """Refuses a narrow one."""
    if narrow(*size):
        raise BadPicture(
            f"is {size[0]} x {size[1]}: resized, so narrow a picture would fill memory; one side"
            f" may be {RATIO_AT_MOST} times the other"
        )


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


def upright(image: Image.Image) -> Image.Image:
    """In RGB, turned as its metadata say."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode == "RGB":
        return turned
    if turned.mode.startswith("I"):
        turned = _upper_bits(turned)
    elif turned.mode == "F":
        raise BadPicture("has pixels that are fractions, and nothing says which is white")
    if turned.has_transparency_data:
        page = Image.new("RGBA", turned.size, "white")
        return Image.alpha_composite(page, turned.convert("RGBA")).convert("RGB")
    return turned.convert("RGB")


def _upper_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise BadPicture("has pixels of 32 bits, and nothing says which is white")
    return Image.fromarray((values.astype(np.uint16) >> 8).astype(np.uint8))


def centre_view(image: Image.Image, how: Preprocessing, name: str = "The picture") -> np.ndarray:
    """The single view of a test: shorter side resized, centre cut out; H x W x 3 uint8.

    The longer side is rounded down and a half pixel of the cut to the even number, as torchvision
    does: the networks of others were tested so. (Resizing the middle alone, Pillow's `box`, would
    take half the time and gives other pixels.)
    """
    image = resized(image, how.resize, how, name)
    left, top = (round((side - how.size) / 2) for side in image.size)
    return np.asarray(image.crop((left, top, left + how.size, top + how.size)))


def resized(image: Image.Image, shorter: int, how: Preprocessing, name: str) -> Image.Image:
    """With so many pixels on its shorter side; the longer one is rounded down."""
    width, height = image.size
    edge = min(width, height)
    size = (width * shorter // edge, height * shorter // edge)
    if size == image.size:
        return image
    if size[0] * size[1] > PIXELS_AT_MOST:
        raise UserError(
            f"{name} is {width} x {height}: with a shorter side of {shorter:,} pixels, so narrow a"
            " picture would fill memory."
        )
    method = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    return image.resize(size, method[how.interpolation])

"""One encoded picture to upright RGB pixels, at full scale or a half, a quarter, an eighth.

simplejpeg and Pillow decode with the same library, so that both give the same pixels to the bit,
at each of these scales; simplejpeg does it in two thirds of the time. Pillow is the reference and
reads what the other cannot: other formats, CMYK, rotated pictures, files that are not quite right.
"""

import io
import struct
import warnings
import zlib

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from ...models.pictures import opened

DIRECT = ("YCbCr", "Gray")  # colour spaces of JPEG that become RGB by the standard's own formula
SCALES = (8, 4, 2)
EXIF = b"Exif\x00\x00"
# What Pillow raises for damaged files, found by damaging files.
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, TypeError, KeyError)


class BadPicture(ValueError):
    """Why a picture cannot be used, as the end of a sentence that begins with its name."""


def size_limit() -> int:
    """How many pixels a picture may have: more would fill memory."""
    return Image.MAX_IMAGE_PIXELS or 1 << 62


def fast(content: bytes, shorter: int) -> np.ndarray:
    """H x W x 3 uint8 at the smallest scale whose shorter side has `shorter` pixels or more."""
    pixels = direct(content, shorter, size_limit())
    return reference(content, shorter) if pixels is None else pixels


def direct(content: bytes, shorter: int, most: int) -> np.ndarray | None:
    """The same of a JPEG file that is as it should be; None of any other, or of more pixels."""
    if content[:2] != b"\xff\xd8" or EXIF in content[:65536]:
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if colours not in DIRECT or height * width > most:
            return None
        scale = scale_for(min(height, width), shorter)
        least = {"min_height": -(-height // scale), "min_width": -(-width // scale)}
        return simplejpeg.decode_jpeg(content, "RGB", **least if scale > 1 else {})
    except ValueError:  # damaged, or odd in a way that Pillow lets pass or names
        return None


def scale_for(edge: int, shorter: int) -> int:
    """1, 2, 4 or 8: how much smaller it may be decoded without losing what is asked for."""
    return next((scale for scale in SCALES if -(-edge // scale) >= shorter), 1)


def reference(content: bytes, shorter: int) -> np.ndarray:
    """The same by Pillow; what is wrong with the picture is said."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.format == "JPEG" and image.mode in ("RGB", "L"):
                    scale = scale_for(min(image.size), shorter)
                    image.draft(None, (image.width // scale, image.height // scale))
                return np.array(opened(image))  # a copy: torch takes none that cannot be written
    except UnidentifiedImageError:
        raise BadPicture("is no picture of a known format" if content else "is empty") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise BadPicture(f"has more than {size_limit():,} pixels: shrink it first") from None
    except DAMAGE as error:
        raise BadPicture(f"cannot be decoded: {error}") from None

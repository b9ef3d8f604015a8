"""One encoded picture to upright RGB pixels, at full scale or a half, a quarter, an eighth.

simplejpeg and Pillow decode with the same library, so that both give the same pixels to the bit,
at each of these scales; simplejpeg does it in two thirds of the time. Pillow is the reference and
reads what the other cannot: other formats, CMYK, rotated pictures, files that are not quite right.
"""

import io

import numpy as np
import simplejpeg
from PIL import UnidentifiedImageError

from ...models.pictures import (
    BOMBS,
    DAMAGED,
    PIXELS_AT_MOST,
    BadPicture,
    fitting,
    narrow,
    quiet,
    recognised,
    told,
    too_many,
    upright,
)

DIRECT = ("YCbCr", "Gray")  # colour spaces of JPEG that become RGB by the standard's own formula
SCALES = (8, 4, 2)
APP1, SCAN = 0xE1, 0xDA  # the segments in which metadata lie, and the one that pixels follow
SEGMENTS = {*range(0xC0, 0xFF)} - {*range(0xD0, 0xDA)}  # the markers that tell their length
EXIF = b"Exif\x00\x00"
XMP = b"http://ns.adobe.com/xap/1.0/\x00"
ORIENTATION = b"tiff:Orientation"


def fast(content: bytes, shorter: int) -> np.ndarray:
    """H x W x 3 uint8 at the smallest scale whose shorter side has `shorter` pixels or more."""
    pixels = direct(content, shorter, PIXELS_AT_MOST)
    return reference(content, shorter) if pixels is None else pixels


def direct(content: bytes, shorter: int, most: int) -> np.ndarray | None:
    """The same of a JPEG file that is as it should be; None of any other, or of more pixels."""
    if not _plain(content):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if colours not in DIRECT or height * width > most or narrow(width, height):
            return None
        scale = scale_for(min(height, width), shorter)
        least = {"min_height": -(-height // scale), "min_width": -(-width // scale)}
        return simplejpeg.decode_jpeg(content, "RGB", **least if scale > 1 else {})
    except ValueError:  # damaged, or odd in a way that Pillow lets pass or names
        return None


def _plain(content: bytes) -> bool:
    """Whether a file is a JPEG whose segments, up to its pixels, tell nothing of a rotation."""
    if content[:2] != b"\xff\xd8":
        return False
    at = 2
    while content[at : at + 1] == b"\xff" and at + 4 <= len(content):
        kind, size = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if kind == SCAN:
            return True
        if kind not in SEGMENTS:
            return False
        if kind == APP1 and _may_turn(content[at + 4 : at + 2 + size]):
            return False
        at += 2 + size
    return False  # odd: Pillow may let it pass, or names what it is


def _may_turn(metadata: bytes) -> bool:
    return metadata.startswith(EXIF) or (metadata.startswith(XMP) and ORIENTATION in metadata)


def scale_for(edge: int, shorter: int) -> int:
    """1, 2, 4 or 8: how much smaller it may be decoded without losing what is asked for."""
    return next((scale for scale in SCALES if -(-edge // scale) >= shorter), 1)


def reference(content: bytes, shorter: int) -> np.ndarray:
    """The same by Pillow; what is wrong with the picture is said."""
    try:
        with quiet, recognised(io.BytesIO(content)) as image:
            fitting(image.size, PIXELS_AT_MOST)
            if image.format == "JPEG" and image.mode in ("RGB", "L"):
                scale = scale_for(min(image.size), shorter)
                image.draft(None, (image.width // scale, image.height // scale))
            return np.array(upright(image))  # a copy: torch takes none that cannot be written
    except BadPicture:
        raise
    except UnidentifiedImageError:
        raise BadPicture("is no picture of a known format" if content else "is empty") from None
    except BOMBS:
        raise BadPicture(too_many(PIXELS_AT_MOST)) from None
    except DAMAGED as error:
        raise BadPicture(f"cannot be decoded: {told(error)}") from None

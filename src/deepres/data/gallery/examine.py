"""Every picture read and decoded, and all that is odd about it told."""

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL.ImageFile import ImageFile

from ...models.pictures import DAMAGED, BadPicture, quiet, recognised, told
from .decode import DIRECT, fast
from .listed import Gallery

FULL_SCALE = 1 << 30
CHUNK = 512  # pictures that are under way at a time
REPORT = 5.0  # seconds between two words on how far it is
DEEP = ("I;16", "I;16B", "I;16L", "I", "F")
ORIENTATION = 0x0112
BITS = 258  # TIFF's tag of how many bits each channel has

Note = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """What one picture is like."""

    index: int
    bad: str = ""  # why it cannot be used, as the end of a sentence
    damaged: str = ""  # what is wrong with one that decoders let pass
    odd: tuple[str, ...] = ()  # what it is besides a plain picture, and what becomes of it
    digest: str = ""  # of its pixels
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)  # of its pixels from 0 to 1, by channel
    square: tuple[float, ...] = (0.0, 0.0, 0.0)  # of their squares


def examined(images: Gallery, note: Note | None = None) -> Iterator[Finding]:
    """Each picture in turn; decoders let others run meanwhile, so threads do."""
    told = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(images), CHUNK):
            end = min(start + CHUNK, len(images))
            yield from pool.map(lambda index: finding(images, index), range(start, end))
            if note is not None and time.perf_counter() - told > REPORT and end < len(images):
                told = time.perf_counter()
                note(f"{images.name}: {end:,} of {len(images):,} pictures read")


def finding(images: Gallery, index: int) -> Finding:
    """What the picture at an index is like."""
    try:
        content = images.read(index)
        pixels = fast(content, FULL_SCALE)
    except OSError as error:
        return Finding(index, f"cannot be read: {error.strerror or error}")
    except BadPicture as error:
        return Finding(index, str(error))
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    flat = pixels.reshape(-1, 3)
    values = np.stack([np.bincount(flat[:, c], minlength=256) for c in range(3)]) / len(flat)
    steps = np.arange(256) / 255
    mean, square = values @ steps, values @ steps**2
    damaged = _warned(content)
    strange: tuple[str, ...] = ()
    try:
        strange = odd(content)
    except DAMAGED as error:  # its later frames, or metadata that reading it does not ask for
        damaged = damaged or told(error)
    return Finding(
        index,
        damaged=damaged,
        odd=strange,
        digest=digest,
        mean=tuple(mean.tolist()),
        square=tuple(square.tolist()),
    )


def odd(content: bytes) -> tuple[str, ...]:
    """What else could be said of a picture that can be decoded."""
    said = []
    with quiet, recognised(io.BytesIO(content)) as image:
        kind, mode = image.format or "", image.mode
        deep = _deep(image)
        frames = getattr(image, "n_frames", 1)
        turned = image.getexif().get(ORIENTATION) in range(2, 9)
    if mode in ("CMYK", "YCCK"):
        said.append("is CMYK: it is read as RGB, without a profile of its colours")
    if deep:
        said.append("has more than 8 bits a channel: the upper 8 are read")
    if mode in ("P", "PA"):
        said.append("has a palette: it is read as RGB")
    if turned:
        said.append("was rotated by its EXIF tag: it is read upright")
    if frames > 1 and kind == "TIFF":
        said.append(f"has {frames} pages: the first is read")
    elif frames > 1 and kind != "MPO":  # a camera's second view is no animation
        said.append(f"is animated: the first of its {frames} frames is read")
    return tuple(said)


def _deep(image: ImageFile) -> bool:
    """Whether it is stored with more bits than are read, whatever Pillow makes of them."""
    if image.mode in DEEP:
        return True
    bits = getattr(image, "tag_v2", {}).get(BITS, (8,))
    stored = [str(tile.args) for tile in image.tile]  # as in RGB;16B; of PPM the largest value
    return max(bits) > 8 or any(";16" in how or "65535" in how for how in stored)


def _warned(content: bytes) -> str:
    """What the JPEG library finds wrong and goes on after."""
    if content[:2] != b"\xff\xd8":
        return ""
    try:
        if simplejpeg.decode_jpeg_header(content)[2] not in DIRECT:
            return ""
        simplejpeg.decode_jpeg(content, "RGB", strict=True)
    except ValueError as error:
        return str(error)
    return ""

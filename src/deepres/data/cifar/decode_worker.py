"""One decoding process: encoded pictures on standard input, their pixels on standard output.

Run as a file, so it imports nothing of the package and starts in a blink.
"""

import io
import struct
import sys
import zlib
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

EDGE = 32
BYTES = EDGE * EDGE * 3
# What Pillow raises for damaged files, found by damaging files.
BAD = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
FORMATS = ("PNG", "WEBP")  # lossless, as on the hub; trying no others halves the time


def picture(encoded: bytes) -> bytes:
    """The 32 x 32 x 3 pixels of one encoded picture; ValueError or OSError for any other."""
    try:
        opened = Image.open(io.BytesIO(encoded), formats=FORMATS)
    except UnidentifiedImageError:  # its message is the address of a buffer
        raise ValueError("it is neither PNG nor WebP") from None
    with opened as image:
        if image.size != (EDGE, EDGE):
            raise ValueError(f"it is {image.width} x {image.height}, not {EDGE} x {EDGE}")
        return (image if image.mode == "RGB" else image.convert("RGB")).tobytes()


def work(source: BinaryIO, sink: BinaryIO) -> None:
    """Decodes until the input ends or a picture is bad; how much came out tells which one."""
    while header := source.read(4):
        (length,) = struct.unpack("<I", header)
        try:
            pixels = picture(source.read(length))
        except BAD:
            return
        sink.write(pixels)


if __name__ == "__main__":
    work(sys.stdin.buffer, sys.stdout.buffer)

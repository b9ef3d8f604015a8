"""The wire format of protocol buffers, as far as Caffe's files need it, within bounds.

A message is a row of fields, each a key (number and wire type) and a value; nested messages are
bytes until somebody asks for their fields, so nothing here recurses.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import UserError

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
FIELDS_AT_MOST = 200_000  # of one file; ResNet-152's caffemodel has some ten thousand
NAME_AT_MOST = 1000  # bytes
_WIDTH = {FOUR_BYTES: 4, EIGHT_BYTES: 8}
_NUMBER = {FOUR_BYTES: "<f4", EIGHT_BYTES: "<f8"}

Value = int | memoryview
Field = tuple[int, int, Value]  # number, wire type, value


class Wire:
    """Reads the fields of one file's messages and counts them: no file keeps us busy for long."""

    def __init__(self, path: Path) -> None:
        self.path, self.fields_left = path, FIELDS_AT_MOST

    def fields(self, message: memoryview) -> Iterator[Field]:
        """Number, wire type and value of each field: an integer, or a view of the bytes.

        Numbers of fixed width that follow one another under one key come as a single row, as if
        they were packed: old files hold millions of them.
        """
        at = 0
        while at < len(message):
            self.fields_left -= 1
            if self.fields_left < 0:
                raise self.broken(f"it has more than {FIELDS_AT_MOST:,} fields")
            start = at
            key, at = self.varint(message, at)
            number, kind = key >> 3, key & 7
            if number == 0 or kind not in (VARINT, BYTES, *_WIDTH):
                raise self.broken(f"field {number} has the wire type {kind}")
            if kind == VARINT:
                value, at = self.varint(message, at)
                yield number, kind, value
                continue
            length = _WIDTH.get(kind, 0)
            if kind == BYTES:
                length, at = self.varint(message, at)
            if length > len(message) - at:
                raise self.broken(f"{length:,} bytes are announced, {len(message) - at:,} are left")
            if kind == BYTES:
                yield number, kind, message[at : at + length]
            else:
                row, length = _row(message[start:], at - start, length)
                at = start
                yield number, kind, row
            at += length

    def varint(self, message: memoryview, at: int) -> tuple[int, int]:
        """An integer of seven bits a byte, ten bytes at most, and the place behind it."""
        value = 0
        for shift in range(0, 70, 7):
            if at >= len(message):
                raise self.broken("it ends within a number")
            byte = message[at]
            value |= (byte & 0x7F) << shift
            at += 1
            if byte < 0x80:
                return value, at
        raise self.broken("a number takes more than ten bytes")

    def varints(self, kind: int, value: Value, at_most: int) -> list[int]:
        """Integers, one or packed."""
        if isinstance(value, int):
            return [value]
        values, at = [], 0
        while at < len(self.message(kind, value)):
            number, at = self.varint(value, at)
            values.append(number)
            if len(values) > at_most:
                raise self.broken(f"a row has more than {at_most} integers")
        return values

    def numbers(self, kind: int, value: Value, width: int) -> np.ndarray:
        """A row of numbers, packed or not; `width` is the wire type that each has on its own."""
        if isinstance(value, int) or kind not in (width, BYTES) or len(value) % _WIDTH[width]:
            raise self.broken("a row of numbers is cut or of another type")
        return np.frombuffer(value, _NUMBER[width])

    def text(self, kind: int, value: Value) -> str:
        """A name."""
        name = self.message(kind, value)
        if len(name) > NAME_AT_MOST:
            raise self.broken(f"a name has {len(name):,} bytes")
        return bytes(name).decode("utf-8", "replace")

    def message(self, kind: int, value: Value) -> memoryview:
        """A message within a message."""
        if isinstance(value, int) or kind != BYTES:
            raise self.broken("a number stands where a message should")
        return value

    def broken(self, how: str) -> UserError:
        """What to raise where the file is not what it should be."""
        return UserError(
            f"{self.path} is not a whole Caffe file ({how}): it is cut off or of another format;"
            " copy it again."
        )


def _row(message: memoryview, key: int, width: int) -> tuple[memoryview, int]:
    """The numbers that follow one another under the first `key` bytes, and the bytes they take.

    Looks ahead in blocks that double, so that rows of one cost no more than a look.
    """
    step = key + width
    there = np.frombuffer(message, np.uint8, len(message) // step * step).reshape(-1, step)
    same, block = 1, 16
    while same < len(there):
        ahead = (there[same : same + block, :key] == there[0, :key]).all(axis=1)
        same += len(ahead) if ahead.all() else int(ahead.argmin())
        if not ahead.all():
            break
        block *= 2
    return memoryview(there[:same, key:].tobytes()), same * step

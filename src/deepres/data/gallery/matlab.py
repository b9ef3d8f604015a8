"""The development kit's list of classes, `meta.mat`: as much of MATLAB's format 5 as it takes."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...models.pictures import told

BYTES_AT_MOST = 50_000_000
COMPRESSED, MATRIX = 15, 14
STRUCT, CHAR = 2, 4
FORMATS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}


def synsets(folder: Path) -> dict[int, str]:
    """The name of each class (n01440764) by its number in the development kit, from 1 on."""
    path = folder / "meta.mat"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"{folder}: its ground truth has the development kit's numbers, and meta.mat, which"
            " tells what they stand for, is not beside it."
        ) from None
    try:
        found = (value for value in _values(content[128:]) if value and "WNID" in (value[0] or {}))
        if (rows := next(found, None)) is None:
            raise ValueError("no table in it has a column WNID")
        return {int(row["ILSVRC2012_ID"]): row["WNID"] for row in rows}
    except (struct.error, zlib.error, LookupError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} cannot be read as the kit's list of classes: {told(error)}."
        ) from None


def _values(content: bytes) -> Iterator[list[dict[str, Any]]]:
    """The arrays of structs that a file holds."""
    for kind, data in _elements(content):
        if kind == COMPRESSED:
            whole = zlib.decompressobj().decompress(data, BYTES_AT_MOST)
            yield from _values(whole)
        elif kind == MATRIX and isinstance(value := _matrix(data), list):
            yield value


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each element; short ones are packed into their own tag."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<II", content, at)
        if kind >> 16:
            yield kind & 0xFFFF, content[at + 4 : at + 4 + (kind >> 16)]
            at += 8
            continue
        yield kind, content[at + 8 : at + 8 + size]
        at += 8 + size + (-size % 8 if kind != COMPRESSED else 0)


def _matrix(data: bytes) -> Any:
    """A list of dictionaries, a text, or a single number; None for all else."""
    parts = list(_elements(data))
    if len(parts) < 4:
        return None
    what = parts[0][1][0]
    if what == STRUCT:
        length = struct.unpack("<i", parts[3][1][:4])[0]
        packed = parts[4][1]
        names = [packed[n : n + length].split(b"\0")[0] for n in range(0, len(packed), length)]
        cells = [_matrix(cell) for _, cell in parts[5:]]
        return [
            dict(zip((name.decode() for name in names), cells[n : n + len(names)], strict=True))
            for n in range(0, len(cells), len(names))
        ]
    kind, raw = parts[3]
    if what == CHAR:
        return raw.decode(TEXT[kind])
    if kind in FORMATS and len(raw) == struct.calcsize(FORMATS[kind]):
        return struct.unpack(f"<{FORMATS[kind]}", raw)[0]
    return None

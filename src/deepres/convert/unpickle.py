"""torch.save's files, read without running anything that they say."""

import io
import mmap
import os
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from .allowed import ALLOWED, STAND_INS
from .pickles import Sketch, shown, sketch

ZIP = b"PK\x03\x04"
PICKLE_AT_MOST = 64 * 2**20  # bytes; torch keeps numbers outside the pickle
# What a restricted reader of a well-checked file can still raise on a damaged one.
UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
)


def read(path: Path) -> Any:
    """The object in a torch.save file, zip or legacy; every tensor checked against the file."""
    with path.open("rb") as file:
        zipped = file.read(4) == ZIP  # torch decides by these too
    if zipped:
        check_zip(path)
    else:
        check_legacy(path)
    # The set of allowed globals is what makes this safe: there is no other way in below.
    listed = torch.serialization.safe_globals([(made, name) for name, made in STAND_INS.items()])
    with listed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on how torch means to change, to torch's own developers
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
        except UNREADABLE as error:
            raise UserError(f"{path} cannot be read: {_first_line(error)}") from None


def check_zip(path: Path) -> None:
    """Sizes as the directory has them, then the pickle against them, before torch sees the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, struct.error) as error:
        raise UserError(f"{path} is cut short or damaged: {_first_line(error)}") from None
    _check_entries(path, entries)
    pickled = next(entry for entry in entries if entry.filename.endswith("/data.pkl"))
    folder = pickled.filename.removesuffix("data.pkl")
    said = sketch(io.BytesIO(_stored(path, pickled)), ALLOWED, str(path))
    sizes = {entry.filename: entry.file_size for entry in entries}
    for key, size in said.storages.items():
        record = f"{folder}data/{key}"
        if record not in sizes:
            raise UserError(f"{path} lacks {shown(record)}, which its pickle speaks of.")
        if size > sizes[record]:
            raise UserError(
                f"{path}: its pickle reads {size:,} bytes from {record}, which has"
                f" {sizes[record]:,}."
            )


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    if any(name.endswith("/constants.pkl") for name in names):
        raise UserError(
            f"{path} is a TorchScript program, which would be run: save its state_dict() instead."
        )
    if sum(name.endswith("/data.pkl") for name in names) != 1 or len(set(names)) < len(names):
        raise UserError(f"{path} is a zip archive, but none that torch.save wrote (no data.pkl).")
    whole, unpacked = path.stat().st_size, sum(entry.file_size for entry in entries)
    packed = [entry for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed or unpacked > whole:
        raise UserError(
            f"{path}: its entries unpack to {unpacked:,} bytes from a file of {whole:,};"
            " torch.save does not compress, so this is not opened."
        )
    pickled = next(entry for entry in entries if entry.filename.endswith("/data.pkl"))
    if pickled.file_size > PICKLE_AT_MOST:
        raise UserError(f"{path}: its pickle has {pickled.file_size:,} bytes, far too many.")


def _stored(path: Path, entry: zipfile.ZipInfo) -> bytes:
    """An entry's bytes as they lie: torch can be told to leave checksums out, zipfile cannot."""
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        header = file.read(30)
        name, extra = struct.unpack("<2H", header[26:30]) if len(header) == 30 else (0, 0)
        file.seek(name + extra, os.SEEK_CUR)
        return file.read(entry.file_size)


def check_legacy(path: Path) -> None:
    """Five pickles in a row (torch before 1.6), then each storage's count and numbers."""
    where = str(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for _ in ("magic number", "protocol", "machine"):
            _small_pickle(data, where)
        said = _small_pickle(data, where)
        keys = _small_pickle(data, where).value
        if not isinstance(keys, list) or {str(key) for key in keys} != said.storages.keys():
            raise UserError(f"{path} is damaged: its list of storages is not what it uses.")
        needed = data.tell() + sum(8 + size for size in said.storages.values())
    whole = path.stat().st_size
    if needed > whole:
        raise UserError(
            f"{path} is cut short: {needed - whole:,} of its {needed:,} bytes are missing; copy or"
            " download it again."
        )


def _small_pickle(data: mmap.mmap, where: str) -> Sketch:
    start = data.tell()
    said = sketch(data, ALLOWED, where)
    if data.tell() - start > PICKLE_AT_MOST:
        raise UserError(f"{where}: its pickle has {data.tell() - start:,} bytes, far too many.")
    return said


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return shown(text.splitlines()[0], 200).rstrip(".") + "."

"""safetensors files of others, their header checked before anything is believed."""

import math
from pathlib import Path

import msgspec
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import UserError
from .pickles import shown

HEADER_AT_MOST = 16 * 2**20  # bytes; the format allows six times as many
ITEM_SIZES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}
ITEM_SIZES |= {"I8": 1, "U8": 1, "BOOL": 1}
NAME_AT_MOST = 300  # letters
METADATA = "__metadata__"


class Entry(Struct, forbid_unknown_fields=True):
    """One tensor in a header."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def read(path: Path) -> dict[str, Tensor]:
    """Every tensor of the file."""
    check(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise UserError(f"{path} is not a whole safetensors file ({error}).") from None


def check(path: Path) -> dict[str, Entry]:
    """The header, which fits in the file, and whose tensors fill the rest, each byte once."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= size - 8:
            raise UserError(
                f"{path}: its header says that it is {length:,} bytes long, and the file has"
                f" {size:,}: copy or download it again."
            )
        if length > HEADER_AT_MOST:
            raise UserError(f"{path}: its header is {length:,} bytes long, far too many.")
        header = file.read(length)
    try:
        parts = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        metadata = parts.pop(METADATA, None)
        if metadata is not None:
            msgspec.json.decode(metadata, type=dict[str, str])
        entries = {name: msgspec.json.decode(part, type=Entry) for name, part in parts.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: its header cannot be read ({error}).") from None
    check_ranges(path, entries, size - 8 - length)
    return entries


def is_name(key: str) -> bool:
    """Whether a tensor may be called so: short, and nothing that a terminal would obey."""
    return len(key) <= NAME_AT_MOST and key.isprintable()


def check_ranges(path: Path, entries: dict[str, Entry], size: int) -> None:
    """Tensors one behind the other from 0 to the end, each as long as its shape says."""
    if odd := next((name for name in entries if not is_name(name)), None):
        raise UserError(f"{path}: {shown(odd)} is no tensor's name.")
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        if entry.dtype not in ITEM_SIZES:
            raise UserError(f"{path}: {name} is of type {entry.dtype}, which no network here has.")
        start, stop = entry.data_offsets
        if min(entry.shape, default=0) < 0 or start < 0:
            raise UserError(f"{path}: {name} has a shape or place below zero.")
        said = math.prod(entry.shape) * ITEM_SIZES[entry.dtype]
        if stop - start != said:
            raise UserError(
                f"{path}: {name} of shape {tuple(entry.shape)} takes {said:,} bytes, and the header"
                f" gives it {stop - start:,}."
            )
        if start != end:
            verb = "overlaps" if start < end else "does not follow"
            raise UserError(f"{path}: {name} {verb} the tensor before it in the file.")
        end = stop
    if end != size:
        raise UserError(
            f"{path}: its tensors take {end:,} bytes and {size:,} are there: copy or download it"
            " again."
        )

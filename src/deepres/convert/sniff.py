"""What a file is, from its first bytes: an extension says only what somebody hoped."""

import itertools
import mmap
from pathlib import Path

from ..errors import UserError
from .protobuf import BYTES, Wire

HEAD = 512  # bytes looked at
FIELDS = 64  # of a protobuf, before its first layer
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number as a pickle
STARTS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "torch"),
    (LEGACY, "torch"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x03\x00\x00\x00\x01\x00\x00\x00", "torch7"),  # a table
    (b"\x04\x00\x00\x00\x01\x00\x00\x00", "torch7"),  # an object
)
# Starts of what is given by mistake, and the sentence's end behind the file's name.
MISTAKES: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the weights: run `git lfs pull`"),
    (b"<!DOCTYPE", "is a web page: the download went wrong"),
    (b"<!doctype", "is a web page: the download went wrong"),
    (b"<html", "is a web page: the download went wrong"),
    (b"\x89PNG", "is a PNG picture, not weights"),
    (b"\xff\xd8\xff", "is a JPEG picture, not weights"),
    (b"GIF8", "is a GIF picture, not weights"),
    (b"\x1f\x8b", "is packed by gzip: unpack it first"),
    (b"BZh", "is packed by bzip2: unpack it first"),
    (b"\xfd7zXZ", "is packed by xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is packed by zstd: unpack it first"),
    (b"PK\x05\x06", "is an empty zip archive"),
    (b"\x93NUMPY", "is a single NumPy array, not a network's weights"),
    (b"\x80", "is a pickle that torch did not write: such files can run code and are not opened"),
)
KNOWN = (
    "known are files of torch.save, safetensors, caffemodel, Keras HDF5 and torch7, and folders"
    " that hold one"
)


def kind(path: Path) -> str:
    """ "torch", "safetensors", "hdf5", "caffemodel", "torch7" or "folder"."""
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder.")
    if not path.is_file():
        raise UserError(f"{path} is neither a file nor a folder.")
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise UserError(f"{path} is empty.")
    for start, name in STARTS:
        if head.startswith(start):
            return name
    if head[8:9] == b"{" and not head[:8].strip().isalnum():  # eight bytes of length, then JSON
        return "safetensors"
    for start, what in MISTAKES:
        if head.startswith(start):
            raise UserError(f"{path} {what}.")
    if head[257:262] == b"ustar":
        raise UserError(
            f"{path} is a tar archive: unpack it first; if torch 0.1 wrote it, save it again with"
            " a newer torch."
        )
    if _is_text(head):
        raise UserError(f"{path} is a text file, not weights: {KNOWN}.")
    if _is_caffemodel(path):
        return "caffemodel"
    raise UserError(f"{path} is no weights file that can be told by its content: {KNOWN}.")


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode()
    return all(letter.isprintable() or letter in "\r\n\t\f" for letter in text)


def _is_caffemodel(path: Path) -> bool:
    """Whether the file is a row of a Caffe network's fields up to its first layer (100, once 2)."""
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        for number, wire_type, _ in itertools.islice(Wire(path).fields(content), FIELDS):
            if number in (2, 100):
                return wire_type == BYTES
            if number > 8 or (number == 1 and wire_type != BYTES):  # 1 is its name; ONNX's is not
                return False
    except UserError:
        return False
    return False

"""Which pictures are meant: files, folders, patterns, lists of paths, standard input."""

import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import UserError
from ..home import at_home

if TYPE_CHECKING:
    from ..models.pictures import Picture

    Named = tuple[str, Picture | UserError]  # a picture that is not there is its own problem

# Of what is taken out of a folder; a file that is named itself is tried, whatever it is called.
ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".bmp", ".dib", ".webp", ".tif"),
    *(".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".mpo", ".avif", ".jp2", ".j2k", ".jpx", ".ico"),
)
STDIN = "standard input"
NETPBM = tuple(f"P{n}".encode() for n in range(1, 7))  # the only pictures that begin with text
LINE_AT_MOST = 65_536  # bytes of a path


@dataclass(frozen=True)
class Given:
    """Pictures in the order given; how many, unless they are still to be read."""

    pictures: "Iterable[Named]"
    total: int | None


def given(words: Sequence[str], listed: str | None, source: IO[bytes]) -> Given:
    """What the command line names; refuses to name nothing, or standard input twice."""
    if not words and listed is None:
        raise UserError("Name pictures: files, folders, patterns in quotes, or - for a pipe.")
    if [*words, listed].count("-") > 1:
        raise UserError("Standard input (-) can be read once.")
    if listed not in (None, "-") and not Path(str(listed)).is_file():
        raise UserError(f"--list {listed}: there is no such file.")
    stream = _named(words, listed, source)
    if "-" in [*words, listed]:
        return Given(stream, None)
    whole = list(stream)
    return Given(whole, len(whole))


def _named(words: Sequence[str], listed: str | None, source: IO[bytes]) -> "Iterator[Named]":
    for word in words:
        yield from _standard_input(source) if word == "-" else _meant(word)
    if listed == "-":
        yield from _paths(source)
    elif listed is not None:
        with Path(listed).open("rb") as file:
            yield from _paths(file)


def _meant(word: str) -> "Iterator[Named]":
    """One word: a folder's pictures in order, a pattern's files, or the file itself."""
    path = at_home(word)
    if path.is_dir():
        yield from _of_folder(path)
    elif path.exists() or not glob.has_magic(word):
        yield str(path), path
    elif found := sorted(glob.glob(str(path), recursive=True)):  # noqa: PTH207 - absolute ones too
        for name in found:
            yield from _of_folder(Path(name)) if Path(name).is_dir() else [(name, Path(name))]
    else:
        yield word, UserError(f"{word}: no file fits this pattern.")


def _of_folder(folder: Path) -> "Iterator[Named]":
    names = sorted(
        os.path.join(place, name)  # noqa: PTH118 - twice as fast as a Path, for a million of them
        for place, _, files in os.walk(folder)
        for name in files
        if not name.startswith(".") and name.lower().endswith(ENDINGS)
    )
    if not names:
        yield str(folder), UserError(f"{folder} holds no pictures (by their names' endings).")
    for name in names:
        yield name, name


def _standard_input(source: IO[bytes]) -> "Iterator[Named]":
    """One picture's bytes, or a list of paths: text that is printable is a list."""
    first = source.readline(LINE_AT_MOST)
    if _is_path(first):
        yield from _paths(itertools.chain([first], source))
    elif content := first + source.read():
        yield STDIN, content
    else:
        yield STDIN, UserError("Standard input is empty: pipe a picture or a list of paths in.")


def _is_path(line: bytes) -> bool:
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return False
    return text.isprintable() and bool(text) and line.split(maxsplit=1)[0] not in NETPBM


def _paths(lines: Iterable[bytes]) -> "Iterator[Named]":
    """A path a line; empty lines go by."""
    for line in lines:
        if word := os.fsdecode(line).strip("\r\n"):
            yield word, at_home(word)

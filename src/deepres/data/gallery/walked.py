"""Going through a folder that somebody made: no file of the system, no link without an end."""

import os
from collections.abc import Iterator
from pathlib import Path

from .named import shown

SYSTEM = ("thumbs.db", "desktop.ini", "__macosx")  # what systems leave; so are names with a dot


def folders(path: Path) -> list[Path]:
    """The folders in a folder that are not the system's, by name."""
    return [place for place in _there(path) if place.is_dir()]


def flat_files(path: Path) -> list[Path]:
    """What else there is in a folder that is not the system's, by name: files, links to nowhere."""
    return [place for place in _there(path) if not place.is_dir()]


def _there(path: Path) -> list[Path]:
    return sorted(place for place in path.iterdir() if not _of_the_system(place.name))


def below(
    folder: str, prefix: str, above: frozenset[tuple[int, int]]
) -> Iterator[tuple[str, int] | str]:
    """The files below a folder with their sizes; a sentence for what cannot be gone through."""
    try:
        own = identity(folder)
        with os.scandir(folder) as entries:
            there = [entry for entry in entries if not _of_the_system(entry.name)]
    except OSError as error:
        yield f"{shown(folder)} cannot be read: {error.strerror or error}."
        return
    if own in above:
        yield f"{shown(folder)} is a link to a folder in which it lies itself."
        return
    for entry in there:
        if _leads_on(entry):
            yield from below(entry.path, f"{prefix}{entry.name}/", above | {own})
        else:
            yield prefix + entry.name, size_of(entry)


def identity(folder: str | Path) -> tuple[int, int]:
    """What a folder is, whatever path leads to it."""
    status = os.stat(folder)  # noqa: PTH116
    return status.st_dev, status.st_ino


def _leads_on(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself: a file that cannot be read
        return False


def size_of(entry: "os.DirEntry[str] | Path") -> int:
    try:
        return entry.stat().st_size
    except OSError:  # a link to nowhere: named once somebody wants to read it
        return -1


def _of_the_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM

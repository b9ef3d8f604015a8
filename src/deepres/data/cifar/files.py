"""Where a CIFAR data set lies and in which layout: found by its files, whatever the path's name."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ...errors import UserError
from ..fetch import tars
from . import binary, parquet, python
from .facts import BOTH, SPLITS, Damaged, Facts, Layout

Decode = Callable[[Facts, str, bytes], tuple[np.ndarray, np.ndarray]]
DECODE: Mapping[Layout, Decode] = {
    "python": python.decode,
    "binary": binary.decode,
    "parquet": parquet.decode,
}
SUFFIX: Mapping[Layout, str] = {"python": "", "binary": ".bin"}
FOLDERS_AT_MOST = 100  # a folder of more holds something else, and looking would take long
PARQUET_BYTES_AT_MOST = 1_000_000_000


@dataclass(frozen=True)
class Found:
    """A data set in one layout: a folder of its files, or an archive that holds them."""

    facts: Facts
    layout: Layout
    where: Path

    @property
    def archived(self) -> bool:
        return self.where.is_file()

    def sources(self, split: str) -> list[Path]:
        """The files on disk that a split is read from, those that are there."""
        if self.archived:
            return [self.where]
        if self.layout == "parquet":
            return parquet.files(self.where, split)
        paths = (self.where / name for name in self.names(split))
        return [path for path in paths if path.is_file()]

    def names(self, split: str) -> list[str]:
        """The files that a split should have."""
        if self.layout != "parquet":
            return [name + SUFFIX[self.layout] for name in self.facts.batches[split]]
        paths = self.sources(split)
        names = [str(path.relative_to(self.where)) for path in paths]
        return names + parquet.missing(paths) or [f"{split}-00000-of-00001.parquet"]

    def size_limit(self, split: str) -> int:
        if self.layout == "python":
            return python.size_limit(self.facts.batch_images(split))
        if self.layout == "binary":
            return 2 * binary.size(self.facts, split)  # its decoder says what is right
        return PARQUET_BYTES_AT_MOST


def contents(found: Found, split: str) -> Iterator[tuple[str, bytes | Damaged]]:
    """Each file of a split with its bytes, or with what keeps it from being read."""
    names = found.names(split)
    if not found.archived:
        for name in names:
            yield name, _content(found.where / name, found.size_limit(split))
        return
    members, damage = _members(found, split)
    for name in names:
        yield name, members.get(name) or damage or Damaged("is not in the archive")


def _content(path: Path, limit: int) -> bytes | Damaged:
    try:
        size = path.stat().st_size
        if size > limit:
            return Damaged(f"has {size:,} bytes, more than {limit:,}")
        return path.read_bytes()
    except FileNotFoundError:
        return Damaged("is missing")
    except OSError as error:
        return Damaged(f"cannot be read ({error.strerror})")


def _members(found: Found, split: str) -> tuple[dict[str, bytes | Damaged], Damaged | None]:
    """The wanted files of an archive, and what stopped the reading if not all came."""
    wanted, limit = set(found.names(split)), found.size_limit(split)
    members: dict[str, bytes | Damaged] = {}
    try:
        for path, content in tars.files(found.where, _bytes_at_most(found.facts)):
            if path.name in wanted:
                members[path.name] = _bounded(content, limit)
            if len(members) == len(wanted):
                return members, None
    except Damaged as error:
        return members, Damaged(f"cannot be read: the archive {error}")
    return members, None


def _bounded(content: tars.Content, limit: int) -> bytes | Damaged:
    data = content.read(limit + 1)
    return data if len(data) <= limit else Damaged(f"has over {limit:,} bytes, which is too many")


def _bytes_at_most(facts: Facts) -> int:
    batches = [(split, name) for split in SPLITS for name in facts.batches[split]]
    sizes = [python.size_limit(facts.batch_images(split)) for split, _ in batches]
    return sum(sizes) + 50_000_000  # beside the batches: a list of names, a page of HTML


def found_in(path: Path) -> list[Found]:
    """Every data set that a path holds, in itself or one folder below, extracted files first."""
    if path.is_file():
        return [_archive(path)]
    below = sorted(p for p in path.iterdir() if p.is_dir() and os.access(p, os.R_OK | os.X_OK))
    folders = [path, *(below if len(below) <= FOLDERS_AT_MOST else [])]
    return [
        found
        for search in (_extracted, _archives)
        for folder in folders
        for found in search(folder)
    ]


def _extracted(folder: Path) -> Iterator[Found]:
    names = {entry.name for entry in os.scandir(folder) if entry.is_file()}
    for layout, suffix in SUFFIX.items():
        for facts in BOTH.values():
            if any(name + suffix in names for split in SPLITS for name in facts.batches[split]):
                yield Found(facts, layout, folder)
    parts = [path for split in SPLITS for path in parquet.files(folder, split)]
    if parts and (held := parquet.data_set(parts)):
        yield Found(held, "parquet", folder)


def _archives(folder: Path) -> Iterator[Found]:
    for facts in BOTH.values():
        for layout, name in facts.archives.items():
            if (folder / name).is_file():
                yield Found(facts, layout, folder / name)


def _archive(path: Path) -> Found:
    """What an archive is, told by the first file in it that has an official name."""
    official: dict[str, tuple[Facts, Layout]] = {
        name + suffix: (facts, layout)
        for layout, suffix in SUFFIX.items()
        for facts in BOTH.values()
        for split in SPLITS
        for name in facts.batches[split]
    }
    try:
        for member, _ in tars.files(path, max(map(_bytes_at_most, BOTH.values()))):
            if member.name in official:
                return Found(*official[member.name], path)
    except Damaged as error:
        raise UserError(f"{path} {error}.") from None
    raise UserError(
        f"{path} holds no CIFAR batch such as {PurePosixPath(min(official))}: give the official"
        " python or binary archive, or a folder."
    )

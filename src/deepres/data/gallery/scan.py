"""What lies in a folder or archive of pictures: classes, files, sizes; no picture is read."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import UserError
from .listed import Gallery, Store, gallery
from .tarred import Member, Members, class_tars, members

SYSTEM = ("thumbs.db", "desktop.ini", "__macosx")  # what systems leave; so are names with a dot


@dataclass(frozen=True)
class Files:
    """Files below a folder, by their paths in it."""

    root: str
    names: np.ndarray = field(repr=False)  # bytes: a list would be copied into every worker

    def read(self, place: int) -> bytes:
        """The file as it is."""
        with open(self.called(place), "rb") as file:  # noqa: PTH123 - a million paths
            return file.read()

    def called(self, place: int) -> str:
        """Its path."""
        return os.path.join(self.root, os.fsdecode(self.names[place]))  # noqa: PTH118


@dataclass(frozen=True)
class Scan:
    """The pictures of one split, in the order of their names."""

    where: Path
    store: Store
    names: list[str]  # class/file, whatever the store
    sizes: np.ndarray
    of: list[str]  # the class of each

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of their names."""
        return tuple(sorted(set(self.of)))

    def gallery(self, name: str, classes: tuple[str, ...]) -> Gallery:
        """The pictures with their places in a list of classes, which must hold all of theirs."""
        numbers = {label: number for number, label in enumerate(classes)}
        labels = np.array([numbers[label] for label in self.of], np.int64)
        content = "\n".join(self.names).encode("utf-8", "surrogateescape")
        return gallery(name, self.store, labels, classes, content + self.sizes.tobytes())

    def part(self, chosen: np.ndarray) -> "Scan":
        """Some of the pictures."""
        kept = np.flatnonzero(chosen)
        return Scan(
            self.where,
            _Some(self.store, kept),
            [self.names[n] for n in kept],
            self.sizes[kept],
            [self.of[n] for n in kept],
        )


@dataclass(frozen=True)
class _Some:
    """Some places of another store."""

    store: Store
    places: np.ndarray = field(repr=False)

    def read(self, place: int) -> bytes:
        return self.store.read(int(self.places[place]))

    def called(self, place: int) -> str:
        return self.store.called(int(self.places[place]))


def folders(path: Path) -> list[Path]:
    """The folders in a folder that are not the system's, by name."""
    return sorted(p for p in path.iterdir() if p.is_dir() and not _of_the_system(p.name))


def flat_files(path: Path) -> list[Path]:
    """The files in a folder that are not the system's, by name."""
    return sorted(p for p in path.iterdir() if p.is_file() and not _of_the_system(p.name))


def by_folder(path: Path) -> Scan:
    """One class a folder; whatever files lie below it are its pictures."""
    found = [
        (label.name, f"{label.name}/{name}", size)
        for label in folders(path)
        for name, size in sorted(_below(str(label), ""))
    ]
    names = [name for _, name, _ in found]
    return Scan(
        path,
        Files(str(path), np.array([os.fsencode(name) for name in names], np.bytes_)),
        names,
        np.array([size for *_, size in found], np.int64),
        [label for label, *_ in found],
    )


def by_tar(path: Path) -> Scan:
    """One class a tar archive, in a folder of them or in an archive of archives."""
    found: list[tuple[str, Member]] = []
    for label, archive, inside in class_tars(path):
        found += [(label, member) for member in members(archive, inside)]
    if not found:
        raise UserError(f"{path} holds no tar archive with a class of pictures.")
    return Scan(
        path,
        Members(tuple(member for _, member in found)),
        [f"{label}/{member.name}" for label, member in found],
        np.array([member.size for _, member in found], np.int64),
        [label for label, _ in found],
    )


def labelled(path: Path, of: dict[str, str]) -> Scan:
    """A flat folder, or an archive of one, with the class of each file by its name."""
    if path.is_dir():
        files = flat_files(path)
        names, sizes = [file.name for file in files], [file.stat().st_size for file in files]
        encoded = np.array([os.fsencode(name) for name in names], np.bytes_)
        store: Store = Files(str(path), encoded)
    else:
        found = sorted(members(path, None), key=lambda member: member.name)
        names, sizes = [member.name for member in found], [member.size for member in found]
        store = Members(tuple(found))
    stems = [name.rpartition("/")[2].partition(".")[0] for name in names]
    if unknown := [name for name, stem in zip(names, stems, strict=True) if stem not in of]:
        raise UserError(f"{path}: the ground truth says nothing of {unknown[0]}.")
    if missing := sorted(of.keys() - set(stems)):
        raise UserError(f"{path} lacks {missing[0]}, of which the ground truth speaks.")
    labels = [of[stem] for stem in stems]
    told = [f"{label}/{name}" for label, name in zip(labels, names, strict=True)]
    return Scan(path, store, told, np.array(sizes, np.int64), labels)


def _below(folder: str, prefix: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if _of_the_system(entry.name):
                continue
            if entry.is_dir():
                yield from _below(entry.path, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, _size(entry)


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat().st_size
    except OSError:  # a link to nowhere: named once somebody wants to read it
        return -1


def _of_the_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM

"""What lies in a folder or archive of pictures: classes, files, sizes; no picture is read."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import UserError
from .listed import Gallery, Store, gallery
from .named import no_class, shown
from .tarred import Member, Members, class_tars, is_tar, members
from .walked import below, flat_files, folders, identity, size_of


@dataclass(frozen=True)
class Files:
    """Files below a folder, by their paths in it."""

    root: str
    names: np.ndarray = field(repr=False)  # bytes: a list would be copied into every worker

    def read(self, place: int) -> bytes:
        """The file as it is."""
        with open(self._path(place), "rb") as file:  # noqa: PTH123 - a million paths
            return file.read()

    def called(self, place: int) -> str:
        """Its path, in one line."""
        return shown(self._path(place))

    def _path(self, place: int) -> str:
        return os.path.join(self.root, os.fsdecode(self.names[place]))  # noqa: PTH118


@dataclass(frozen=True)
class Scan:
    """The pictures of one split, in the order of their names."""

    where: Path
    store: Store
    names: list[str]  # class/file, whatever the store
    sizes: np.ndarray
    of: list[str]  # the class of each
    problems: tuple[str, ...] = ()  # sentences on what cannot be read
    empty: tuple[str, ...] = ()  # and on classes without a picture
    beside: tuple[str, ...] = ()  # and on files that belong to no class

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


def by_folder(path: Path) -> Scan:
    """One class a folder; whatever files lie below it are its pictures."""
    found: list[tuple[str, str, int]] = []
    problems, empty = [], []
    above = frozenset(map(identity, (path, *path.resolve().parents)))
    for label in folders(path):
        if wrong := no_class(str(label), label.name):
            problems.append(wrong)
            continue
        there = list(below(str(label), "", above))
        wrongs = [told for told in there if isinstance(told, str)]
        files = sorted(told for told in there if not isinstance(told, str))
        found += [(label.name, f"{label.name}/{name}", size) for name, size in files]
        problems += wrongs
        if not there:
            empty.append(f"{shown(str(label))} is a class without a picture.")
    beside = _beside("folders", flat_files(path))
    names = [name for _, name, _ in found]
    return Scan(
        path,
        Files(str(path), np.array([os.fsencode(name) for name in names], np.bytes_)),
        names,
        np.array([size for *_, size in found], np.int64),
        [label for label, *_ in found],
        tuple(problems),
        tuple(empty),
        beside,
    )


def by_tar(path: Path) -> Scan:
    """One class a tar archive, in a folder of them or in an archive of archives."""
    found: list[tuple[str, Member]] = []
    problems, empty = [], []
    for label, archive, inside in class_tars(path):
        where = f"{inside.name} in {archive}" if inside else str(archive)
        if wrong := no_class(where, label):
            problems.append(wrong)
            continue
        held = [(label, member) for member in members(archive, inside)]
        if not held:
            empty.append(f"{shown(where)} is a class without a picture.")
        found += held
    others = [file for file in flat_files(path) if not is_tar(file)] if path.is_dir() else []
    return Scan(
        path,
        Members(tuple(member for _, member in found)),
        [f"{label}/{member.name}" for label, member in found],
        np.array([member.size for _, member in found], np.int64),
        [label for label, _ in found],
        tuple(problems),
        tuple(empty),
        _beside("archives", others),
    )


def _beside(what: str, files: list[Path]) -> tuple[str, ...]:
    return tuple(
        f"{shown(str(file))} lies beside the {what} of classes and belongs to none."
        for file in files
    )


def labelled(path: Path, of: dict[str, str]) -> Scan:
    """A flat folder, or an archive of one, with the class of each file by its name."""
    if path.is_dir():
        files = flat_files(path)
        names, sizes = [file.name for file in files], [size_of(file) for file in files]
        encoded = np.array([os.fsencode(name) for name in names], np.bytes_)
        store: Store = Files(str(path), encoded)
    else:
        found = sorted(members(path, None), key=lambda member: member.name)
        names, sizes = [member.name for member in found], [member.size for member in found]
        store = Members(tuple(found))
    stems = [name.rpartition("/")[2].partition(".")[0] for name in names]
    if unknown := [name for name, stem in zip(names, stems, strict=True) if stem not in of]:
        raise UserError(f"{path}: the ground truth says nothing of {shown(unknown[0])}.")
    if missing := sorted(of.keys() - set(stems)):
        raise UserError(f"{path} lacks {missing[0]}, of which the ground truth speaks.")
    labels = [of[stem] for stem in stems]
    if wrong := next(filter(None, (no_class(str(path), label) for label in set(labels))), ""):
        raise UserError(f"The ground truth of {wrong}")
    told = [f"{label}/{name}" for label, name in zip(labels, names, strict=True)]
    return Scan(path, store, told, np.array(sizes, np.int64), labels)

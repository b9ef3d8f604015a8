"""`folder:PATH`: which pictures are trained on and which are tested with, under one class list."""

import difflib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from ...errors import UserError
from .divided import divided
from .listed import Gallery
from .named import PARTS, meant, shown
from .scan import Scan, by_folder, by_tar, labelled
from .tarred import is_tar
from .truth import truth
from .walked import flat_files, folders

ARCHIVES = {
    "train": ("ILSVRC2012_img_train.tar", "train.tar"),
    "test": ("ILSVRC2012_img_val.tar", "val.tar"),
}
TOLD = 3  # sentences on what is overlooked, before they are counted only
LAYOUT = "pictures belong into {train,val}/<class>/ or, to be divided, into <class>/"

Truth = Callable[[Path], dict[str, str]]  # the class of each file of a flat part
log = logging.getLogger("deepres")


@dataclass(frozen=True)
class Parts:
    """Those trained on, if there are any, those tested with, and what there is to say of both."""

    train: Scan | None
    test: Scan
    problems: tuple[str, ...]  # what cannot be read: nothing is trained or tested
    overlooked: tuple[str, ...]  # what is there and is no picture of a class
    drawn: tuple[str, ...] = ()  # that the parts were drawn from one folder, what lies there too


def is_folder(path: Path) -> bool:
    """Whether a path looks like pictures in folders: parts with classes, or classes."""
    if not path.is_dir():
        return False
    try:
        return bool(_part(path, "train") or _part(path, "test")) or any(
            _has_files(label) for label in folders(path)
        )
    except (OSError, UserError):  # told by whoever reads it
        return True


def _has_files(label: Path) -> bool:
    try:
        return any(flat_files(label))
    except OSError:
        return False


def read(path: Path, split: str) -> Gallery:
    """The pictures of one split."""
    parts = scans(path)
    if parts.problems:
        raise UserError(_told(parts.problems, 1))
    mine = parts.train if split == "train" else parts.test
    if mine is None:
        raise UserError(f"{path} holds only {parts.test.where}: to train there must be train/.")
    classes = (parts.train or mine).classes
    _known(parts.test, classes)
    for sentences in (parts.drawn, parts.overlooked):
        if sentences:
            _say(_told(sentences, TOLD))
    return mine.gallery(f"folder {split}", classes)


def scans(path: Path) -> Parts:
    """Both parts of a folder."""
    if not path.is_dir():
        raise UserError(f"There is no folder {path}: folder:PATH takes one with train/ and val/.")
    try:
        train, test = _part(path, "train"), _part(path, "test")
        if test is None:
            return _divided(scanned(train, _untold)) if train else _of_one(scanned(path, truth))
        trained = scanned(train, _untold) if train else None
        return _both(trained, scanned(test, partial(truth, names=_numbered(trained))))
    except OSError as error:
        where = shown(str(error.filename or path))
        raise UserError(f"{where} cannot be read: {error.strerror or error}.") from None


def _both(train: Scan | None, test: Scan) -> Parts:
    there = [part for part in (train, test) if part is not None]
    return Parts(
        train,
        test,
        tuple(sentence for part in there for sentence in part.problems),
        tuple(sentence for part in there for sentence in (*part.empty, *part.beside)),
    )


def scanned(path: Path, truth_of: Truth) -> Scan:
    """One part: folders or archives of classes, or a flat one with its ground truth."""
    if path.is_file():
        found = labelled(path, of) if (of := truth_of(path)) else by_tar(path)
    elif folders(path):
        found = by_folder(path)
    elif any(map(is_tar, flat_files(path))):
        found = by_tar(path)
    elif of := truth_of(path):
        found = labelled(path, of)
    else:
        raise UserError(
            f"{path} holds no folder of a class, and beside it lies no ground truth for a flat"
            f" one: {LAYOUT}."
        )
    if not len(found.sizes):
        raise UserError(
            _told(found.problems, 1)
            if found.problems
            else f"{path} holds no picture of a class: {LAYOUT}."
        )
    return found


def _untold(path: Path) -> dict[str, str]:
    """No list tells the classes of what is trained on: its folders and archives do."""
    return {}


def _numbered(train: Scan | None) -> tuple[str, ...]:
    """The classes as lists of ImageNet number them, from 0: those without a picture count too."""
    if train is None or not train.where.is_dir():
        return train.classes if train else ()
    return tuple(sorted({*train.classes, *(label.name for label in folders(train.where))}))


def _divided(whole: Scan) -> Parts:
    """Those trained on and tested with, where there is no part to test with."""
    train, test = divided(whole)
    of, count = len(whole.of), len(test.of)
    drawn = (
        f"{shown(str(whole.where))} comes without a val folder: {count:,} of its {of:,} pictures, a"
        " fifth of each class, are set aside and tested with."
    )
    overlooked = (*whole.empty, *whole.beside)
    return Parts(train, test, whole.problems, overlooked, (drawn,))


def _of_one(whole: Scan) -> Parts:
    """The same of a folder of classes, in which a licence or a list may lie too."""
    parts = _divided(whole)
    return replace(parts, overlooked=whole.empty, drawn=(*parts.drawn, *whole.beside))


def _known(test: Scan, classes: tuple[str, ...]) -> None:
    """One class list, from training: a class that is missing here shifts no label."""
    if unknown := sorted(set(test.of) - set(classes)):
        near = difflib.get_close_matches(unknown[0], classes, 1)
        meant_ = f"; is {near[0]} meant?" if near else "."
        raise UserError(
            f"{test.where} has the class {unknown[0]!r}, which is not trained on{meant_}"
        )


def _part(path: Path, split: str) -> Path | None:
    """A folder by one of the part's names, or an archive; `test` where there is nothing better."""
    there = [place.name for place in folders(path)]
    first, *others = PARTS[split]
    if name := meant(there, first, str(path)):
        return path / name
    for archive in ARCHIVES[split]:
        if (path / archive).is_file():
            return path / archive
    found = (meant(there, group, str(path)) for group in others)
    return next((path / name for name in found if name), None)


def _told(sentences: tuple[str, ...], most: int) -> str:
    """The first of them, and how many more there are."""
    more = len(sentences) - most
    rest = (
        [f"So it is with {more:,} more: `deepres data check` names them all."] if more > 0 else []
    )
    return " ".join([*sentences[:most], *rest])


@lru_cache(maxsize=64)
def _say(sentence: str) -> None:
    """Once, however often a folder is read, and of several ranks by the first."""
    if os.environ.get("RANK", "0") == "0":
        log.warning("%s", sentence)

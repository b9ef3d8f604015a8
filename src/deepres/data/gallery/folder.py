"""`folder:PATH`: which pictures are trained on and which are tested with, under one class list."""

import difflib
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...randomness import stream
from .listed import Gallery
from .scan import Scan, by_folder, by_tar, flat_files, folders, labelled
from .truth import truth

TRAIN = ("train", "ILSVRC2012_img_train.tar", "train.tar")
TEST = ("val", "test", "ILSVRC2012_img_val.tar", "val.tar")
TESTED = 0.2  # of each class, where one folder holds all pictures


def is_folder(path: Path) -> bool:
    """Whether a path looks like pictures in folders: parts with classes, or classes."""
    if not path.is_dir():
        return False
    if _part(path, TRAIN) or _part(path, TEST):
        return True
    classes = folders(path)
    return bool(classes) and all(any(flat_files(label)[:1]) for label in classes[:2])


def read(path: Path, split: str) -> Gallery:
    """The pictures of one split."""
    train, test = scans(path)
    mine = train if split == "train" else test
    if mine is None:
        raise UserError(f"{path} holds only {_part(path, TEST)}: to train there must be train/.")
    classes = (train or mine).classes
    if train is not None and test is not None:
        _known(test, classes)
    return mine.gallery(f"folder {split}", classes)


def scans(path: Path) -> tuple[Scan | None, Scan]:
    """Those trained on, if there are any, and those tested with."""
    if not path.is_dir():
        raise UserError(f"There is no folder {path}: folder:PATH takes one with train/ and val/.")
    train, test = _part(path, TRAIN), _part(path, TEST)
    if train is not None and test is not None:
        return scanned(train), scanned(test)
    if test is not None:
        return None, scanned(test)
    return divided(scanned(train or path))


def scanned(path: Path) -> Scan:
    """One part: folders or archives of classes, or a flat one with its ground truth."""
    if path.is_file():
        found = labelled(path, of) if (of := truth(path)) else by_tar(path)
    elif folders(path):
        found = by_folder(path)
    elif any(path.glob("*.tar")):
        found = by_tar(path)
    elif of := truth(path):
        found = labelled(path, of)
    else:
        raise UserError(
            f"{path} holds no folder of a class, and beside it lies no ground truth for a flat"
            " one: pictures belong into {train,val}/<class>/."
        )
    if not len(found.sizes):
        raise UserError(f"{path} holds folders and no files: pictures belong into <class>/.")
    return found


def divided(whole: Scan) -> tuple[Scan, Scan]:
    """One draw for every run: a fifth of each class, at least one picture, is tested with."""
    of = np.array(whole.of)
    tested = np.zeros(len(of), bool)
    for label in whole.classes:
        mine = np.flatnonzero(of == label)
        if len(mine) < 2:
            raise UserError(f"{whole.where}: class {label} has 1 picture, too few to split.")
        count = max(1, round(TESTED * len(mine)))
        tested[stream(0, f"folder split {label}").permutation(mine)[:count]] = True
    return whole.part(~tested), whole.part(tested)


def _known(test: Scan, classes: tuple[str, ...]) -> None:
    """One class list, from training: a class that is missing here shifts no label."""
    if unknown := sorted(set(test.of) - set(classes)):
        near = difflib.get_close_matches(unknown[0], classes, 1)
        meant = f"; is {near[0]} meant?" if near else "."
        raise UserError(
            f"{test.where} has the class {unknown[0]!r}, which is not trained on{meant}"
        )


def _part(path: Path, names: tuple[str, ...]) -> Path | None:
    return next((path / name for name in names if (path / name).exists()), None)

"""The ground truth of a flat `val`: the class of each file, from any of the lists that go round."""

import csv
from collections.abc import Sequence
from pathlib import Path

from ...errors import UserError
from .matlab import synsets

KAGGLE = "LOC_val_solution.csv"
UNPACKED = ("ILSVRC", "Data", "CLS-LOC")  # where Kaggle's archive has its parts; the list: above
NUMBERED = "ILSVRC2012_validation_ground_truth.txt"  # the development kit's
NAMED = ("val.txt", "ground_truth.txt", "imagenet_2012_validation_synset_labels.txt")
FOLDERS = (".", "devkit/data", "ILSVRC2012_devkit_t12/data", "ILSVRC/Annotations")
IMAGE = "ILSVRC2012_val_{:08d}"


def truth(part: Path, names: Sequence[str] = ()) -> dict[str, str]:
    """The class of each file of a part by the file's name without its end; empty without a list.

    `names` are the classes that are trained on, for a list that numbers them.
    """
    for folder in (part.parent / name for name in FOLDERS):
        if (path := folder / KAGGLE).is_file():
            return _kaggle(path)
        if (path := folder / NUMBERED).is_file():
            return _numbered(path)
        for name in NAMED:
            if (path := folder / name).is_file():
                return _named(path, names)
    whole = part.parent.resolve()
    if whole.parts[-3:] == UNPACKED and (path := whole.parents[2] / KAGGLE).is_file():
        return _kaggle(path)
    return {}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text in UTF-8: {error}.") from None


def _kaggle(path: Path) -> dict[str, str]:
    of = {}
    try:
        for number, row in enumerate(csv.DictReader(_lines(path)), 2):
            words = (row.get("PredictionString") or "").split()
            if not row.get("ImageId") or not words:
                raise UserError(
                    f"{path}, line {number}: ImageId and PredictionString are to tell a file and"
                    " its class."
                )
            of[row["ImageId"]] = words[0]
    except csv.Error as error:
        raise UserError(f"{path} is no table of files and classes: {error}.") from None
    if not of:
        raise UserError(f"{path} tells the class of no file.")
    return of


def _numbered(path: Path) -> dict[str, str]:
    """Numbers of the development kit, which are not in the order of the names."""
    names = synsets(path.parent)
    told = " ".join(_lines(path)).split()
    try:
        return {IMAGE.format(n): names[int(word)] for n, word in enumerate(told, 1)}
    except (ValueError, KeyError) as error:
        raise UserError(f"{path}: {error} is no number of a class that meta.mat tells.") from None


def _named(path: Path, names: Sequence[str]) -> dict[str, str]:
    """A class a line, or a file and its class: a name, or its place among the sorted names."""
    lines = [line.split() for line in _lines(path) if line.strip()]
    if lines and all(len(words) == 1 for words in lines):
        return {IMAGE.format(n): words[0] for n, words in enumerate(lines, 1)}
    if any(len(words) != 2 for words in lines):
        raise UserError(f"{path}: each line is to tell a file and its class.")
    of = {Path(file).name.partition(".")[0]: label for file, label in lines}
    if all(label.isdecimal() for label in of.values()):
        if not names:
            raise UserError(f"{path} numbers the classes: their names are taken from train/.")
        try:
            return {file: names[int(label)] for file, label in of.items()}
        except (IndexError, ValueError):
            last = max(of.values(), key=lambda label: (len(label), label))
            raise UserError(
                f"{path} has the class {last}, and train/ beside it has {len(names)} classes,"
                " counted from 0."
            ) from None
    return of

"""The ground truth of a flat `val`: the class of each file, from any of the lists that go round."""

import csv
from pathlib import Path

from ...errors import UserError
from .matlab import synsets

KAGGLE = "LOC_val_solution.csv"
NUMBERED = "ILSVRC2012_validation_ground_truth.txt"  # the development kit's
NAMED = ("val.txt", "ground_truth.txt", "imagenet_2012_validation_synset_labels.txt")
FOLDERS = (".", "devkit/data", "ILSVRC2012_devkit_t12/data", "ILSVRC/Annotations")
IMAGE = "ILSVRC2012_val_{:08d}"


def truth(part: Path) -> dict[str, str]:
    """The class of each file of a part by the file's name without its end; empty without a list."""
    for folder in (part.parent / name for name in FOLDERS):
        if (path := folder / KAGGLE).is_file():
            return _kaggle(path)
        if (path := folder / NUMBERED).is_file():
            return _numbered(path)
        for name in NAMED:
            if (path := folder / name).is_file():
                return _named(path)
    return {}


def _kaggle(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["ImageId"]: row["PredictionString"].split()[0] for row in rows}


def _numbered(path: Path) -> dict[str, str]:
    """Numbers of the development kit, which are not in the order of the names."""
    names = synsets(path.parent)
    told = path.read_text().split()
    try:
        return {IMAGE.format(n): names[int(word)] for n, word in enumerate(told, 1)}
    except (ValueError, KeyError) as error:
        raise UserError(f"{path}: {error} is no number of a class that meta.mat tells.") from None


def _named(path: Path) -> dict[str, str]:
    """A class a line, or a file and its class: a name, or its place among the sorted names."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    if lines and all(len(words) == 1 for words in lines):
        return {IMAGE.format(n): words[0] for n, words in enumerate(lines, 1)}
    if any(len(words) != 2 for words in lines):
        raise UserError(f"{path}: each line is to tell a file and its class.")
    of = {Path(file).name.partition(".")[0]: label for file, label in lines}
    if all(label.isdigit() for label in of.values()):
        names = _sorted_names(path)
        try:
            return {file: names[int(label)] for file, label in of.items()}
        except IndexError:
            raise UserError(
                f"{path} has the class {max(of.values(), key=int)}, and train/ beside it has"
                f" {len(names)} classes, counted from 0."
            ) from None
    return of


def _sorted_names(path: Path) -> list[str]:
    train = path.parent / "train"
    names = [p.stem if p.suffix == ".tar" else p.name for p in sorted(train.glob("*"))]
    if not names:
        raise UserError(f"{path} numbers the classes: their names are taken from {train}/.")
    return sorted(set(names))

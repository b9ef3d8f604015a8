"""What there is in a gallery and what is wrong with it: pictures, classes, the two parts."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .examine import Finding, Note, examined
from .folder import scans
from .listed import Gallery


@dataclass(frozen=True)
class Part:
    """One split, read whole."""

    images: Gallery
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


@dataclass
class Checked:
    """All that was found."""

    parts: dict[str, Part] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # read all the same, and how


@dataclass(frozen=True)
class Laid:
    """The splits of a folder under all classes there are, and what is wrong with how they lie."""

    parts: dict[str, Gallery]
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def galleries(path: Path) -> Laid:
    """What a folder has, whatever is wrong with some of it."""
    found = scans(path)
    train, test = found.train, found.test
    trained = train.classes if train else test.classes
    classes = tuple(sorted({*trained, *test.classes}))
    unknown = [
        f"{test.where} has the class {name!r}, which is not trained on."
        for name in test.classes
        if name not in trained
    ]
    parts = {"train": train.gallery("folder train", classes)} if train else {}
    return Laid(
        parts | {"test": test.gallery("folder test", classes)},
        (*found.problems, *alike(classes), *unknown, *found.overlooked),
        found.drawn,
    )


def checked(parts: dict[str, Gallery], note: Note | None = None) -> Checked:
    """Every picture of every part, decoded once."""
    told = Checked()
    seen: dict[str, list[tuple[str, str, str]]] = defaultdict(list)  # split, class, name
    for split, images in parts.items():
        found = list(examined(images, note))
        told.parts[split] = Part(images, *_moments(found))
        for one in found:
            name = images.called(one.index)
            if one.bad:
                told.problems.append(f"{name} {one.bad}.")
            else:
                if one.damaged:
                    passed = "is damaged, but decoders let it pass"
                    told.problems.append(f"{name} {passed}: {one.damaged}.")
                told.remarks += [f"{name} {what}." for what in one.odd]
                label = images.classes[images.labels[one.index]]
                seen[one.digest].append((split, label, name))
        if missing := sorted(set(images.classes) - {images.classes[n] for n in images.labels}):
            told.remarks.append(f"{images.name} has no picture of {', '.join(missing)}.")
    for same in seen.values():
        _repeated(same, told)
    return told


def _repeated(same: Sequence[tuple[str, str, str]], told: Checked) -> None:
    """A picture that is there more than once; in both parts, or in two classes, it does harm."""
    for split, label, name in same[1:]:
        first_split, first_label, first = same[0]
        if split != first_split:
            told.problems.append(
                f"{name} has the very pixels of {first}: tested with what is trained on."
            )
        elif label != first_label:
            told.problems.append(f"{name} has the very pixels of {first}, in another class.")
        else:
            told.remarks.append(f"{name} has the very pixels of {first}.")


def _moments(found: Iterable[Finding]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation by channel, each picture weighing the same."""
    good = [one for one in found if not one.bad]
    if not good:
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    mean = np.mean([one.mean for one in good], 0)
    square = np.mean([one.square for one in good], 0)
    return tuple(mean.tolist()), tuple(np.sqrt((square - mean**2).clip(0)).tolist())


def alike(classes: Sequence[str]) -> list[str]:
    """Classes that differ only in case or in how their letters are composed."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        groups[unicodedata.normalize("NFKC", name).casefold().strip()].append(name)
    return [
        f"The classes {' and '.join(map(repr, group))} have one name but for case or spelling."
        for group in groups.values()
        if len(group) > 1
    ]

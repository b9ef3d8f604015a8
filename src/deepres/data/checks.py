"""What there is in a source of data, and everything that is wrong with it."""

from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from . import digits
from .cifar import reading
from .cifar.facts import SPLITS
from .cifar.files import Found
from .gallery.check import Laid, alike, checked, galleries
from .gallery.examine import Note
from .gallery.hub import hub
from .images import Images
from .source import EMBEDDED, folder_of, found, parse

CHUNK = 500  # pictures added up at a time: their squares stay below 2^32


@dataclass(frozen=True)
class Split:
    """One split, counted and measured."""

    images: int
    per_class: dict[str, int]
    digest: str
    verdict: str  # what the digest was compared with
    mean: tuple[float, ...]  # per channel, of pixels from 0 to 1
    deviation: tuple[float, ...]


@dataclass(frozen=True)
class Check:
    """A source that was read from its files, past every cache."""

    where: str
    classes: tuple[str, ...]
    splits: dict[str, Split]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()  # what is read all the same, and how


def check(text: str, note: Note | None = None) -> Check:
    """Reads a source whole; what is wrong is told, not raised."""
    try:
        source = parse(text)
        if source.word == "hub":
            parts = {split: hub(source.name, split) for split in SPLITS}
            return _gallery(text, Laid(parts, tuple(alike(parts["train"].classes))), note)
        if (path := folder_of(source)) is not None:
            return _gallery(f"pictures in {path}", galleries(path), note)
        if source.path is None and source.word in EMBEDDED:
            return _embedded(source.word)
        return _cifar(found(source))
    except UserError as error:
        return Check(text, (), {}, (str(error),))


def _gallery(where: str, laid: Laid, note: Note | None) -> Check:
    found = checked(laid.parts, note)
    splits = {}
    for split, part in found.parts.items():
        images, counts = part.images, np.bincount(part.images.labels).tolist()
        per_class = dict(zip(images.classes, counts + [0] * len(images.classes), strict=False))
        verdict = "of classes, names and sizes"
        splits[split] = Split(
            len(images), per_class, images.digest, verdict, part.mean, part.deviation
        )
    classes = next(iter(laid.parts.values())).classes
    problems, remarks = (*laid.problems, *found.problems), (*laid.remarks, *found.remarks)
    return Check(where, classes, splits, problems, remarks)


def _cifar(files: Found) -> Check:
    splits, problems = {}, []
    for split in SPLITS:
        images, wrong = reading.examined(files, split)
        problems += wrong
        if images is not None:
            splits[split] = _measured(images, _cifar_verdict(files, split, images))
    where = f"{files.facts.title}, {files.layout} layout, in {files.where}"
    return Check(where, files.facts.classes, splits, tuple(problems))


def _cifar_verdict(files: Found, split: str, images: Images) -> str:
    known = files.facts.digests.get(split)
    if known is not None:
        same = known == images.digest
        return "the official pixels and labels" if same else "NOT the official pixels and labels"
    if reading.official_files(files, split):
        return "the official files, by their MD5"
    return "counts verified; no digest of the official pixels is known to compare with"


def _embedded(word: str) -> Check:
    splits, problems = {}, []
    for split in SPLITS:
        images = EMBEDDED[word](split)
        verdict = "made from a seed"
        if word == "digits":
            same = images.digest == digits.DIGESTS[split]
            verdict = f"{'as' if same else 'NOT as'} embedded"
            problems += [] if same else [f"The embedded digits ({split}) are damaged: reinstall."]
        splits[split] = _measured(images, verdict)
    return Check(f"{word}, within the package", images.classes, splits, tuple(problems))


def _measured(images: Images, verdict: str) -> Split:
    counts = np.bincount(images.labels, minlength=len(images.classes)).tolist()
    mean, deviation = mean_and_deviation(images)
    per_class = dict(zip(images.classes, counts, strict=True))
    return Split(len(images), per_class, images.digest, verdict, mean, deviation)


def mean_and_deviation(images: Images) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Per channel, of pixels from 0 to 1, from sums that are exact."""
    flat = images.pixels.reshape(len(images), -1)
    total = np.zeros(flat.shape[1], np.int64)
    squares = np.zeros_like(total)
    for start in range(0, len(images), CHUNK):
        values = flat[start : start + CHUNK].astype(np.uint32)
        total += values.sum(0, dtype=np.uint32)
        squares += (values * values).sum(0, dtype=np.uint32)
    count = flat.size // 3
    mean = total.reshape(-1, 3).sum(0) / count
    deviation = np.sqrt(squares.reshape(-1, 3).sum(0) / count - mean**2)
    return tuple((mean / 255).tolist()), tuple((deviation / 255).tolist())

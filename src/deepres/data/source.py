"""Where data come from: the words after `--data`, and the images that they stand for."""

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ..errors import UserError
from ..home import at_home
from . import digits, synthetic
from .cifar import reading
from .cifar.facts import BOTH, SPLITS
from .cifar.files import Found, found_in
from .gallery import folder
from .gallery.hub import Download, hub
from .gallery.listed import Gallery
from .images import Images

EMBEDDED = {"digits": digits.images, "synthetic": synthetic.images}
FOLDERS = ("imagenette", "imagenet")  # pictures in folders that have a usual place
WORDS = (*EMBEDDED, *BOTH, "folder", "hub", *FOLDERS)


@dataclass(frozen=True)
class Source:
    """A parsed `--data`: a word, a path or both."""

    word: str | None
    path: Path | None
    name: str = ""  # a data set's on the hub


def parse(text: str) -> Source:
    """`digits`, `cifar10`, `cifar10:PATH` or a bare PATH, without looking at what is there."""
    word, colon, rest = text.partition(":")
    if word in EMBEDDED and not colon:
        return Source(word, None)
    if word in EMBEDDED:
        raise UserError(f"{text}: {word} comes with the package and takes no path.")
    if word in ("folder", "hub") and not rest:
        takes = "PATH, with train/ and val/ in it" if word == "folder" else "NAME or hub:PATH"
        raise UserError(f"{text!r} names nothing: write {word}:{takes}.")
    if word == "hub":
        return Source(word, None, rest)
    if word == "folder":
        return Source(word, at_home(rest))
    if word in (*BOTH, *FOLDERS):
        if colon and not rest:
            raise UserError(f"{text} names no path: write {word}:PATH, or {word} alone.")
        return Source(word, at_home(rest) if colon else None)
    drive = len(word) == 1 and colon  # C:\data
    if (text and at_home(text).exists()) or re.match(r"[./~\\]", text) or drive:
        return Source(None, at_home(text))
    raise UserError(_unknown(text, word))


def images(source: str, split: str = "test", *, download: Download = "never") -> Images | Gallery:
    """The images of one split of a source, verified and in their canonical order.

    Pictures of any size are listed, and read one at a time when they are wanted.
    """
    if split not in SPLITS:
        raise UserError(f"There is no split {split!r}: the splits are {' and '.join(SPLITS)}.")
    parsed = parse(source)
    if parsed.path is None and parsed.word in EMBEDDED:
        return EMBEDDED[parsed.word](split)
    if parsed.word == "hub":
        return hub(parsed.name, split, download)
    if (path := folder_of(parsed)) is not None:
        return folder.read(path, split)
    return reading.read(found(parsed), split)


def folder_of(source: Source) -> Path | None:
    """Where pictures lie in folders, or None where it is CIFAR that is meant."""
    if source.word == "folder":
        assert source.path is not None
        return source.path
    if source.word in FOLDERS:
        return source.path or _usual(source.word)
    if source.word is None and source.path is not None and folder.is_folder(source.path):
        return None if _is_cifar(source.path) else source.path
    return None


def _is_cifar(path: Path) -> bool:
    try:
        return bool(found_in(path))
    except OSError:  # it cannot be read, which is told by whoever wants to
        return False


def found(source: Source) -> Found:
    """The files of a CIFAR source."""
    if source.word is None and source.path is not None and source.path.is_dir():
        _recognised(source.path)
    facts = BOTH[source.word] if source.word else None
    return reading.located(source.path or _usual(source.word or ""), facts)


def _recognised(path: Path) -> None:
    """Refuses a folder of neither kind."""
    if not found_in(path):
        raise UserError(
            f"{path} holds no CIFAR, nor folders of pictures: {folder.LAYOUT}; as CIFAR count the"
            " official batches (python or binary), their archives and parquet files:"
            " `deepres data fetch cifar10` fetches them."
        )


def own_folder(name: str) -> Path:
    """Where `deepres data fetch` puts a data set, and where it is looked for."""
    return platformdirs.user_data_path("deepres") / name


def _usual(name: str) -> Path:
    data = os.environ.get("DEEPRES_DATA")
    places = [Path(data) / name] if data else []
    for place in [*places, own_folder(name)]:
        if place.exists():
            return place
    first = str(places[0]) if places else "DEEPRES_DATA (which is not set)"
    raise UserError(
        f"{name} is neither in {first} nor in {own_folder(name)}: {_fetched(name)}name its place"
        f" as {name}:PATH."
    )


def _fetched(name: str) -> str:
    return f"`deepres data fetch {name}` fetches it, or " if name in BOTH else ""


def _unknown(text: str, word: str) -> str:
    near = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]}{text[len(word) :]}?" if near else ""
    return (
        f"{text!r} is no source of data and no path that is there: sources are digits, synthetic,"
        f" cifar10[:PATH], cifar100[:PATH], folder:PATH, hub:NAME or a path.{hint}"
    )

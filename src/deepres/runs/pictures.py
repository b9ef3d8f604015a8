"""The pictures of a run: trained on, kept aside and tested with."""

from dataclasses import dataclass, field
from typing import Literal

from ..data.batches import split
from ..data.gallery.hub import Download
from ..data.pictured import Pictured
from ..data.source import images
from ..errors import UserError
from ..spec import Data
from .usable import ALL, Known, Search, usable

Bad = Literal["stop", "skipped"]


@dataclass(frozen=True)
class Pictures:
    """Of one size: in memory from the start, not missed if they go away. Else read as they come."""

    train: Pictured
    held_out: Pictured | None
    test: Pictured
    skipped: dict[str, str] = field(default_factory=dict)  # left out, by name, and why
    known: Known = field(default_factory=dict)  # by which a resumed run need not look again


def gathered(
    source: str,
    kept: int | None = None,
    bad: Bad = "stop",
    download: Download = "never",
    search: Search = ALL,
) -> tuple[Pictures, Data]:
    """The pictures of a source, `kept` of them to train on and the others held out, if given."""
    whole = _whole(source, bad, download, search)
    classes, count = whole.train.classes, len(whole.train)
    if len(classes) < 2:
        raise UserError(
            f"{source} has pictures of one class, {classes[0]!r}: training takes two or more, to"
            " tell them apart."
        )
    if kept is not None and not 0 < kept <= count:
        raise UserError(
            f"{whole.train.name} has {count:,} images: --split takes how many of them to train on,"
            f" not {kept:,}."
        )
    return _parted(whole, count - kept if kept else 0, bad)


def _whole(source: str, bad: Bad, download: Download, search: Search) -> Pictures:
    """All pictures of a source, nothing held out; those that are bad are left out if so told."""
    train, test = (images(source, split, download=download) for split in ("train", "test"))
    if bad == "stop":
        return Pictures(train, None, test)
    one, other = (usable(part, search) for part in (train, test))
    return Pictures(
        one.pictures,
        None,
        other.pictures,
        one.left_out | other.left_out,
        one.known | other.known,
    )


def _parted(whole: Pictures, held_out: int, bad: Bad) -> tuple[Pictures, Data]:
    """Some of the pictures trained on are kept aside; what the run calls them all."""
    train, test = whole.train, whole.test
    trained, aside = split(train, held_out) if held_out else (train, None)
    name = train.name.split()[0]
    data = Data(name=name, train=train.digest, test=test.digest, held_out=held_out, bad=bad)
    return Pictures(trained, aside, test, whole.skipped, whole.known), data


def as_declared(
    source: str, data: Data, download: Download = "never", search: Search = ALL
) -> Pictures:
    """The pictures of a run that is declared already; others than its own are refused."""
    whole = _whole(source, data.bad, download, search)
    for which, was, found in (("train", data.train, whole.train), ("test", data.test, whole.test)):
        if was and was != found.digest:
            raise UserError(
                f"{source}: these are not the {which} images of the run, which has {data.name} of"
                f" digest {was[:12]}; here are {found.name.split()[0]} of digest"
                f" {found.digest[:12]}."
            )
    pictures, _ = _parted(whole, data.held_out, data.bad)
    return Pictures(
        _first(pictures.train, data.train_images),
        pictures.held_out,
        _first(pictures.test, data.test_images),
        pictures.skipped,
        pictures.known,
    )


def _first(images: Pictured, count: int) -> Pictured:
    """The first so many, a fair sample in the canonical order; all where none are told."""
    if not 0 < count < len(images):
        return images
    return images.part(slice(count), images.name)

"""The pictures of a run: trained on, kept aside and tested with."""

from dataclasses import dataclass, field
from typing import Literal

from ..data.batches import split
from ..data.gallery.examine import Note, without_bad
from ..data.gallery.hub import Download
from ..data.images import Images
from ..data.pictured import Pictured
from ..data.source import images
from ..errors import UserError
from ..spec import Data

Bad = Literal["stop", "skipped"]


@dataclass(frozen=True)
class Pictures:
    """Of one size: in memory from the start, not missed if they go away. Else read as they come."""

    train: Pictured
    held_out: Pictured | None
    test: Pictured
    skipped: dict[str, str] = field(default_factory=dict)  # left out, by name, and why


def gathered(
    source: str,
    kept: int | None = None,
    bad: Bad = "stop",
    download: Download = "never",
    note: Note | None = None,
) -> tuple[Pictures, Data]:
    """The pictures of a source, `kept` of them to train on and the others held out, if given."""
    whole, test = (images(source, split, download=download) for split in ("train", "test"))
    skipped: dict[str, str] = {}
    if bad == "skipped":
        whole, test = (_usable(part, skipped, note) for part in (whole, test))
    if kept is not None and not 0 < kept <= len(whole):
        raise UserError(
            f"{whole.name} has {len(whole):,} images: --split takes how many of them to train on,"
            f" not {kept:,}."
        )
    held_out = len(whole) - kept if kept else 0
    trained, aside = split(whole, held_out) if held_out else (whole, None)
    name = whole.name.split()[0]
    data = Data(name=name, train=whole.digest, test=test.digest, held_out=held_out, bad=bad)
    return Pictures(trained, aside, test, skipped), data


def _usable(images: Pictured, skipped: dict[str, str], note: Note | None) -> Pictured:
    """Those that can be decoded; the others are added to those skipped."""
    if isinstance(images, Images):
        return images
    kept, bad = without_bad(images, note)
    skipped |= bad
    return kept


def as_declared(
    source: str, data: Data, download: Download = "never", note: Note | None = None
) -> Pictures:
    """The pictures of a run that is declared already; others than its own are refused."""
    skipped: dict[str, str] = {}
    kept = None
    if data.held_out:
        whole = images(source, "train", download=download)
        whole = _usable(whole, skipped, note) if data.bad == "skipped" else whole
        kept = len(whole) - data.held_out
    pictures, here = gathered(source, kept, data.bad, download, note)
    for which, was, found in (("train", data.train, here.train), ("test", data.test, here.test)):
        if was and was != found:
            raise UserError(
                f"{source}: these are not the {which} images of the run, which has {data.name} of"
                f" digest {was[:12]}; here are {here.name} of digest {found[:12]}."
            )
    return Pictures(
        _first(pictures.train, data.train_images),
        pictures.held_out,
        _first(pictures.test, data.test_images),
        pictures.skipped,
    )


def _first(images: Pictured, count: int) -> Pictured:
    """The first so many, a fair sample in the canonical order; all where none are told."""
    if not 0 < count < len(images):
        return images
    return images.part(slice(count), images.name)

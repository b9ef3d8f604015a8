"""The pictures of a run: trained on, kept aside and tested with."""

from dataclasses import dataclass

from ..data.batches import split
from ..data.pictured import Pictured
from ..data.source import images
from ..errors import UserError
from ..spec import Data


@dataclass(frozen=True)
class Pictures:
    """Of one size: in memory from the start, not missed if they go away. Else read as they come."""

    train: Pictured
    held_out: Pictured | None
    test: Pictured


def gathered(source: str, kept: int | None = None) -> tuple[Pictures, Data]:
    """The pictures of a source, `kept` of them to train on and the others held out, if given."""
    whole, test = images(source, "train"), images(source, "test")
    if kept is not None and not 0 < kept <= len(whole):
        raise UserError(
            f"{whole.name} has {len(whole):,} images: --split takes how many of them to train on,"
            f" not {kept:,}."
        )
    held_out = len(whole) - kept if kept else 0
    trained, aside = split(whole, held_out) if held_out else (whole, None)
    data = Data(name=whole.name.split()[0], train=whole.digest, test=test.digest, held_out=held_out)
    return Pictures(trained, aside, test), data


def as_declared(source: str, data: Data) -> Pictures:
    """The pictures of a run that is declared already; others than its own are refused."""
    whole = images(source, "train")
    pictures, here = gathered(source, len(whole) - data.held_out if data.held_out else None)
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
    )


def _first(images: Pictured, count: int) -> Pictured:
    """The first so many, a fair sample in the canonical order; all where none are told."""
    if not 0 < count < len(images):
        return images
    return images.part(slice(count), images.name)

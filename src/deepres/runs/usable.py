"""Pictures that can be decoded and those that cannot: each is looked at by one of the ranks."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import torch

from ..data.gallery.examine import Note, examined
from ..data.gallery.listed import Gallery
from ..data.images import Images
from ..data.pictured import Pictured
from ..errors import UserError
from ..ranks import ALONE, Ranks
from .disk import write_whole

Reasons = dict[int, str]  # why a picture cannot be used, by its place in the canonical order
Known = dict[str, Reasons]  # what was found before, by the stamp of all pictures of a part
FILE = "examined.json"  # in a run's folder: to decode a million pictures takes an hour


@dataclass(frozen=True)
class Usable:
    """Those that can be used, and the others by name with what is wrong with them."""

    pictures: Pictured
    left_out: dict[str, str] = field(default_factory=dict)
    known: Known = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """How bad pictures are looked for."""

    note: Note | None = None  # told how far it is
    ranks: Ranks = ALONE  # that look at a part each
    known: Known = field(default_factory=dict)  # to the first rank


ALL = Search()


def usable(images: Pictured, search: Search = ALL) -> Usable:
    """The pictures that can be decoded; nothing is decoded of which the first rank knows it."""
    ranks = search.ranks
    if isinstance(images, Images):
        return Usable(images)
    mark = stamp(images) if ranks.first else ""
    said = search.known.get(mark)
    before = msgspec.json.decode(ranks.told(msgspec.json.encode(said)), type=Reasons | None)
    bad = shared(found_bad(images, search.note, ranks), ranks) if before is None else before
    told = {images.called(index): reason for index, reason in sorted(bad.items())}
    if len(bad) == len(images):
        name, reason = next(iter(told.items()))
        raise UserError(
            f"None of the {len(bad):,} pictures of {images.name} can be used: {name} {reason}, for"
            " one; `deepres data check` names them all."
        )
    kept = without(images, bad) if bad else images
    return Usable(kept, told, {mark: bad} if mark else {})


def stamp(images: Gallery) -> str:
    """A digest of names, sizes and times; nothing where pictures are no files of their own."""
    if not Path(images.called(0)).is_file():
        return ""
    whole = hashlib.sha256(images.digest.encode())
    for index in range(len(images)):
        whole.update(_changed(images.called(index)).to_bytes(16, "little", signed=True))
    return whole.hexdigest()


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - a million paths
    except OSError:  # a link to nowhere
        return 0


def remember(folder: Path, known: Known) -> None:
    """Keeps what was found beside a run, if anything was looked for."""
    if known:
        write_whole(folder / FILE, msgspec.json.encode(known))


def remembered(folder: Path) -> Known:
    """What was kept there; what cannot be read is looked for again."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Known)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}


def found_bad(images: Gallery, note: Note | None, ranks: Ranks) -> Reasons:
    """What this rank finds among its pictures, every so-many-th of all."""
    name = f"{images.name}, rank {ranks.rank} of {ranks.count}" if ranks.count > 1 else images.name
    mine = images.part(slice(ranks.rank, None, ranks.count), name)
    return {
        ranks.rank + ranks.count * found.index: found.bad
        for found in examined(mine, note)
        if found.bad
    }


def shared(mine: Reasons, ranks: Ranks) -> Reasons:
    """What all ranks found, on each of them."""
    text = msgspec.json.encode(mine)
    longest = int(ranks.gathered(torch.tensor([len(text)])).max())
    row = torch.zeros(longest, dtype=torch.uint8)
    row[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    whole: Reasons = {}
    for said in ranks.gathered(row):
        whole |= msgspec.json.decode(said.numpy().tobytes().rstrip(b"\0"), type=Reasons)
    return whole


def without(images: Gallery, bad: Reasons) -> Gallery:
    """The other pictures, under a digest of their own."""
    kept = np.ones(len(images), bool)
    kept[list(bad)] = False
    rest = images.part(kept, images.name)
    digest = hashlib.sha256((images.digest + str(sorted(bad))).encode()).hexdigest()
    return Gallery(rest.name, rest.labels, rest.classes, digest, rest.store, rest.places)

"""How `deepres evaluate` looks at pictures, and whose class list it goes by."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..card import Card, Preprocessing
from ..data.gallery.listed import Gallery
from ..data.pictured import Pictured
from ..errors import UserError
from ..evaluate import VIEWS, Look, looking
from ..models.views import Average
from . import note

AREA = 96 * 96 * 250  # pixels of the crops that go through a network together, at most


@dataclass(frozen=True)
class Looking:
    """A way of looking, and how many crops it makes of a picture."""

    look: Look
    crops: int

    def batch(self, wanted: int, how: Preprocessing) -> int:
        """So many pictures at a time, or fewer where their crops would fill memory."""
        return max(1, min(wanted, AREA // (self.crops * how.size**2)))


def look_of(views: str, average: str, scales: str | None) -> Looking:
    """The look that flags ask for."""
    if views not in VIEWS:
        raise UserError(f"There is no --views {views}: views are {', '.join(VIEWS)}.")
    if average not in ("softmax", "logits"):
        raise UserError(f"--average {average}: write softmax or logits.")
    if scales is not None and views != "multi-scale":
        raise UserError("--scales goes with --views multi-scale.")
    chosen: Average = "logits" if average == "logits" else "softmax"
    return Looking(looking(views, chosen, scales), VIEWS[views])


def writable(out: Path) -> None:
    """Refuses a file that cannot be written, before hours are spent on what it is to hold."""
    if out.is_dir():
        raise UserError(f"--out {out} is a folder: name a file in it.")
    if not out.parent.is_dir():
        raise UserError(f"--out {out}: there is no folder {out.parent}.")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise UserError(f"--out {out} cannot be written: name another file.")


def agreed(images: Pictured, cards: Sequence[Card]) -> Pictured:
    """The pictures under the networks' class list: names decide as soon as the lists share one.

    A folder that lacks a class, or lists them in another order, shifts no label. Places decide
    between lists that have nothing in common, as names and numbers.
    """
    lists = list(dict.fromkeys(card.classes for card in cards if card.classes))
    if len(lists) > 1:
        raise UserError(
            f"The networks do not tell the same classes apart: {_few(lists[0])} and"
            f" {_few(lists[1])}; the members of an ensemble share one list."
        )
    if not lists or not isinstance(images, Gallery) or images.classes == lists[0]:
        return images
    unknown = [name for name in images.classes if name not in lists[0]]
    if not unknown:
        return images.under(lists[0])
    none_shared = len(unknown) == len(images.classes)
    if none_shared and len(images.classes) == len(lists[0]):
        note(f"classes by their places: {_few(images.classes)} are taken for {_few(lists[0])}")
        return images
    several = "classes" if len(unknown) > 1 else "class"
    raise UserError(
        f"{images.name} has the {several} {_few([repr(name) for name in unknown])}, which the"
        f" network does not know: it tells {_few(lists[0])} apart."
    )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

"""What training looks like: one calm display on a terminal, plain lines anywhere else."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ..runs.log import Evaluated, Found, Item, Report
from ..spec import Recipe
from . import note
from .known import Known, look


class Shown(Protocol):
    """Somebody who shows what happens."""

    def show(self, item: Item) -> None:
        """One thing that happened."""


class Lines:
    """Plain lines: of reports seldom ones, of all else each."""

    def __init__(self, recipe: Recipe, images: int) -> None:
        self.known, self.began, self.told = Known(recipe, images), time.monotonic(), -1e9

    def show(self, item: Item) -> None:
        """Says it, if it is worth a line."""
        self.known.learn(item)
        now = time.monotonic()
        waited = now - self.told
        last = self.known.step == self.known.recipe.steps
        if isinstance(item, Report) and (last or waited >= gap(now - self.began)):
            self.told = now
            note(f"{self.known.place}  {self.known.numbers}  {self.known.speed}")
        elif isinstance(item, Evaluated):
            note(f"  {look(item)}")
        elif isinstance(item, Found):
            note(f"  {item.event} after step {item.step:,}")
        elif isinstance(item, str):
            note(item)


def gap(seconds: float) -> float:
    """Seconds between two lines: a short run is followed closely, a long one fills no screen."""
    return 2 if seconds < 60 else 10 if seconds < 600 else 30


@contextmanager
def display(recipe: Recipe, images: int) -> Iterator[Shown]:
    """The display that fits standard error."""
    if not sys.stderr.isatty():
        yield Lines(recipe, images)
        return
    from .live import live

    with live(recipe, images) as shown:
        yield shown

"""How far a long row of pictures is: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from types import TracebackType

from . import note
from .display import gap
from .known import duration

WIDTH = 24  # of the bar
OFTEN = 0.1  # seconds between two looks of a bar
SOON = 1.0  # seconds before the first: what is done by then needs no bar


class Progress:
    """Counts what is done and shows it on standard error."""

    def __init__(self, unit: str, total: int | None) -> None:
        self.unit, self.total, self.done = unit, total, 0
        self.began = self.told = time.monotonic()
        self.bar = sys.stderr.isatty() and not sys.stdout.isatty()
        self.drawn = False

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        now = time.monotonic()
        wait = OFTEN if self.bar else gap(now - self.began)
        if now - self.began > SOON and now - self.told > wait and not sys.stdout.isatty():
            self.told = now
            self._show(now - self.began)

    def _show(self, seconds: float) -> None:
        speed = self.done / seconds
        text = f"{self.done:,}"
        if self.total:
            text += f"/{self.total:,} {self.unit}"
            text += f"  {duration((self.total - self.done) / speed)} left"
        else:
            text += f" {self.unit}"
        text += f"  {speed:,.0f} a second"
        if self.bar:
            self.drawn = True
            full = WIDTH * self.done // self.total if self.total else 0
            sys.stderr.write(f"\r\x1b[K{'█' * full}{'░' * (WIDTH - full)}  {text}")
            sys.stderr.flush()
        else:
            note(text)

    def clear(self) -> None:
        """Takes the bar away, so that a sentence can stand in its line."""
        if self.drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.drawn = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.clear()

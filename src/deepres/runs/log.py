"""The log of a run: one JSON line for each report, event and evaluation, as they come.

Times stand in `seconds` and `images_per_second` and nowhere else: two logs of equal runs are equal
but for these.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from ..errors import UserError
from ..tally import Tally
from .disk import naming

TIMES = ("seconds", "images_per_second")


class Report(Struct, frozen=True, kw_only=True, tag_field="kind", tag="report"):
    """A stretch of steps: errors as they were in training, on augmented pictures."""

    step: int  # the last one of the stretch
    epoch: float
    rate: float  # of the last step
    loss: float  # mean over the stretch
    wrong: int
    seen: int
    images_per_second: float  # of the median step
    seconds: float  # since the run began, its pauses left out

    @property
    def training_error(self) -> float:
        """Percent."""
        return 100 * self.wrong / self.seen


class Found(Struct, frozen=True, kw_only=True, tag_field="kind", tag="event"):
    """What training noticed about itself: the end of a warm-up, a plateau."""

    step: int
    event: str


class Skipped(Struct, frozen=True, kw_only=True, tag_field="kind", tag="skipped"):
    """A picture that could not be used and was left out, as was asked for."""

    step: int
    picture: str
    reason: str


class Evaluated(Struct, frozen=True, kw_only=True, tag_field="kind", tag="evaluation"):
    """Exact errors of the network in evaluation mode on pictures as they are."""

    step: int
    pictures: Literal["trained on", "held out", "test"]
    statistics: Literal["population", "running"]
    statistics_images: int  # from which population statistics were taken, clean; 0 for running ones
    watching: bool  # a look at test pictures during training: it chooses nothing
    seen: int
    top1: int
    top5: int
    seconds: float

    @property
    def errors(self) -> Tally:
        return Tally(self.seen, self.top1, self.top5)

    @property
    def top1_error(self) -> float:
        """Percent."""
        return self.errors.top1_error


class Moment(Struct, frozen=True):
    """One step was done; nothing of it is logged."""

    step: int
    rate: float
    seconds: float  # that the median step of late took


Line = Report | Found | Skipped | Evaluated
Item = str | Line | Moment  # what a run tells: a sentence for the user, a line, a step
_DECODER = msgspec.json.Decoder(Line)


class Log:
    """A file that only grows, a whole line at a time, but when a run goes on from a state."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines = path, 0

    def cut(self, lines: int) -> int:
        """Keeps the first so many whole lines, which a state knows of; returns how many it lacks.

        What was logged after the state will be computed, and logged, again.
        """
        with naming(self.path):
            self.path.touch()
            with self.path.open("rb+") as file:
                kept = 0
                while kept < lines and file.readline().endswith(b"\n"):
                    kept += 1
                    end = file.tell()
                file.truncate(end if kept else 0)
        self.lines = lines
        return lines - kept

    def write(self, line: Line) -> None:
        """Appends one line."""
        with naming(self.path), self.path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        self.lines += 1


def read(path: Path) -> Iterator[Line]:
    """The lines of a log; a last one that was never finished is left out."""
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if not text.endswith(b"\n"):
                return
            try:
                yield _DECODER.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise UserError(f"{path}, line {number}, is no line of a log: {error}.") from None

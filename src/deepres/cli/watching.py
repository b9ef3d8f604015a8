"""Several networks that train at once: a table on a terminal, plain lines anywhere else."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..runs.log import Report
from ..studies.runner import Done, Message, Said, Task
from . import Terminated, note
from .display import gap
from .known import look
from .many import Many, name_of

Show = Callable[[Task, Message], None]


class Lines:
    """A line about each network every few seconds, and one when it is done."""

    def __init__(self, tasks: Sequence[Task], images: int) -> None:
        self.many = Many(tasks, images)
        self.told: dict[str, float] = {}

    def __call__(self, task: Task, message: Message) -> None:
        """Says it, if it is worth a line."""
        self.many.learn(task, message)
        known, now = self.many.known[task.folder], time.monotonic()
        waited = now - self.told.get(task.folder, -1e9)
        if isinstance(message, Report) and waited >= 2 * gap(now - self.many.began):
            self.told[task.folder] = now
            note(f"{name_of(task)}: {known.place}  {known.numbers}  {known.speed}")
        elif isinstance(message, Said):
            note(f"{name_of(task)}: {message.text}")
        elif isinstance(message, Done):
            errors = "; ".join(look(found) for found in known.looks.values())
            note(f"{name_of(task)} is done ({errors or 'it was there'}). {self.many.left}")


@contextmanager
def watching(tasks: Sequence[Task], images: int) -> Iterator[Show]:
    """The display that fits standard error; whoever stops it hears how to go on."""
    try:
        with _display(tasks, images) as show:
            yield show
    except (KeyboardInterrupt, Terminated):
        note("Stopped, states saved: the same command goes on where it was.")
        raise


@contextmanager
def _display(tasks: Sequence[Task], images: int) -> Iterator[Show]:
    if not sys.stderr.isatty():
        yield Lines(tasks, images)
        return
    from .live import table

    with table(Many(tasks, images)) as show:
        yield show

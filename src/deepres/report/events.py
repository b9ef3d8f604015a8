"""A run's curves as TensorBoard reads them; needs the extra `tensorboard`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import UserError
from ..runs import log
from ..runs.folder import Folder
from ..runs.log import Evaluated, Item, Line, Report

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def writer() -> "type[SummaryWriter]":
    """TensorBoard's own writer; without it the flag is refused."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError(f"--tensorboard: {error}; `pip install tensorboard` brings it.") from None
    return SummaryWriter


@contextmanager
def events(folder: Folder) -> Iterator[Callable[[Item], None]]:
    """Writes what happens into the folder's `tensorboard`, anew from the start of its log.

    A run that goes on from a state computes some steps again: events that were written before are
    written again from the log, so that no step is there twice.
    """
    place = folder.path / "tensorboard"
    for old in place.glob("events.out.tfevents.*"):
        old.unlink()
    written = writer()(str(place))
    begun: list[Item] = []

    def write(item: Item) -> None:
        if isinstance(item, str):
            return
        if not begun:
            begun.append(item)
            for line in log.read(folder.log):  # of earlier sessions, and this one if it is a line
                scalars(line, written.add_scalar)
        elif isinstance(item, Line):
            scalars(item, written.add_scalar)

    try:
        yield write
    finally:
        written.close()


def scalars(line: Line, add: Callable[[str, float, int], None]) -> None:
    """The numbers of a line under names that say what they are."""
    if isinstance(line, Report):
        add("training/error as it was", line.training_error, line.step)
        add("training/loss", line.loss, line.step)
        add("training/rate", line.rate, line.step)
        add("speed/images per second", line.images_per_second, line.step)
    elif isinstance(line, Evaluated):
        name = "test, only watched" if line.watching else line.pictures
        add(f"{name}/error, {line.statistics} statistics", line.top1_error, line.step)

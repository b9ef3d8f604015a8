"""The pictures of each step, read and cut by this process or by torch's DataLoader's."""

import atexit
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...errors import Failed, UserError
from ...models.pictures import BadPicture
from ...spec import Recipe
from ..order import WHOLE, Part, indices
from .crops import cropped, draws
from .listed import Gallery
from .views import bad

AHEAD = 2  # steps that each worker may be ahead
ENDING = 1  # second in which a process whose word broke off is known to have ended
STOPS = (signal.SIGINT, signal.SIGTERM)


class WorkerEnded(Failed):
    """A process that reads ahead was killed, while no step was under way."""


def taken(images: Gallery, recipe: Recipe, seed: int, step: int, part: Part = WHOLE) -> Tensor:
    """The crops of one step, or of a part of it: N x 3 x crop x crop uint8, channels last."""
    drawn = draws(recipe, seed, step)
    chosen = indices(seed, step, recipe.batch, len(images))
    places = range(*part.places(len(chosen)).indices(len(chosen)))
    size = (len(places), recipe.crop, recipe.crop, 3)
    pixels = torch.empty(size, dtype=torch.uint8).permute(0, 3, 1, 2)
    for row, place in enumerate(places):
        index = int(chosen[place])
        try:
            pixels[row] = cropped(images.read(index), recipe, drawn, place)
        except (BadPicture, OSError) as error:
            raise bad(images.called(index), error) from None
    return pixels


class Steps(Dataset[Tensor | str]):
    """The steps of a run, each with its crops, or with what is wrong with one of them.

    A worker's exception would reach the user as a traceback within a traceback.
    """

    def __init__(self, images: Gallery, recipe: Recipe, seed: int, part: Part) -> None:
        self.images, self.recipe, self.seed, self.part = images, recipe, seed, part

    def __getitem__(self, step: int) -> Tensor | str:
        try:
            return taken(self.images, self.recipe, self.seed, step, self.part)
        except UserError as error:
            return str(error)


def _deaf(worker: int) -> None:
    """What tells a job to stop reaches its workers too: they read on until their parent ends them.

    torch would have them end by SIGTERM; that a parent is gone they notice by themselves.
    """
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _unheard() -> Iterator[None]:
    """Signals to stop wait while workers are made, which are born deaf to them.

    A worker's death is told where the next step is asked for: torch's own handler would raise it
    in the midst of a step, whose state then is neither the old nor the new one.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    children = signal.getsignal(signal.SIGCHLD)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if threading.current_thread() is threading.main_thread() and children is not None:
            signal.signal(signal.SIGCHLD, children)


def read_ahead(
    images: Gallery, recipe: Recipe, seed: int, start: int, workers: int, part: Part = WHOLE
) -> Iterator[tuple[int, Tensor]]:
    """Steps `start` to the recipe's last with their crops, the same by any number of workers."""
    steps = range(start, recipe.steps)
    with warnings.catch_warnings(), _unheard():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # as asked
        loader: DataLoader[Tensor | str] = DataLoader(
            Steps(images, recipe, seed, part),
            sampler=steps,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            worker_init_fn=_deaf,
            generator=torch.Generator(),  # the global one is nobody else's to move
        )
        prepared = iter(loader)
    processes: list[BaseProcess] = list(getattr(prepared, "_workers", ()))
    end = partial(_end, processes)
    atexit.register(end)  # before multiprocessing ends them by SIGTERM, and waits
    try:
        for step in steps:
            pixels = _next(prepared, processes)
            if isinstance(pixels, str):
                raise UserError(pixels)
            yield step, pixels
    finally:
        del prepared  # which tells them to end
        end()
        atexit.unregister(end)


def _end(processes: list[BaseProcess]) -> None:
    """Ends those that are not gone by now; they heed nothing else."""
    for process in processes:
        process.kill()


def _next(prepared: Iterator[Tensor | str], processes: list[BaseProcess]) -> Tensor | str:
    """The next step's crops; a worker that was killed is told in one sentence."""
    try:
        return next(prepared)
    except (RuntimeError, ConnectionError, EOFError) as error:  # the latter where it was speaking
        closed = wait([process.sentinel for process in processes], timeout=ENDING)
        for process in processes:
            process.join(ENDING if process.sentinel in closed else 0)
        ended = [process.exitcode for process in processes if process.exitcode is not None]
        if not ended:
            raise
        raise WorkerEnded(
            f"A process that reads pictures ahead ended ({_ending(ended[0])}): memory may be short,"
            f" and fewer --workers than {len(processes)} need less."
        ) from error


def _ending(status: int) -> str:
    """How a process ended."""
    return f"exit {status}" if status >= 0 else signal.strsignal(-status) or f"signal {-status}"

"""Tasks carried out side by side on one device, by threads of this process: what a GPU wants."""

import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial

import torch
from msgspec import structs

from ..accel.device.fleet import Told, side_by_side
from ..accel.device.planned import found, planned
from ..data.pictured import Pictured
from ..errors import Failed, UserError
from ..models.resnet import ResNet
from ..runs.pictures import as_declared
from ..runs.result import Result
from ..runs.session import out_of_memory
from ..spec import Arch, Plan, Recipe
from .runner import Done, Ended, Message, Said, Task
from .worker import as_message, ended_by, work_with


def place(name: str) -> torch.device:
    """A device by its name, if it is there."""
    return torch.device("cpu") if name == "cpu" else found(name)


def at_once(jobs: int, device: torch.device) -> int:
    """How many runs a device takes: Apple's has one queue, which threads may not share."""
    return 1 if device.type == "mps" else jobs


def planned_for(
    tasks: Sequence[Task], images: Pictured, device: torch.device
) -> tuple[list[Task], list[str]]:
    """The tasks with a plan each for the device, and a sentence for each plan: why it is that one.

    A network without memory is enough to be asked what it is made of.
    """
    plans: dict[tuple[Arch, Recipe, int], tuple[Plan, str]] = {}
    told, why = [], []
    for task in tasks:
        run = task.run
        assert run.arch is not None
        kind = (run.arch, run.recipe, task.threads)
        if kind not in plans:
            with torch.device("meta"):
                network = ResNet(run.arch)
            plans[kind] = planned(network, run.recipe, images, device, threads=task.threads)
        plan, because = plans[kind]
        told.append(structs.replace(task, plan=plan))
        why.append(because)
    return told, [f"{one} ({_runs(why.count(one))})" for one in dict.fromkeys(why)]


def _runs(count: int) -> str:
    return f"{count} run{'s' if count > 1 else ''}"


def on_device(
    tasks: Sequence[Task],
    jobs: int,
    device: torch.device,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[tuple[Task, Message], None, None]:
    """Every task to its end or to its failure, `jobs` at a time, as `runner.attempted` does it.

    Whatever ends this generator, or `stop`, ends the runs too; their states are saved.
    """
    by_folder = {task.folder: task for task in tasks}
    sources = {task.run.data: task.source for task in tasks}
    pictures = {data: as_declared(source, data) for data, source in sources.items()}
    work = [(task.folder, partial(work_with, pictures[task.run.data], task)) for task in tasks]
    many = at_once(jobs, device)
    with closing(side_by_side(work, many, device, stop)) as stream:
        for folder, item in stream:
            for message in _messages(item, many):
                yield by_folder[folder], message


def _messages(item: Told, many: int) -> Iterator[Message]:
    """What happened, as processes would send it."""
    if isinstance(item, Result):
        yield Done()
    elif not isinstance(item, Exception):
        yield as_message(item)
    elif _short_of_memory(item):
        hint = ": fewer --jobs need less" if many > 1 else ""
        yield Ended(f"there is not enough memory{hint}.", False)
    elif isinstance(item, UserError | Failed | OSError):
        yield ended_by(item)
    else:  # not foreseen: whoever mends it wants to know where
        yield Said("".join(traceback.format_exception(item)).rstrip())
        yield Ended(f"{type(item).__name__}: {item}", False)


def _short_of_memory(error: BaseException) -> bool:
    """Whether that is the reason, or the reason's reason."""
    before = error.__cause__
    return out_of_memory(error) or (before is not None and _short_of_memory(before))

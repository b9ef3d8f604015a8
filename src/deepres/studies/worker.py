"""The process behind a study: tasks come in on standard input, what happens goes out."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType

import msgspec
from torch import nn

from ..accel import malloc
from ..accel.choose import choose, tiny_maps
from ..accel.working import work_in
from ..data.pictured import edge
from ..errors import Failed, UserError
from ..models.deepen import deepened
from ..models.weights import load
from ..runs.folder import Folder, Held
from ..runs.log import Item, Moment
from ..runs.pictures import Pictures, as_declared
from ..runs.result import Result
from ..runs.work import network_of
from ..spec import Plan
from .runner import Done, Ended, Message, Said, Step, Task

EVERY = 0.2  # seconds between two steps that are told


def work_on(task: Task, stop: Callable[[], bool]) -> Iterator[Item | Result]:
    """One run in its folder, with the plan that it was begun with."""
    yield from work_with(as_declared(task.source, task.run.data), task, stop)


def work_with(pictures: Pictures, task: Task, stop: Callable[[], bool]) -> Iterator[Item | Result]:
    """The same with pictures that are at hand, and that other runs may share."""
    network = grown(task) if task.start else network_of(task.run, pictures.train)
    yield from work_in(
        Folder(Path(task.folder)),
        task.run,
        pictures,
        network,
        partial(planned, task, network, pictures),
        task.looks,
        stop,
        task.source,
        device=task.device,
    )


def grown(task: Task) -> nn.Module:
    """The trained network of another run with identities added (Sec. 4.1), as a start."""
    assert task.run.arch is not None
    network = deepened(load(Path(task.start) / "weights.safetensors"), task.run.arch.layers)
    network.card = network.mean_image = None
    return network.train()


def planned(task: Task, network: nn.Module, pictures: Pictures) -> Plan:
    """The task's own plan, else what is fastest here; for a short run nothing is measured."""
    if isinstance(task.plan, Plan):
        return task.plan
    size = edge(pictures.train, task.run.recipe)
    if task.plan == "fixed":
        return fixed_plan(task, network, size)
    return choose(network, task.run.recipe, size, threads=task.threads, workers=0).plan


def fixed_plan(task: Task, network: nn.Module, edge: int) -> Plan:
    """Eager steps and no worker: small networks are over before anything else would pay."""
    return Plan(
        threads=task.threads,
        workers=0,
        malloc="kept" if malloc.keep() else "as it comes",
        tiny_maps=tiny_maps(network, task.run.recipe, edge),
    )


def told(items: Iterator[Item | Result]) -> Iterator[Message]:
    """What is worth telling of what happens."""
    last = 0.0
    for item in items:
        if isinstance(item, Moment):
            if time.monotonic() - last < EVERY:
                continue
            last = time.monotonic()
        if not isinstance(item, Result):
            yield as_message(item)


def as_message(item: Item) -> Message:
    """What a run tells, as it is sent."""
    if isinstance(item, Moment):
        return Step(item.step, item.rate, item.seconds)
    return Said(item) if isinstance(item, str) else item


def ended_by(error: UserError | Failed | OSError) -> Ended:
    """The end of a run by what went wrong with it."""
    return Ended(str(error), isinstance(error, UserError), isinstance(error, Held))


def send(message: Message) -> None:
    """A line for whoever started this process."""
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Works until there are no more tasks, a signal says stop, or the parent is gone."""
    signals: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        signals.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hear)
    parent = os.getppid()

    def stop() -> bool:
        return bool(signals) or os.getppid() != parent

    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=Task)
        try:
            for message in told(work_on(task, stop)):
                send(message)
        except (UserError, Failed, OSError) as error:
            send(ended_by(error))
            continue
        if stop():
            sys.exit(128 + signals[0] if signals else 1)
        send(Done())


if __name__ == "__main__":
    main()

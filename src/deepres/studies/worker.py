"""The process behind a study: tasks come in on standard input, what happens goes out."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import msgspec

from ..accel import malloc
from ..accel.prepared import prepared, stream
from ..errors import Failed, UserError
from ..runs.folder import Folder
from ..runs.log import Item, Moment
from ..runs.pictures import as_declared
from ..runs.result import Result
from ..runs.running import carried_out
from ..runs.work import Work, curve_of, network_of
from ..spec import Plan
from .runner import Done, Ended, Message, Said, Step, Task

EVERY = 0.2  # seconds between two steps that are told


def work_on(task: Task, stop: Callable[[], bool]) -> Iterator[Item | Result]:
    """One run in its folder, with one fixed plan: nothing is measured, so nothing varies."""
    pictures = as_declared(task.source, task.run.data)
    network = network_of(task.run, pictures.train)
    folder = Folder(Path(task.folder))
    folder.take()
    try:
        plan = folder.planned() or fixed_plan(task.threads)
        step = prepared(network, task.run.recipe, plan)
        curve = curve_of(task.run, pictures, task.looks, test=True)
        work = Work(task.run, plan, pictures, curve, step, stream(plan))
        yield from carried_out(work, network, folder, stop, task.source)
    finally:
        folder.leave()


def fixed_plan(threads: int) -> Plan:
    """Eager steps and no worker: small networks are over before anything else would pay."""
    return Plan(threads=threads, workers=0, malloc="kept" if malloc.keep() else "as it comes")


def told(items: Iterator[Item | Result]) -> Iterator[Message]:
    """What is worth telling of what happens."""
    last = 0.0
    for item in items:
        if isinstance(item, Moment):
            if time.monotonic() - last >= EVERY:
                last = time.monotonic()
                yield Step(item.step, item.rate, item.seconds)
        elif isinstance(item, str):
            yield Said(item)
        elif not isinstance(item, Result):
            yield item


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
            send(Ended(str(error), isinstance(error, UserError)))
            return
        if stop():
            sys.exit(128 + signals[0] if signals else 1)
        send(Done())


if __name__ == "__main__":
    main()

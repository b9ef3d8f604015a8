"""Several runs that train side by side in one process, each in a folder of its own.

A step of Sec. 4.2's networks is a thousand kernels too small for a large GPU, and kernels of two
processes never run at once there. So the runs share a process: each has a thread, which waits
without holding the others up, and a stream, so that their kernels fill each other's gaps.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import torch

from ...runs.folder import Folder
from ...runs.log import Item, Moment
from ...runs.pictures import Pictures
from ...runs.result import Result
from ...runs.work import network_of
from ...spec import Plan, Run
from ..working import work_in
from .captured import gate

Stop = Callable[[], bool]
Job = Callable[[Stop], Iterator[Item | Result]]  # a run, carried out until it is told to stop
Told = Item | Result | Exception
EVERY = 1.0  # seconds between two steps of a run that are told
STREAMS = 32  # that torch deals in turn: of more threads two would share one


def side_by_side(
    jobs: Sequence[tuple[str, Job]], at_once: int, device: torch.device, stop: Stop
) -> Generator[tuple[str, Told], None, None]:
    """What happens in each job, by its name; one that fails is told and stops no other.

    Whoever leaves this early stops them all; they save their states first.
    """
    waiting, heard = deque(jobs), Queue[tuple[str, Told] | None]()
    left = Event()

    def work() -> None:
        try:
            with _own_stream(device):
                while not ends():
                    try:
                        name, job = waiting.popleft()
                    except IndexError:  # asking first would leave time for another to take it
                        return
                    _follow(name, job, heard, ends)
        finally:
            heard.put(None)

    def ends() -> bool:
        return left.is_set() or stop()

    threads = [
        Thread(target=work, name=f"run {n}") for n in range(min(at_once, STREAMS, len(jobs)))
    ]
    try:
        for thread in threads:
            thread.start()
        living = len(threads)
        while living:
            if (told := heard.get()) is None:
                living -= 1
            else:
                yield told
    finally:
        left.set()
        for thread in threads:
            if thread.is_alive():
                thread.join()


def _follow(name: str, job: Job, heard: "Queue[tuple[str, Told] | None]", ends: Stop) -> None:
    last = 0.0
    try:
        for item in _in_stretches(job(ends)):
            if isinstance(item, Moment):
                if time.monotonic() - last < EVERY:
                    continue
                last = time.monotonic()
            heard.put((name, item))
    except Exception as error:  # noqa: BLE001 - told where the others are listened to
        heard.put((name, error))


def _in_stretches(items: Iterator[Item | Result]) -> Iterator[Item | Result]:
    """What comes next, each time beside the others' work and never within their captures."""
    while True:
        with gate.among_others():
            item = next(items, None)
        if item is None:
            return
        yield item


def _own_stream(device: torch.device) -> AbstractContextManager[object]:
    if device.type != "cuda":
        return nullcontext()
    return torch.cuda.stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]


def job_of(
    run: Run,
    plan: Plan,
    pictures: Pictures,
    folder: Path,
    looks: int | None,
    source: str = "",
    *,
    test: bool = True,
) -> Job:
    """One run in its folder; goes on where it was, with the plan that it was begun with.

    So many looks on the way, at test pictures too unless `test` is False: they choose nothing.
    """

    def job(stop: Stop) -> Iterator[Item | Result]:
        network, kept = network_of(run, pictures.train), Folder(folder)
        how = (lambda: plan, looks, stop, source)
        yield from work_in(kept, run, pictures, network, *how, device=plan.device, test=test)

    return job

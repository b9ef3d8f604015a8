"""Runs carried out by several processes at once, each with its own threads, as one stream."""

import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO, Literal

import msgspec
from msgspec import Struct

from ..errors import Failed, UserError
from ..runs.log import Line
from ..spec import Plan, Run

PATIENCE = 20  # seconds that a process gets to save its state when all must stop


class Task(Struct, frozen=True, kw_only=True):
    """One run and how to go about it."""

    run: Run
    source: str  # where its data are
    folder: str
    looks: int | None  # at test pictures on the way; None: as many as cost little
    threads: int = 1
    label: str = ""  # what displays call it
    start: str = ""  # the folder of the run that it is grown from
    plan: Literal["fixed", "chosen"] | Plan = "fixed"  # eager, what is fastest here, or this one

    @property
    def layers(self) -> int:
        """Of its network."""
        return self.run.arch.layers if self.run.arch else 1

    @property
    def device(self) -> str:
        """What it is to be computed on."""
        return self.plan.device if isinstance(self.plan, Plan) else "cpu"


class Step(Struct, frozen=True, tag_field="kind", tag="step"):
    """A step was done; not each one is told."""

    step: int
    rate: float
    seconds: float


class Said(Struct, frozen=True, tag_field="kind", tag="said"):
    """A sentence for the user."""

    text: str


class Done(Struct, frozen=True, tag_field="kind", tag="done"):
    """The run's result is in its folder."""


class Ended(Struct, frozen=True, tag_field="kind", tag="ended"):
    """The run cannot be carried out, and why."""

    why: str
    users_fault: bool
    held: bool = False  # by another living process, which carries it out


Message = Line | Step | Said | Done | Ended
DECODER = msgspec.json.Decoder(Message)


class Worker:
    """A process that carries out one task after the other."""

    def __init__(self, inbox: "Queue[tuple[Worker, Message | None]]", threads: int) -> None:
        self.task: Task | None = None
        self.errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as we
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deepres.studies.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )
        Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def _listen(self, inbox: "Queue[tuple[Worker, Message | None]]") -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            inbox.put((self, DECODER.decode(line)))
        inbox.put((self, None))

    def begin(self, task: Task | None) -> None:
        """Hands over the next task; without one the process ends."""
        assert self.process.stdin
        self.task = task
        if task is None:
            with suppress(BrokenPipeError):  # it is gone already
                self.process.stdin.close()
            return
        self.process.stdin.write(msgspec.json.encode(task) + b"\n")
        self.process.stdin.flush()

    def last_words(self) -> str:
        """What it wrote before it died."""
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        if lines:
            return lines[-1]
        status = self.process.wait()
        return signal.strsignal(-status) or f"signal {-status}" if status < 0 else f"exit {status}"


def carried_out(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, Message]]:
    """Every task to its end, `jobs` at a time; one that cannot be carried out ends them all."""
    with closing(attempted(tasks, jobs)) as stream:
        for task, message in stream:
            if isinstance(message, Ended):
                raise (UserError if message.users_fault else Failed)(message.why)
            yield task, message


def attempted(tasks: Sequence[Task], jobs: int) -> Generator[tuple[Task, Message], None, None]:
    """Every task to its end or to its failure, `jobs` at a time; what happens, as it happens.

    Whatever ends this generator ends the processes too; their states are saved.
    """
    inbox: Queue[tuple[Worker, Message | None]] = Queue()
    waiting = deque(tasks)
    threads = max((task.threads for task in tasks), default=1)
    workers = [Worker(inbox, threads) for _ in range(min(jobs, len(tasks)))]
    try:
        for worker in workers:
            worker.begin(waiting.popleft())
        left = len(tasks)
        while left:
            worker, message = inbox.get()
            task = worker.task
            if task is None:
                continue
            if message is None:
                worker.task = None
                message = Ended(f"A training process ended: {worker.last_words()}", False)
                if waiting:
                    worker = Worker(inbox, threads)
                    workers.append(worker)
            yield task, message
            if isinstance(message, Done | Ended):
                left -= 1
                worker.begin(waiting.popleft() if waiting else None)
    finally:
        _end(workers)


def _end(workers: Sequence[Worker]) -> None:
    """Ends the processes, as SIGTERM does: each saves its state."""
    for worker in workers:
        if worker.process.poll() is None and worker.task is not None:
            worker.process.terminate()
        worker.begin(None)  # one that waits for a task hears of the end by this alone
    for worker in workers:
        try:
            worker.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        for stream in (worker.process.stdin, worker.process.stdout, worker.errors):
            if stream is not None:
                stream.close()


def folder_of(run: Run, directory: Path) -> Path:
    """Where a study keeps a run."""
    return directory / f"{run.name}-{run.key}"

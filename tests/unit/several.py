"""Real processes on this machine that meet as ranks; they are started once and asked often."""

import multiprocessing
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
if os.name == "posix":  # torch is imported once, not by every rank
    CONTEXT.set_forkserver_preload(["deepres.together", "deepres.runs.looks"])
Waiting = tuple[BaseProcess, Connection]


class Several:
    """Processes that wait to be ranks of something."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []

    def __call__(
        self, count: int, work: Callable[..., Any], *given: Any, patience: float = 60.0
    ) -> list[Any]:
        """What `work(ranks, *given)` gives on each rank: None of one that was killed."""
        while len(self.waiting) < count:
            self.waiting.append(_started())
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        asked = self.waiting[:count]
        for rank, (_, pipe) in enumerate(asked):
            where = {"RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1"}
            pipe.send((where | {"MASTER_PORT": port}, patience, work, given))
        found = [_received(pipe) for _, pipe in asked]
        self.waiting = [one for one in self.waiting if one[0].is_alive()]
        return found

    def end(self) -> None:
        """Nobody will be asked again."""
        for _, pipe in self.waiting:
            pipe.send(None)
        for process, _ in self.waiting:
            process.join(30)
            assert process.exitcode == 0


@contextmanager
def several() -> Iterator[Several]:
    """For as long as this is entered."""
    made = Several()
    yield made
    made.end()


def _started() -> Waiting:
    mine, end = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(end,), daemon=True)
    process.start()
    end.close()
    return process, mine


def _received(pipe: Connection) -> Any:
    try:
        assert pipe.poll(120), "A rank says nothing."
        return pipe.recv()
    except (EOFError, ConnectionResetError):
        return None


def _serve(end: Connection) -> None:
    from datetime import timedelta

    from deepres.ranks import joined

    while (told := end.recv()) is not None:
        where, patience, work, given = told
        os.environ.update({name: str(value) for name, value in where.items()})
        with joined(patience=timedelta(seconds=patience)) as ranks:
            end.send(work(ranks, *given))

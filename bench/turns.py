"""Variants that take turns, each in a process of its own: one keeps freed memory, another not.

A process that waits for its turn sleeps. A variant is a top-level function that prepares and
returns the work of one turn.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from unittest import mock

Variant = Callable[[], Callable[[], None]]


def in_turns(
    variants: dict[str, Variant],
    rounds: int,
    environments: Mapping[str, Mapping[str, str]] = {},
) -> dict[str, list[float]]:
    """Seconds of each turn: A B A B ...; preparation and the first turn are not counted."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    for name, variant in variants.items():
        pipes[name], end = context.Pipe()
        process = context.Process(target=_serve, args=(variant, end))
        with mock.patch.dict(os.environ, environments.get(name, {})):
            process.start()
        end.close()
        processes.append(process)
        pipes[name].recv()  # one prepares at a time
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, pipe in pipes.items():
            pipe.send(True)
            times[name].append(pipe.recv())
    for pipe, process in zip(pipes.values(), processes, strict=True):
        pipe.send(False)
        process.join()
    return times


def _serve(variant: Variant, pipe: Connection) -> None:
    work = variant()
    work()
    pipe.send("ready")
    while pipe.recv():
        start = time.perf_counter()
        work()
        pipe.send(time.perf_counter() - start)

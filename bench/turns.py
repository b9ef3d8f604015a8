"""Variants that take turns, each in a process of its own: one keeps freed memory, another not.

A process that waits for its turn is stopped: threads that spin would take a core from the others.
A variant is a top-level function that prepares and returns the work of one turn.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
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
    processes: dict[str, BaseProcess] = {}
    for name, variant in variants.items():
        pipes[name], end = context.Pipe()
        process = context.Process(target=_serve, args=(variant, end))
        with mock.patch.dict(os.environ, environments.get(name, {})):
            process.start()
        end.close()
        processes[name] = process
        pipes[name].recv()  # one prepares at a time
        _signal(process, signal.SIGSTOP)
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, pipe in pipes.items():
            _signal(processes[name], signal.SIGCONT)
            pipe.send(True)
            times[name].append(pipe.recv())
            _signal(processes[name], signal.SIGSTOP)
    for name, process in processes.items():
        _signal(process, signal.SIGCONT)
        pipes[name].send(False)
        process.join()
    return times


def _signal(process: BaseProcess, number: signal.Signals) -> None:
    """To the process; what it started itself (a loader's workers) waits for it anyway."""
    assert process.pid is not None
    os.kill(process.pid, number)


def _serve(variant: Variant, pipe: Connection) -> None:
    work = variant()
    work()
    pipe.send("ready")
    while pipe.recv():
        start = time.perf_counter()
        work()
        pipe.send(time.perf_counter() - start)

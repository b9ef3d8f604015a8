"""What it costs that threads sleep while they wait: OMP_WAIT_POLICY=PASSIVE, which we set.

One training step of ResNet-20 at batch 128 on all cores, in turns: threads that spin, that do as
OpenMP likes, that sleep, that each have a core of their own. Then the same while one other process
computes: threads that spin take the core from the one they wait for.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from deepres.spec import Plan, Recipe
from timing import line, spread
from train_step import BATCH, STEPS, ours
from turns import in_turns

ROUNDS = 8
POLICIES = {"spinning": {"OMP_WAIT_POLICY": "ACTIVE"}, "as it comes": {}}
POLICIES["sleeping"] = {"OMP_WAIT_POLICY": "PASSIVE"}
POLICIES["pinned"] = {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"}


def step() -> Callable[[], None]:
    return ours(Recipe(), Plan(threads=torch.get_num_threads(), malloc="kept"))


def busy() -> None:
    while True:
        pass


@contextmanager
def others(count: int) -> Iterator[None]:
    processes = [multiprocessing.Process(target=busy, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()


def main() -> None:
    for count in (0, 1):
        with others(count):
            times = in_turns(dict.fromkeys(POLICIES, step), ROUNDS, POLICIES)
        line(
            "threads that wait, resnet20, batch 128",
            other_processes=count,
            images_per_second={n: spread([STEPS * BATCH / t for t in v]) for n, v in times.items()},
            to_as_it_comes={
                name: spread([a / b for a, b in zip(times["as it comes"], own, strict=True)])
                for name, own in times.items()
                if name != "as it comes"
            },
        )


if __name__ == "__main__":
    main()

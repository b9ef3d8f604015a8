"""What several ranks win and cost on one machine: seconds of a step, and of its exchange alone.

ResNet-20 at batch 128 as two replicas: one process with one thread, one with two, and two ranks
with a thread each (gloo), in turns. Beside it, the bytes of gradients that a step of each network
makes, which is what travels.
"""

import multiprocessing
import os
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

ROUNDS, BATCH, REPLICAS = 9, 128, 2
CONTEXT = multiprocessing.get_context("spawn")
GROUPS = {
    "one process, one thread": (1, 1),
    "one process, two threads": (1, 2),
    "two ranks, a thread each": (2, 1),
}


def main() -> None:
    from deepres.models.zoo import NAMES
    from deepres.together import gradient_bytes
    from timing import line, spread

    groups = {name: started(*how) for name, how in GROUPS.items()}
    times: dict[str, dict[str, list[float]]] = {
        what: {name: [] for name in GROUPS} for what in ("step", "exchange")
    }
    for turn in range(ROUNDS + 1):
        for name, pipes in groups.items():
            for what in times:
                seconds = asked(pipes, what)
                if turn:
                    times[what][name].append(seconds)
    for pipes in groups.values():
        for pipe in pipes:
            pipe.send(None)
    step = times["step"]
    two = step["two ranks, a thread each"]
    line(
        "ranks, resnet20, batch 128 as 2 x 64",
        seconds={name: spread(taken) for name, taken in step.items()},
        exchange_seconds=spread(times["exchange"]["two ranks, a thread each"]),
        two_ranks_against={
            name: spread([a / b for a, b in zip(step[name], two, strict=True)])
            for name in list(GROUPS)[:2]
        },
        gradient_bytes={name: gradient_bytes(name) for name in NAMES},
        load=os.getloadavg()[0],
    )


def started(count: int, threads: int) -> list[Connection]:
    """Processes that wait for a word, one for each rank."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pipes = []
    for rank in range(count):
        mine, end = CONTEXT.Pipe()
        where = {"RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1"}
        environment = {k: str(v) for k, v in (where | {"MASTER_PORT": port}).items()}
        environment |= {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
        CONTEXT.Process(target=served, args=(environment, threads, end), daemon=True).start()
        pipes.append(mine)
    for pipe in pipes:
        pipe.recv()
    return pipes


def asked(pipes: list[Connection], what: str) -> float:
    """Seconds until all of them are done."""
    start = time.perf_counter()
    for pipe in pipes:
        pipe.send(what)
    for pipe in pipes:
        pipe.recv()
    return time.perf_counter() - start


def served(environment: dict[str, str], threads: int, end: Connection) -> None:
    os.environ.update(environment)
    from deepres.ranks import joined

    with joined() as ranks:
        work = prepared(ranks, threads)
        end.send("ready")
        while (what := end.recv()) is not None:
            work[what]()
            end.send("done")


def prepared(ranks: Any, threads: int) -> dict[str, Callable[[], object]]:
    import torch

    import deepres
    from deepres.accel import prepared as accel
    from deepres.data.batches import Batch
    from deepres.spec import Plan, Recipe
    from deepres.train import begun

    recipe = Recipe(batch=BATCH, replicas=REPLICAS)
    network = deepres.create("resnet20").train()
    step = accel.prepared(network, recipe, Plan(threads=threads, malloc="kept"), ranks)
    state, own = begun(network, recipe), BATCH // ranks.count
    images = torch.randn(own, 3, 32, 32).to(memory_format=torch.channels_last)
    batch = Batch(images, torch.zeros(own, dtype=torch.long), REPLICAS // ranks.count)
    rows = torch.zeros(batch.replicas, sum(p.numel() for p in network.parameters()))
    return {"step": lambda: step(state, batch, 0.0), "exchange": lambda: ranks.summed(rows)}


if __name__ == "__main__":
    main()

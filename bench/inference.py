"""A trained network's answers: ours, chosen by itself, against every backend that is installed.

The usual way: the network as it is, eager, NCHW. All take turns on the same noise; a ratio is of
neighbouring turns, ours to the best backend's median, so 1 is what is aimed at and 0.95 the least.
`python bench/inference.py [resnet20 ...] [--compiled]`: compiling takes minutes.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

import torch

import deepres
from deepres.accel import malloc
from deepres.accel.engines import KINDS, Way, built
from deepres.accel.fastest import fastest, pictures_like
from timing import line, seconds, spread

Runs = dict[str, Callable[[], object]]
Times = dict[str, list[float]]
NETWORKS = ("resnet20", "resnet56", "resnet18", "resnet50")
PATIENCE = 60  # seconds for one question, of which the first rounds tell the pace


def main() -> None:
    malloc.keep()
    asked = [word for word in sys.argv[1:] if not word.startswith("-")]
    for name in asked or NETWORKS:
        network = deepres.create(name, seed=0).eval()
        for batch in (1, 64):
            compare(name, network, batch)


@torch.inference_mode()
def compare(name: str, network: torch.nn.Module, batch: int) -> None:
    x, threads = pictures_like(network, batch), torch.get_num_threads()
    usual = x.contiguous()
    compiling = "--compiled" in sys.argv
    pictures = float("inf") if compiling else batch
    ours = fastest(network, batch=batch, threads=threads, pictures=pictures)
    runs = {"ours": lambda: ours(x), "usual": lambda: network(usual)}
    for kind in KINDS:
        if KINDS[kind].available() and (kind != "compiled" or compiling):
            engine = built(network, Way(kind, "fp32", threads, batch))
            runs[kind] = lambda engine=engine: engine(x)
    pace = sum(seconds(run) for run in runs.values()) + sum(seconds(run) for run in runs.values())
    rounds = min(21, max(3, round(2 * PATIENCE / pace)))
    times, worked = in_turns(runs, rounds)
    judged = worked if threads == 1 else times  # threads that wait do no work
    others = {kind: taken for kind, taken in judged.items() if kind not in ("ours", "usual")}
    best = min(others, key=lambda kind: statistics.median(others[kind]))
    line(
        f"inference, {name}, batch {batch}, fp32",
        milliseconds={kind: spread([1e3 * t for t in taken]) for kind, taken in times.items()},
        chosen=ours.about,
        best=best,
        ratio_to_best=ratio(times[best], times["ours"]),
        ratio_to_usual=ratio(times["usual"], times["ours"]),
        processor_ratio_to_best=ratio(worked[best], worked["ours"]),
        processor_ratio_to_usual=ratio(worked["usual"], worked["ours"]),
        rounds=rounds,
        load=os.getloadavg()[0],
    )


def in_turns(runs: Runs, rounds: int) -> tuple[Times, Times]:
    """Seconds on the wall and of the processor, A B A B ...: only these hold on a busy machine."""
    times: Times = {name: [] for name in runs}
    worked: Times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.process_time()
            times[name].append(seconds(run))
            worked[name].append(time.process_time() - start)
    return times, worked


def ratio(theirs: list[float], ours: list[float]) -> dict[str, float]:
    return spread([a / b for a, b in zip(theirs, ours, strict=True)])


if __name__ == "__main__":
    main()

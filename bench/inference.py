"""A trained network's answers: ours, chosen by itself, against every backend that is installed.

The usual way: the network as it is, eager, NCHW. All take turns on the same noise, each round in an
order of its own; a turn lasts 20 ms or one run, and its last run counts, since the threads of the
way before may spin for a while. A ratio is of turns of one round, ours to the backend's of the best
median, so 1 is what is aimed at and 0.95 the least. What `auto` chooses it chooses anew.
`python bench/inference.py [resnet20 ...] [--compiled] [--int8] [--batch N]`: compiling takes
minutes, and so does quantising; --int8 asks about the file that `deepres export --int8` writes,
beside what fp32 chooses. Batches of 1 and 64 without --batch.
"""

import os
import random
import statistics
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import torch

import deepres
from deepres.accel import malloc
from deepres.accel.engines import KINDS, OF_FILES, Way, built
from deepres.accel.fastest import fastest
from deepres.accel.subject import pictures_like
from deepres.card import Card, Preprocessing
from deepres.data.synthetic import images as synthetic
from timing import line, seconds, spread

Run = Callable[[], object]
Runs = dict[str, Run]
Times = dict[str, list[float]]
NETWORKS = ("resnet20", "resnet56", "resnet18", "resnet50")
PATIENCE = 60  # seconds for one question, of which the first rounds tell the pace
SETTLED = 0.02  # seconds of a turn until only its own threads are at work
CALIBRATED = 32  # pictures; how fast it is does not depend on the ranges


def main() -> None:
    asked = arguments()
    malloc.keep()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DEEPRES_CACHE"] = folder
        for name in asked.network or NETWORKS:
            network = deepres.create(name, seed=0).eval()
            for batch in asked.batch or (1, 64):
                fp32(name, network, batch, asked.compiled)
            if asked.int8:
                int8(name, network, asked.batch or (1, 64), Path(folder))


def arguments():
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="*")
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--batch", type=int, action="append")
    return parser.parse_args()


@torch.inference_mode()
def fp32(name: str, network: torch.nn.Module, batch: int, compiling: bool) -> None:
    """What `auto` chooses, each backend of that precision, and the usual way."""
    x, threads = pictures_like(network, batch), torch.get_num_threads()
    usual = x.contiguous()
    pictures = float("inf") if compiling else batch
    ours = fastest(network, batch=batch, threads=threads, pictures=pictures)
    others: Runs = {}
    for kind in KINDS:
        if KINDS[kind].available() and (kind != "compiled" or compiling):
            engine = built(network, Way(kind, "fp32", threads, batch))
            others[kind] = lambda engine=engine: engine(x)
    told = {"ours": lambda: ours(x), "usual": lambda: network(usual)}
    compare(f"inference, {name}, batch {batch}, fp32", told, others, ours.about)


@torch.inference_mode()
def int8(name: str, network: torch.nn.Module, batches: tuple[int, ...], folder: Path) -> None:
    """What `auto` chooses for the exported file, each backend of it, fp32 and the usual way."""
    from deepres.export.int8 import exported
    from deepres.export.read import load

    size, threads = network.arch.input_size, torch.get_num_threads()
    how = Preprocessing(size=size, resize=size, mean=(0.5,) * 3, std=(0.25,) * 3)
    network.card = Card(network=name, arch=network.arch, preprocessing=how)
    file = folder / f"{name}.onnx"
    file.write_bytes(exported(network, "normalised", synthetic("train", CALIBRATED, size)))
    loaded = load(file)
    for batch in batches:
        x = pictures_like(network, batch)
        usual = x.contiguous()
        ours = fastest(loaded, batch=batch, threads=threads, pictures=batch)
        quick = fastest(network, batch=batch, threads=threads, pictures=batch)
        others: Runs = {}
        for kind in OF_FILES:
            if OF_FILES[kind].available():
                engine = built(loaded, Way(kind, "int8", threads, batch))
                others[kind] = lambda engine=engine, x=x: engine(x)
        told = {
            "ours": lambda ours=ours, x=x: ours(x),
            "usual": lambda usual=usual: network(usual),
            f"fp32: {quick.about}": lambda quick=quick, x=x: quick(x),
        }
        compare(f"inference, {name}, batch {batch}, int8", told, others, ours.about)


def compare(question: str, told: Runs, others: Runs, about: str) -> None:
    """`told` has ours and the usual way; the best of `others` is what ours is held against."""
    runs = told | others
    pace = sum(seconds(run) for run in runs.values()) + sum(seconds(run) for run in runs.values())
    rounds = min(21, max(3, round(2 * PATIENCE / pace)))
    times, worked = in_turns(runs, rounds)
    judged = worked if torch.get_num_threads() == 1 else times  # threads that wait do no work
    best = min(others, key=lambda kind: statistics.median(judged[kind]))
    beside = {kind: ratio(times[kind], times["ours"]) for kind in told if kind.startswith("fp32")}
    line(
        question,
        milliseconds={kind: spread([1e3 * t for t in taken]) for kind, taken in times.items()},
        chosen=about,
        best=best,
        ratio_to_best=ratio(times[best], times["ours"]),
        ratio_to_usual=ratio(times["usual"], times["ours"]),
        processor_ratio_to_best=ratio(worked[best], worked["ours"]),
        processor_ratio_to_usual=ratio(worked["usual"], worked["ours"]),
        rounds=rounds,
        load=os.getloadavg()[0],
        **({"ratio_to_fp32": next(iter(beside.values()))} if beside else {}),
    )


def in_turns(runs: Runs, rounds: int) -> tuple[Times, Times]:
    """Seconds on the wall and of the processor: on a busy machine only ratios of these hold."""
    times: Times = {name: [] for name in runs}
    worked: Times = {name: [] for name in runs}
    drawn = random.Random(0)
    for _ in range(rounds):
        for name in drawn.sample(list(runs), len(runs)):
            took, work = turn(runs[name])
            times[name].append(took)
            worked[name].append(work)
    return times, worked


def turn(run: Run) -> tuple[float, float]:
    """Of its last run."""
    began = time.perf_counter()
    while True:
        start = time.process_time()
        took = seconds(run)
        work = time.process_time() - start
        if time.perf_counter() - began >= SETTLED:
            return took, work


def ratio(theirs: list[float], ours: list[float]) -> dict[str, float]:
    return spread([a / b for a, b in zip(theirs, ours, strict=True)])


if __name__ == "__main__":
    main()

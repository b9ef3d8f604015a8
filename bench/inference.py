"""A trained network's answers: ours, chosen by itself, against every backend that is installed.

The usual way: the network as it is, eager, NCHW. All take turns on the same noise; a ratio is of
neighbouring turns, ours to the best backend's median, so 1 is what is aimed at and 0.95 the least.
`python bench/inference.py [resnet20 ...] [--compiled]`: compiling takes minutes.
"""

import os
import statistics
import sys

import torch

import deepres
from deepres.accel import malloc
from deepres.accel.engines import KINDS, Way, built
from deepres.accel.fastest import fastest, pictures_like
from timing import interleaved, line, spread

NETWORKS = ("resnet20", "resnet56", "resnet18", "resnet50")
PATIENCE = 90  # seconds for one question, of which the first round tells the pace


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
    ours = fastest(network, batch=batch, threads=threads)
    runs = {"ours": lambda: ours(x), "usual": lambda: network(usual)}
    for kind in KINDS:
        if KINDS[kind].available() and (kind != "compiled" or "--compiled" in sys.argv):
            engine = built(network, Way(kind, "fp32", threads, batch))
            runs[kind] = lambda engine=engine: engine(x)
    first = interleaved(runs, rounds=1)
    pace = sum(first[name][0] for name in runs)
    times = interleaved(runs, rounds=min(15, max(2, round(PATIENCE / pace) - 2)))
    others = {kind: taken for kind, taken in times.items() if kind not in ("ours", "usual")}
    best = min(others, key=lambda kind: statistics.median(others[kind]))
    line(
        f"inference, {name}, batch {batch}, fp32",
        milliseconds={kind: spread([1e3 * t for t in taken]) for kind, taken in times.items()},
        chosen=ours.about,
        best=best,
        ratio_to_best=ratio(times[best], times["ours"]),
        ratio_to_usual=ratio(times["usual"], times["ours"]),
        load=os.getloadavg()[0],
    )


def ratio(theirs: list[float], ours: list[float]) -> dict[str, float]:
    return spread([a / b for a, b in zip(theirs, ours, strict=True)])


if __name__ == "__main__":
    main()

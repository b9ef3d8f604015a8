"""How a step's time and memory grow with depth, batch, classes and picture size.

Linear in depth and batch, and in pixels, is expected: a slope of 1 where both axes are logarithms,
2 for the edge, less where something constant is spread over more. Each line says where it is
steeper, which is a fault to be found. Each point is the least processor time of several steps, and
the peak of memory of a process of its own. Without `--full` the points are few and small.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time

import numpy as np

from timing import line

FULL = {
    "depth": [20, 56, 110, 218, 434, 1202],
    "batch": [32, 64, 128, 256, 512, 1024],
    "classes": [10, 100, 1000],
    "edge": [16, 32, 64, 128],
}
QUICK = {
    "depth": [8, 20, 56, 110],
    "batch": [8, 16, 32, 64],
    "classes": [10, 1000],
    "edge": [8, 16, 32],
}
USUAL = {"depth": 20, "batch": 128, "classes": 10, "edge": 32}
USUAL_QUICK = {"depth": 20, "batch": 16, "classes": 10, "edge": 16}
DEEP = {"batch": 16}  # beside depths: all activations of 1202 layers are kept
EXPECTED = {"depth": 1, "batch": 1, "classes": 1, "edge": 2}
SLACK = 0.1  # of a slope, which a shared machine tells by chance
STEPS = 3


def measured(point: dict[str, int]) -> dict[str, float]:
    """Seconds of the processor for a step, and the peak of memory beside an untouched process's."""
    words = [sys.executable, __file__, "--point", json.dumps(point)]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return json.loads(told.splitlines()[-1])


def one(point: dict[str, int]) -> dict[str, float]:
    """In this process: two replicas in turn, activations and freed memory kept, one thread."""
    import torch

    from deepres.accel import malloc
    from deepres.data.batches import Batch
    from deepres.models.initialise import created
    from deepres.models.zoo import arch
    from deepres.spec import Recipe
    from deepres.train import begun, eager

    torch.set_num_threads(1)
    malloc.keep()  # as `deepres train` does
    depth, batch, classes, edge = (point[name] for name in USUAL)
    network = created(arch(f"resnet{depth}", classes)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = begun(network.train(), Recipe(batch=batch))
    images = torch.randn(batch, 3, edge, edge).to(memory_format=torch.channels_last)
    given = Batch(images, torch.zeros(batch, dtype=torch.long), 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(STEPS):
        start = time.process_time()
        eager(state, given, 0.0)
        times.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": min(times), "bytes": 1024 * (peak - before)}


def slope(xs: list[int], ys: list[float]) -> float:
    """Of the line through the logarithms: y grows as x to this power."""
    return float(np.polyfit([math.log(x) for x in xs], [math.log(max(y, 1e-9)) for y in ys], 1)[0])


def steeper(axis: str, xs: list[int], ys: list[float]) -> list[str]:
    """Between which neighbours y grows by a larger power of x than is expected."""
    pairs = zip(xs, xs[1:], ys, ys[1:], strict=False)
    most = EXPECTED[axis] + SLACK
    return [f"{a} to {b}" for a, b, one, two in pairs if slope([a, b], [one, two]) > most]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="up to 1202 layers and batch 1024")
    parser.add_argument("--point")
    given = parser.parse_args()
    if given.point:
        print(json.dumps(one(json.loads(given.point))))
        return
    axes, start = (FULL, USUAL) if given.full else (QUICK, USUAL_QUICK)
    for axis, values in axes.items():
        usual = start | (DEEP if axis == "depth" else {})
        found = [measured(usual | {axis: value}) for value in values]
        seconds = [round(one["seconds"], 4) for one in found]
        sizes = [round(one["bytes"] / 1e6, 1) for one in found]
        line(
            f"scaling, {axis}",
            values=values,
            at=usual,
            seconds=seconds,
            megabytes=sizes,
            slope_of_seconds=round(slope(values, seconds), 2),
            slope_of_memory=round(slope(values, sizes), 2),
            expected=EXPECTED[axis],
            seconds_steeper=steeper(axis, values, seconds),
            memory_steeper=steeper(axis, values, sizes),
        )


if __name__ == "__main__":
    main()

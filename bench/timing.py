"""What every bench prints: one JSON line with medians, spread and the machine."""

import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def interleaved(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each, A B A B ..., after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            took = seconds(run)
            if turn:
                times[name].append(took)
    return times


def command(*words: str) -> Callable[[], object]:
    """A whole process, output thrown away."""
    return lambda: subprocess.run(words, check=True, capture_output=True)


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def line(question: str, **figures: object) -> None:
    machine = {"processor": platform.processor() or platform.machine(), "threads": threads()}
    print(json.dumps({"bench": question, **figures, "machine": machine}), flush=True)


def threads() -> int:
    import torch

    return torch.get_num_threads()

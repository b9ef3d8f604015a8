"""Whether a processor gains from half precision: timed, since flags and names promise too much."""

import statistics
import time

import torch
from torch.nn import functional as F

ROUNDS = 3


@torch.inference_mode()
def bf16_gain() -> float:
    """How many times as fast a 3x3 convolution is in bfloat16: below 1 without units for it."""
    given = {
        kind: (
            torch.zeros(8, 64, 16, 16, dtype=kind).to(memory_format=torch.channels_last),
            torch.zeros(64, 64, 3, 3, dtype=kind).to(memory_format=torch.channels_last),
        )
        for kind in (torch.float32, torch.bfloat16)
    }
    times: dict[torch.dtype, list[float]] = {kind: [] for kind in given}
    for _ in range(ROUNDS):
        for kind, (images, weights) in given.items():
            start = time.perf_counter()
            F.conv2d(images, weights, padding=1)
            times[kind].append(time.perf_counter() - start)
    return statistics.median(times[torch.float32]) / statistics.median(times[torch.bfloat16])

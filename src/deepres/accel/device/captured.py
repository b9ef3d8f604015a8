"""Work on fixed tensors as one launch: a CUDA graph there, the work itself on the processor."""

import threading
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM = 3  # times that work runs before it is captured: libraries choose and allocate
_one_at_a_time = threading.Lock()  # memory that one thread frees would break another's capture


def captured(
    work: Callable[[], None], device: torch.device, changes: Sequence[Tensor]
) -> Callable[[], None]:
    """`work`, to be called as often as wanted; `changes` are all tensors outlasting it it writes.

    A graph launches what it was captured with, on the same memory: whatever is to differ between
    two calls must lie in a tensor. Warming up leaves no trace in `changes`.
    """
    if device.type != "cuda":
        return work
    with _one_at_a_time, torch.cuda.device(device):
        return _graph(work, changes)


def _graph(work: Callable[[], None], changes: Sequence[Tensor]) -> Callable[[], None]:
    here, aside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    kept = [tensor.clone() for tensor in changes]
    aside.wait_stream(here)
    with torch.cuda.stream(aside):
        for _ in range(WARM):
            work()
    here.wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):
        work()
    with torch.no_grad():
        for tensor, before in zip(changes, kept, strict=True):
            tensor.copy_(before)
    return graph.replay

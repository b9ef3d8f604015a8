"""Work on fixed tensors as one launch: a CUDA graph there, the work itself on the processor."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

WARM = 3  # times that work runs before it is captured: libraries choose and allocate


class Gate:
    """Many threads may use a device at once; one that captures a graph has it for itself.

    What another thread frees, measures or allocates meanwhile may break a capture, and a capture
    that broke leaves torch's memory unusable for the rest of the process.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working: set[int] = set()  # threads
        self._waiting = 0  # to be alone, or alone: nobody else begins meanwhile
        self._taken = False

    @contextmanager
    def among_others(self) -> Iterator[None]:
        """For a stretch of work that may or may not capture something."""
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting)
            self._working.add(me)
        try:
            yield
        finally:
            self._left(me)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Once the others have come to the end of their stretch."""
        me = threading.get_ident()
        with self._changed:
            among = me in self._working
            self._working.discard(me)
            self._waiting += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not (self._working or self._taken))
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._waiting -= 1
                self._working |= {me} if among else set()
                self._changed.notify_all()

    def _left(self, me: int) -> None:
        with self._changed:
            self._working.discard(me)
            self._changed.notify_all()


gate = Gate()


def captured(
    work: Callable[[], None], device: torch.device, changes: Sequence[Tensor]
) -> Callable[[], None]:
    """`work`, to be called as often as wanted; `changes` are all tensors outlasting it it writes.

    A graph launches what it was captured with, on the same memory: whatever is to differ between
    two calls must lie in a tensor. Warming up leaves no trace in `changes`.
    """
    if device.type != "cuda":
        return work
    with gate.alone(), torch.cuda.device(device):
        return _graph(work, changes)


def _graph(work: Callable[[], None], changes: Sequence[Tensor]) -> Callable[[], None]:
    """Captured on the thread's own stream, if it has one.

    torch deals streams from 32 in turn: another one might be what a thread beside us works on,
    and memory that libraries keep for each stream would be shared by graphs that run at once.
    """
    here = torch.cuda.current_stream()
    own = here != torch.cuda.default_stream()
    aside = here if own else torch.cuda.Stream()  # type: ignore[no-untyped-call]
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

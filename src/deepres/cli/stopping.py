"""Ctrl-C and SIGTERM while something is trained: heard between two steps, so that a state is saved.

A second signal is not waited for: the last state that was saved is whole anyway. But torchrun hands
Ctrl-C on to processes that have heard it already: what comes at once is the same signal.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from . import Terminated

ENDS: dict[int, type[BaseException]] = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Terminated,
}


AT_ONCE = 1.0  # seconds


@contextmanager
def heard() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether to stop; on leaving, the command ends as it was told."""
    told: list[tuple[int, float]] = []

    def hear(number: int, frame: FrameType | None) -> None:
        if not told:
            told.append((number, time.monotonic()))
        elif time.monotonic() - told[0][1] > AT_ONCE:
            raise ENDS[number]

    before = {number: signal.signal(number, hear) for number in ENDS}
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if told:
        raise ENDS[told[0][0]]

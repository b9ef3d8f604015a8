"""Many small encoded pictures to one array of pixels, by as many processes as pay.

Measured on 2 cores that other work shared: 50,000 lossless WebP pictures of 32 x 32 took one
process 5.3 to 5.9 s and two of them 3.9 to 4.6; 10,000 took one thread 0.9 s and two threads 1.2
(the interpreter's lock changes hands several times a picture). bench/cifar_read.py measures again.
The processes are plain ones and not `multiprocessing`'s: spawned, those import the user's
script again; forked, they inherit the locks of torch's threads.
"""

import struct
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from subprocess import PIPE, Popen
from threading import Thread
from typing import IO

import numpy as np

from ...cores import usable
from . import decode_worker
from .decode_worker import BAD, BYTES, EDGE, picture

WORTH_A_PROCESS = 2_000  # pictures; fewer are decoded sooner than a process has started
PROCESSES_AT_MOST = 8


class BadPicture(ValueError):
    """One picture cannot be decoded; `index` says which."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index


def decoded(pictures: Sequence[bytes], processes: int | None = None) -> np.ndarray:
    """The pixels of PNG or WebP pictures: N x 32 x 32 x 3 uint8, the same by any number."""
    if processes is None:
        processes = min(usable(), PROCESSES_AT_MOST, len(pictures) // WORTH_A_PROCESS)
    pixels = np.empty((len(pictures), EDGE, EDGE, 3), np.uint8)
    flat = pixels.reshape(len(pictures), BYTES)
    if processes < 2:
        for index, encoded in enumerate(pictures):
            flat[index] = np.frombuffer(_picture(encoded, index), np.uint8)
        return pixels
    bounds = [len(pictures) * n // processes for n in range(processes + 1)]
    with ThreadPoolExecutor(processes) as waiting:
        tasks = [
            waiting.submit(_elsewhere, pictures, start, flat[start:end])
            for start, end in pairwise(bounds)
        ]
        for task in tasks:
            task.result()
    return pixels


def _picture(encoded: bytes, index: int) -> bytes:
    try:
        return picture(encoded)
    except BAD as error:
        raise BadPicture(index, str(error) or type(error).__name__) from None


def _elsewhere(pictures: Sequence[bytes], start: int, into: np.ndarray) -> None:
    """Another process decodes the pictures from `start` on, as many as there are rows in `into`."""
    mine = pictures[start : start + len(into)]
    command = [sys.executable, "-P", decode_worker.__file__]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as worker:
        assert worker.stdin and worker.stdout and worker.stderr
        Thread(target=_feed, args=(worker.stdin, mine), daemon=True).start()
        room, filled = into.data.cast("B"), 0
        while filled < len(room) and (count := worker.stdout.readinto(room[filled:])):  # type: ignore[attr-defined]
            filled += count
        said = worker.stderr.read().decode(errors="replace").strip()
    if filled < len(room):
        good = filled // BYTES
        _picture(mine[good], start + good)  # raises if the picture is to blame
        raise RuntimeError(f"A decoding process ended with {worker.returncode}: {said[-500:]}")


def _feed(sink: IO[bytes], pictures: Sequence[bytes]) -> None:
    """Written beside the reading, since a pipe holds little; a worker may stop before the end."""
    with suppress(BrokenPipeError), sink:
        for encoded in pictures:
            sink.write(struct.pack("<I", len(encoded)) + encoded)

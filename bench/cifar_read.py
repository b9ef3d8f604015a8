"""How long CIFAR-10 takes to read: cold (decoded, verified, cached) and from the cache.

    DEEPRES_DATA=/data python bench/cifar_read.py

Cold is an empty cache folder, not an empty page cache. `pictures` is decoding alone, the 10,000
test images by one process, by as many as the reader chooses, and by two threads.
"""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from deepres.data.cifar.decode import decoded
from deepres.data.cifar.decode_worker import picture
from deepres.data.cifar.files import contents
from deepres.data.source import found, images, parse
from timing import interleaved, line, spread

ROUNDS = 5


def cold(split: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cached(folder, split)


def cached(folder: str, split: str) -> None:
    os.environ["DEEPRES_CACHE"] = folder
    images("cifar10", split)


def encoded_test_pictures() -> list[bytes]:
    import pyarrow
    import pyarrow.parquet as parquet

    ((_, raw),) = contents(found(parse("cifar10")), "test")
    rows = parquet.read_table(pyarrow.BufferReader(raw), columns=["img"])["img"].to_pylist()
    return [row["bytes"] for row in rows]


def by_threads(pictures: list[bytes], threads: int) -> np.ndarray:
    parts = [pictures[n : n + 500] for n in range(0, len(pictures), 500)]
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(lambda part: b"".join(map(picture, part)), parts)
        return np.frombuffer(b"".join(done), np.uint8)


def main() -> None:
    if "DEEPRES_DATA" not in os.environ:
        sys.exit("DEEPRES_DATA names no folder with cifar10.")
    with tempfile.TemporaryDirectory() as folder:
        runs = {f"{split} cold": partial(cold, split) for split in ("train", "test")}
        runs |= {f"{split} cached": partial(cached, folder, split) for split in ("train", "test")}
        times = interleaved(runs, ROUNDS)
    layout = found(parse("cifar10")).layout
    line("cifar_read", layout=layout, seconds={name: spread(t) for name, t in times.items()})
    if layout == "parquet":
        pictures = encoded_test_pictures()
        times = interleaved(
            {
                "one process": lambda: decoded(pictures, 1),
                "processes": lambda: decoded(pictures),
                "two threads": lambda: by_threads(pictures, 2),
            },
            ROUNDS,
        )
        line("cifar_decode", pictures=10_000, seconds={n: spread(t) for n, t in times.items()})


if __name__ == "__main__":
    main()

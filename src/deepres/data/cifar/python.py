"""The official python layout: a pickle a batch, pixels plane by plane."""

import numpy as np

from .facts import EDGE, PIXELS, Damaged, Facts
from .pickled import Array, values


def size_limit(images: int) -> int:
    """Bytes that a batch never has: its names and labels take a few dozen a picture."""
    return images * (PIXELS + 200) + 100_000


def decode(facts: Facts, split: str, raw: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Pixels N x 32 x 32 x 3 and labels of one batch."""
    batch, images = values(raw), facts.batch_images(split)
    data, labels = _entry(batch, "data"), _entry(batch, facts.labels)
    if not (
        isinstance(data, Array)
        and data.shape == (images, PIXELS)
        and data.dtype in ("u1", "|u1", "uint8")
        and len(data.data) == images * PIXELS
    ):
        raise Damaged(f"holds no array `data` of {images:,} x {PIXELS:,} bytes")
    if not (isinstance(labels, list) and len(labels) == images):
        raise Damaged(f"holds no list `{facts.labels}` of {images:,} labels")
    if wrong := [n for n in labels if type(n) is not int or not 0 <= n < len(facts.classes)]:
        raise Damaged(f"holds a label {wrong[0]!r:.20}, not 0 to {len(facts.classes) - 1}")
    flat = np.frombuffer(data.data, np.uint8)
    rows = flat.reshape(PIXELS, images).T if data.fortran else flat.reshape(images, PIXELS)
    return by_pixel(rows), np.array(labels, dtype=np.int64)


def by_pixel(planes: np.ndarray) -> np.ndarray:
    """Rows of a red, a green and a blue plane to N x 32 x 32 x 3."""
    return planes.reshape(len(planes), 3, EDGE, EDGE).transpose(0, 2, 3, 1)


def _entry(batch: object, key: str) -> object:
    if not isinstance(batch, dict):
        raise Damaged("holds no dict of a batch")
    return batch.get(key.encode(), batch.get(key))

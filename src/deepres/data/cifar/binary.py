"""The official binary layout: records of a label (or a coarse and a fine one) and three planes."""

import numpy as np

from .facts import PIXELS, Damaged, Facts
from .python import by_pixel


def size(facts: Facts, split: str) -> int:
    """Bytes of one file, exactly."""
    return facts.batch_images(split) * (facts.label_bytes + PIXELS)


def decode(facts: Facts, split: str, raw: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Pixels N x 32 x 32 x 3 and labels of one file; CIFAR-100's fine label is the second."""
    if len(raw) != size(facts, split):
        raise Damaged(f"has {len(raw):,} bytes, not {size(facts, split):,}")
    records = np.frombuffer(raw, np.uint8).reshape(-1, facts.label_bytes + PIXELS)
    labels = records[:, facts.label_bytes - 1].astype(np.int64)
    if labels.max(initial=0) >= len(facts.classes):
        record = int((labels >= len(facts.classes)).argmax())
        raise Damaged(
            f"holds the label {labels[record]} in record {record:,}, not 0 to"
            f" {len(facts.classes) - 1}"
        )
    return by_pixel(records[:, facts.label_bytes :]), labels

"""The 1,797 handwritten digits of 8 x 8 that come with the package.

They are the test set of the Optical Recognition of Handwritten Digits by E. Alpaydin and
C. Kaynak (UCI Machine Learning Repository, 1998, doi:10.24432/C50P49), which scikit-learn ships,
under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Changed here: grey values of 0 to
16 become 0 to 255, the nearest whole number to 255/16 of each, in three equal channels; 1,297 are
drawn to train and 500 to test. DIGITS-NOTICE.md beside this file says the same.
"""

from pathlib import Path

import numpy as np

from ..randomness import stream
from .images import Images, canonical

CLASSES = tuple(str(digit) for digit in range(10))
DIGESTS = {
    "train": "7c002f4fd1d93c667327117c895141e992abd00348e6f51c60e777b598bd6f9a",
    "test": "793557cab2a6fe281e9b15de2c276948097fb06e0d94d8a46e85b4a6714f63d4",
}
TRAIN = 1_297  # the first of a permutation that is always the same; the other 500 are the test


def images(split: str) -> Images:
    """The images of "train" or "test"."""
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as stored:
        grey, labels = stored["pixels"], stored["labels"].astype(np.int64)
    order = stream(0, "digits").permutation(len(labels))
    mine = order[:TRAIN] if split == "train" else order[TRAIN:]
    scaled = ((grey[mine].astype(np.uint16) * 255 + 8) // 16).astype(np.uint8)
    pixels = np.repeat(scaled[..., None], 3, axis=3)
    return canonical(f"digits {split}", pixels, labels[mine], CLASSES)

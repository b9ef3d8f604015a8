"""A folder of pictures whose classes are told by their colour, for tests of whole commands."""

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"ant": (200, 60, 60), "bee": (60, 200, 60), "cat": (60, 60, 200)}


def coloured(here: Path, classes=COLOURS, train=10, val=4) -> Path:
    """So many pictures of any shape in each class of `train` and `val`."""
    draw = np.random.default_rng(0)
    for part, count in (("train", train), ("val", val)):
        for label in classes:
            (here / part / label).mkdir(parents=True)
            for n in range(count):
                width, height = draw.integers(24, 60, 2)
                noise = draw.integers(-40, 40, (height, width, 3))
                pixels = np.clip(np.array(COLOURS[label]) + noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(here / part / label / f"{n}.{('jpg', 'png')[n % 2]}")
    return here

"""Pictures made from a seed: ten classes that a small network learns, of any size and number.

A class is one of five textures in one of two pairs of colours, so that neither colour nor texture
alone tells it; a mirror image keeps its class. Position, brightness and noise are drawn for each
picture. All arithmetic is of integers: the same seed gives the same bytes on any machine.
"""

import numpy as np

from ..randomness import stream
from .images import Images, canonical

NUMBER = {"train": 5_000, "test": 1_000}
TEXTURES = ("rows", "columns", "diagonals", "checks", "diamonds")
COLOURS = {"warm": ((190, 120, 60), (70, 60, 110)), "cold": ((60, 120, 190), (110, 60, 70))}
CLASSES = tuple(f"{colour} {texture}" for texture in TEXTURES for colour in COLOURS)
PERIOD = 16  # in steps of half a pixel
NOISE = 40  # at most, to either side


def images(split: str, number: int | None = None, size: int = 32, seed: int = 0) -> Images:
    """`number` pictures of `size` x `size`, the classes in equal shares."""
    count = NUMBER[split] if number is None else number
    draw = stream(seed, f"synthetic {split}")
    labels = np.arange(count) % len(CLASSES)
    phases = draw.integers(0, PERIOD, (2, count, 1, 1), dtype=np.int16)
    falling = draw.integers(0, 2, (count, 1, 1), dtype=np.int16)
    light = draw.integers(-30, 31, (count, 1, 1, 1), dtype=np.int16)
    noise = draw.integers(-NOISE, NOISE + 1, (count, size, size, 3), dtype=np.int16)
    wave = _textures(labels // len(COLOURS), phases, falling, size)[..., None]
    ends = np.array(list(COLOURS.values()), dtype=np.int16)[labels % len(COLOURS)]
    high, low = ends[:, 0, None, None], ends[:, 1, None, None]
    pixels = low + (high - low) * wave // (PERIOD // 2) + light + noise
    return canonical(
        f"synthetic {split} of {count} {size} x {size} by seed {seed}",
        pixels.clip(0, 255).astype(np.uint8),
        labels,
        CLASSES,
    )


def _textures(
    texture: np.ndarray, phases: np.ndarray, falling: np.ndarray, size: int
) -> np.ndarray:
    """N x size x size of 0 to PERIOD / 2: a wave, or two crossed."""
    y, x = np.mgrid[:size, :size].astype(np.int16)
    made = np.empty((len(texture), size, size), np.int16)
    for number, name in enumerate(TEXTURES):
        mine = texture == number
        first, second = phases[:, mine]
        if name == "rows":
            made[mine] = _wave(2 * y + first)
        elif name == "columns":
            made[mine] = _wave(2 * x + first)
        elif name == "diagonals":
            made[mine] = _wave(x + (1 - 2 * falling[mine]) * y + first)
        elif name == "checks":
            made[mine] = _wave(2 * x + first) * _wave(2 * y + second) // (PERIOD // 2)
        else:
            made[mine] = _wave(x + y + first) * _wave(x - y + second) // (PERIOD // 2)
    return made


def _wave(steps: np.ndarray) -> np.ndarray:
    """A triangular wave from 0 to PERIOD / 2."""
    return np.abs(steps % PERIOD - PERIOD // 2)

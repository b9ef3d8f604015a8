"""Pictures to training crops (Sec. 3.4): ours against Pillow's resize-then-crop, one process.

The usual way: Pillow decodes, resizes the whole picture to the drawn shorter side, cuts 224 x 224.
Ours: simplejpeg decodes at a reduced scale where that loses nothing, only the crop's part is
resized. Both draw the same scales and places. Pixels are compared with Pillow's own antialiased
resizing of the same square, from the picture decoded at full scale; places with the usual way's by
the largest distance between their distributions. Small pictures are Imagenette's (shorter side
224; made by a seed without DEEPRES_DATA), large ones are the same, enlarged five times, which are
smooth; sharp ones are laid together from six by six of them, as full of detail as the small ones.
`python bench/loader.py [small|large|sharp]`: all of them, or one.
"""

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from deepres.data.gallery.crops import box, cropped, cropped_by_pillow, draws
from deepres.data.gallery.decode import reference
from deepres.spec import Recipe
from timing import line, spread

COUNT, ROUNDS, LARGER, TILES, TILE = 120, 5, 5, 6, 224
RECIPE = Recipe(batch=COUNT, replicas=1)
DRAWN = draws(RECIPE, seed=0, step=0)


def small() -> list[bytes]:
    """Imagenette's files, or smooth pictures of its shape."""
    if "DEEPRES_DATA" in os.environ:
        files = sorted((Path(os.environ["DEEPRES_DATA"]) / "imagenette").glob("train/*/*.JPEG"))
        return [file.read_bytes() for file in files[:: len(files) // COUNT][:COUNT]]
    draw = np.random.default_rng(0)
    noise = draw.integers(0, 256, (COUNT, 28, 37, 3), dtype=np.uint8)
    return [encoded(Image.fromarray(picture), (298, 224)) for picture in noise]


def large(pictures: list[bytes]) -> list[bytes]:
    """The same pictures with a shorter side of over a thousand pixels."""
    opened = [Image.open(io.BytesIO(content)).convert("RGB") for content in pictures]
    return [encoded(image, (image.width * LARGER, image.height * LARGER)) for image in opened]


def sharp(pictures: list[bytes]) -> list[bytes]:
    """Mosaics, whose detail is that of pictures at their own scale."""
    opened = [Image.open(io.BytesIO(content)).convert("RGB") for content in pictures]
    squares = [np.asarray(ImageOps.fit(image, (TILE, TILE))) for image in opened]
    order = np.random.default_rng(0)
    made = []
    for _ in range(COUNT):
        rows = order.integers(len(squares), size=(TILES, TILES))
        whole = np.concatenate([np.concatenate([squares[n] for n in row], 1) for row in rows])
        made.append(encoded(Image.fromarray(whole), (TILES * TILE, TILES * TILE)))
    return made


def encoded(image: Image.Image, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def usual(content: bytes, index: int) -> np.ndarray:
    """What transforms compose: open, resize all, crop."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    shorter, edge = int(DRAWN.shorter[index]), min(image.size)
    width, height = (side * shorter // edge for side in image.size)
    left = int(DRAWN.right[index] * (width - 223))
    top = int(DRAWN.down[index] * (height - 223))
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + 224, top + 224)))


def ours(content: bytes, index: int) -> torch.Tensor:
    return cropped(content, RECIPE, DRAWN, index)


def seconds(run: Callable[[bytes, int], object], pictures: list[bytes]) -> float:
    """Of the processor: others may share the machine."""
    start = time.process_time()
    for index, content in enumerate(pictures):
        run(content, index)
    return time.process_time() - start


def apart(pictures: list[bytes]) -> dict[str, float]:
    """How far pixels are from Pillow's, of 255 levels."""
    distances = []
    for index, content in enumerate(pictures):
        theirs = cropped_by_pillow(content, RECIPE, DRAWN, index)
        distances.append((ours(content, index).int() - theirs.int()).abs().float())
    every = torch.stack(distances)
    return {
        "mean": round(float(every.mean()), 3),
        "worst picture's mean": round(float(every.mean((1, 2, 3)).max()), 3),
        "99.9 % below": float(np.quantile(every.numpy(), 0.999)),
        "largest": float(every.max()),
    }


def places_apart(pictures: list[bytes], times: int = 200) -> float:
    """The largest distance between the distributions of where crops begin, of 0 to 1."""
    shapes = [reference(content, 1 << 30).shape[:2] for content in pictures[:10]]
    mine, theirs = [], []
    for step in range(times):
        drawn = draws(RECIPE, 1, step)
        for n, (height, width) in enumerate(shapes):
            shorter, edge = int(drawn.shorter[n]), min(height, width)
            where = box(height, width, shorter, 224, float(drawn.down[n]), float(drawn.right[n]))
            rows = height * shorter // edge
            mine.append(where.top / height)
            theirs.append(int(np.float64(drawn.down[-1 - n]) * (rows - 223)) / rows)
    both = np.sort(np.concatenate([mine, theirs]))
    cumulated = [
        np.searchsorted(np.sort(side), both, "right") / len(mine) for side in (mine, theirs)
    ]
    return round(float(np.abs(cumulated[0] - cumulated[1]).max()), 4)


def main() -> None:
    torch.set_num_threads(1)
    first = small()
    kinds = {"small": lambda: first, "large": lambda: large(first), "sharp": lambda: sharp(first)}
    for name in sys.argv[1:] or kinds:
        some = kinds[name]()
        times: dict[str, list[float]] = {"ours": [], "usual": []}
        for turn in range(ROUNDS + 1):
            for way, run in (("ours", ours), ("usual", usual)):
                took = seconds(run, some)
                if turn:
                    times[way].append(took)
        rates = {way: spread([COUNT / t for t in took]) for way, took in times.items()}
        ratios = [b / a for a, b in zip(times["ours"], times["usual"], strict=True)]
        image = Image.open(io.BytesIO(some[0]))
        line(
            f"JPEG to 224 crop, {name} pictures ({image.width} x {image.height} and alike)",
            images_per_processor_second=rates,
            ratio=spread(ratios),
            levels_from_pillow_antialiased=apart(some),
            places_apart=places_apart(some),
        )


if __name__ == "__main__":
    main()

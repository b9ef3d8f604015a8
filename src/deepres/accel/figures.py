"""What this machine does with a network, measured: answering, training, reading pictures."""

import io
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from ..card import Card, Preprocessing
from ..cores import usable
from ..data.batches import batch_of, normalisation
from ..data.pictured import Pictured
from ..models.count import multiply_adds
from ..models.pixels import normalised
from ..models.predict import decoded
from ..models.resnet import ResNet
from ..spec import Recipe
from ..train import begun
from .choose import choose
from .fastest import timed, ways
from .prepared import prepared
from .records import record, recorded
from .subject import facts

ROUNDS, PATIENCE = 9, 20.0  # times that a thing is timed, and seconds after which it is enough
PHOTO = (500, 375)  # pixels of the pictures that are decoded: ImageNet's usual
Figures = dict[str, Any]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def inference(network: ResNet, precision: str, batches: Sequence[int], slow: bool) -> Figures:
    """Each backend at each size of batch, and how much of the time is not the network's."""
    threads = torch.get_num_threads()
    sizes: dict[str, Figures] = {}
    for batch in batches:
        candidates = ways(network, precision, (threads,), batch)
        if slow:
            candidates += ways(network, precision, (threads,), batch, slow=True)
        times = timed(network, candidates)
        medians = {name: statistics.median(taken) for name, taken in times.items()}
        known = facts(network, batch, precision)
        record(known, {**recorded(known), **medians})
        best = min(medians, key=medians.__getitem__)
        sizes[str(batch)] = {
            "milliseconds": {name: spread([1e3 * t for t in times[name]]) for name in times},
            "images_per_second": {name: spread([batch / t for t in times[name]]) for name in times},
            "fastest": best,
        }
        seconds = medians[best] / batch
    edge = network.card.preprocessing.size if network.card else network.arch.input_size
    reading = _decoding(_how(network, edge), threads)
    told = f"{sizes[str(batches[-1])]['fastest']} takes {1e3 * seconds:.2f} ms a picture"
    return {
        "batches": sizes,
        "photographs_images_per_second": reading,
        "gflop_per_second": 2e-9 * multiply_adds(network, edge) / seconds,
        "bottleneck": _slower(
            {"the network": seconds, "decoding photographs": 1 / reading["median"]}, told
        ),
    }


def step(
    network: nn.Module, recipe: Recipe, images: Pictured, edge: int, engine: str = "auto"
) -> Figures:
    """A training step as it would be chosen, and the batches that feed it."""
    choice = choose(network, recipe, edge, engine=engine)
    how = normalisation(images, recipe)
    numbers = itertools.count()
    feeding = _times(lambda: batch_of(images, how, recipe, 0, next(numbers)))
    batch = batch_of(images, how, recipe, 0, 0)
    run = prepared(network.train(), recipe, choice.plan)
    state = begun(network, recipe)
    training = _times(lambda: run(state, batch, 0.0))
    parts = {
        "the step": statistics.median(training),
        "preparing batches": statistics.median(feeding),
    }
    return {
        "plan": str(choice),
        "images_per_second": spread([recipe.batch / t for t in training]),
        "preparing_images_per_second": spread([recipe.batch / t for t in feeding]),
        "bottleneck": _slower(
            parts, f"a step of {recipe.batch} takes {1e3 * parts['the step']:.0f} ms"
        ),
    }


def loader(recipe: Recipe, images: Pictured) -> Figures:
    """How fast training batches come, and photographs are decoded, by one thread and by all."""
    how, numbers = normalisation(images, recipe), itertools.count()
    feeding = _times(lambda: batch_of(images, how, recipe, 0, next(numbers)))
    decoding = {str(n): _decoding(_how(None, 224), n) for n in sorted({1, usable()})}
    gain = decoding[str(usable())]["median"] / decoding["1"]["median"]
    return {
        "data": images.name,
        "batches_images_per_second": spread([recipe.batch / t for t in feeding]),
        "photographs_images_per_second": decoding,
        "bottleneck": f"{usable()} threads decode {gain:.2f} times what one does"
        + ("." if gain > 1.2 or usable() == 1 else ": others are at work here, or memory is slow."),
    }


def _slower(parts: dict[str, float], told: str) -> str:
    """Which of several things that go on side by side holds the others up."""
    name = max(parts, key=parts.__getitem__)
    rest = max(seconds for other, seconds in parts.items() if other != name)
    ratio = parts[name] / max(rest, 1e-12)
    other = next(one for one in parts if one != name)
    return f"{name[0].upper()}{name[1:]}: {_figure(ratio)} times as long as {other}; {told}."


def _figure(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"


def _decoding(how: Preprocessing, threads: int) -> dict[str, float]:
    """Photographs as JPEG to what a network takes, images per second."""
    card = Card(network="", arch=None, preprocessing=how)
    photos = [(str(n), _photo(n)) for n in range(8)]

    def work() -> None:
        for _, view in decoded(photos * 4, card, threads, 16):
            normalised(torch.tensor(np.asarray(view))[None], how, None)

    return spread([4 * len(photos) / seconds for seconds in _times(work)])


def _photo(seed: int) -> bytes:
    """Smooth colours with some grain, which JPEG packs about as it does a photograph."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    pixels = np.asarray(small.resize(PHOTO, Image.Resampling.BICUBIC)).astype(np.int16)
    grain = random.normal(0, 8, pixels.shape)
    file = io.BytesIO()
    Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def _how(network: ResNet | None, edge: int) -> Preprocessing:
    if network is not None and network.card is not None:
        return network.card.preprocessing
    resize = edge if edge < 64 else edge * 8 // 7
    return Preprocessing(size=edge, resize=resize, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def _times(work: Callable[[], object]) -> list[float]:
    """Seconds of each round; the first is not counted."""
    work()
    return list(_rounds(work))


def _rounds(work: Callable[[], object]) -> Iterator[float]:
    began = time.perf_counter()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        yield time.perf_counter() - start
        if time.perf_counter() - began > PATIENCE:
            return

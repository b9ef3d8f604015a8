"""The fastest way to run a network here: each that is installed is timed for a moment, in turn.

What was found is kept among the user's caches, under the shape of the network, the size of the
batch, the versions and the machine; `deepres bench inference` measures anew.
"""

import hashlib
import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from ..data import cache
from ..errors import Failed, UserError
from ..models.count import multiply_adds, weighted_layers
from ..models.resnet import ResNet
from ..runs.provenance import machine
from .choose import COMPILING
from .engines import KINDS, TYPES, Engine, Way, built

SIZES = (1, 8, 64)  # batches that are told apart
ROUNDS, PATIENCE = 7, 3.0  # times that each is timed, and seconds for all of them
MUCH = 4e10  # multiply-adds of a batch, above which a smaller one tells as much
WORTH = 5  # a compiled network saves a fifth at most: from here it saves what it costs
CLOSE = {"fp32": 1e-3, "bf16": 0.1}  # of the largest logit: more is another answer
PACKAGES = ("torch", "onnxruntime", "openvino")
Times = dict[str, float]  # how a Way is called -> seconds a batch


def fastest(
    network: ResNet,
    *,
    precision: str = "fp32",
    engine: str = "auto",
    batch: int = 64,
    pictures: float = float("inf"),
    threads: int | None = None,
) -> Engine:
    """The network as it runs fastest here, within a precision, on so many pictures.

    `engine` names a backend, which is then taken unmeasured. One that takes long to build is tried
    only where there are so many pictures that it could pay.
    """
    size = _timed_with(network, min(batch, pictures))
    numbers = (threads,) if threads else _numbers_of_threads()
    if engine != "auto":
        return built(network, Way(checked(engine, precision), precision, numbers[0], batch))
    quick = ways(precision, numbers, size, slow=False)
    times = recorded(network, size, precision)
    if not all(str(way) in times for way in quick):
        times = measured(network, quick)
        record(network, size, precision, times)
    best = min(quick, key=lambda way: times[str(way)])
    seconds = times[str(best)] * pictures / size
    if seconds > WORTH * COMPILING * weighted_layers(network):
        slow = ways(precision, numbers[:1], size, slow=True)
        if not all(str(way) in times for way in slow):
            times |= measured(network, [best, *slow])
            record(network, size, precision, times)
        best = min([best, *slow], key=lambda way: times[str(way)])
    return built(network, replace(best, batch=batch))


def _timed_with(network: ResNet, batch: float) -> int:
    """The size of batch that tells how one of this size will do."""
    work = multiply_adds(network, _edge(network))
    fitting = [size for size in SIZES if size == 1 or size * work <= MUCH]
    return next((size for size in fitting if batch <= size), fitting[-1])


def _edge(network: ResNet) -> int:
    """Of its pictures, as its card says, or its kind."""
    return network.card.preprocessing.size if network.card else network.arch.input_size


def checked(engine: str, precision: str) -> str:
    """The name of a backend that is here and computes so."""
    if precision not in TYPES:
        raise UserError(f"--precision {precision}: choose fp32 or bf16.")
    if engine not in KINDS:
        raise UserError(f"--engine {engine}: choose auto, {', '.join(KINDS)}.")
    if not has(engine):
        needs = "a C++ compiler" if engine == "compiled" else f"{engine} and onnx installed"
        raise UserError(f"--engine {engine} takes {needs}; --engine auto takes what is here.")
    if precision not in KINDS[engine].precisions:
        able = [name for name, kind in KINDS.items() if precision in kind.precisions]
        raise UserError(f"--engine {engine} has no {precision}: {', '.join(able)} have.")
    return engine


def ways(precision: str, threads: Sequence[int], batch: int, *, slow: bool) -> list[Way]:
    """All that could be tried: backends that are here, each with each number of threads."""
    checked("eager", precision)
    return [
        Way(name, precision, number, batch)
        for name, kind in KINDS.items()
        if kind.slow_to_build == slow and precision in kind.precisions and has(name)
        for number in threads
    ]


def has(kind: str) -> bool:
    """Whether a backend is installed here."""
    return KINDS[kind].available()


def _numbers_of_threads() -> tuple[int, ...]:
    """All, and one: waiting for each other costs small networks more than it saves."""
    most = torch.get_num_threads()
    return (most, 1) if most > 1 else (1,)


def measured(network: ResNet, candidates: Sequence[Way]) -> Times:
    """Seconds a batch of each way: the median of a few."""
    times = timed(network, candidates)
    return {name: statistics.median(taken) for name, taken in times.items()}


@torch.inference_mode()
def timed(network: ResNet, candidates: Sequence[Way]) -> dict[str, list[float]]:
    """Seconds of each batch of each way, in turn; raises where one answers otherwise."""
    x = pictures_like(network, candidates[0].batch)
    expected = _answer(network, x[:1])
    engines = {str(way): built(network, way) for way in candidates}
    for way in candidates:
        _same(engines[str(way)](x)[:1], expected, way)
    times: dict[str, list[float]] = {name: [] for name in engines}
    began = time.perf_counter()
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            start = time.perf_counter()
            engine(x)
            times[name].append(time.perf_counter() - start)
        if time.perf_counter() - began > PATIENCE:
            break
    return times


def pictures_like(network: ResNet, batch: int) -> Tensor:
    """Noise of the size that the network takes."""
    edge, generator = _edge(network), torch.Generator().manual_seed(0)
    x = torch.randn(batch, 3, edge, edge, generator=generator)
    return x.contiguous(memory_format=torch.channels_last)


def _answer(network: ResNet, x: Tensor) -> Tensor:
    training = network.training
    network.eval()
    answer = network(x)
    network.train(training)
    return answer


def _same(answer: Tensor, expected: Tensor, way: Way) -> None:
    difference = float((answer - expected).abs().max() / expected.abs().max().clamp(min=1e-30))
    if not difference < CLOSE[way.precision]:
        raise Failed(
            f"{way} gives other answers than the network itself (by {difference:.1e} of the largest"
            " logit): --engine eager does not, and we would like to hear of it."
        )


def recorded(network: ResNet, batch: int, precision: str) -> Times:
    """What was measured here before; nothing where it was not, or cannot be read."""
    try:
        return msgspec.json.decode(_place(network, batch, precision).read_bytes(), type=Times)
    except (OSError, msgspec.DecodeError):
        return {}


def record(network: ResNet, batch: int, precision: str, times: Times) -> None:
    """Keeps what was measured; where nothing can be written it is measured again."""
    place = _place(network, batch, precision)
    aside = place.with_suffix(f".{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(times))
        aside.replace(place)
    except OSError:
        return


def _place(network: ResNet, batch: int, precision: str) -> Path:
    facts = [
        msgspec.to_builtins(network.arch),
        [_edge(network), batch, precision, torch.get_num_threads()],
        [_version(package) for package in PACKAGES],
        machine(),
    ]
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    return cache.folder().parent / "engines" / f"{name}.json"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

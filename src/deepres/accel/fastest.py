"""The fastest way to run a network here: each that is installed is timed for a moment, in turn.

What was found is kept among the user's caches, under the shape of the network (or the digest of an
exported file), the size of the batch, the versions and the machine; `deepres bench inference`
measures anew.
"""

import logging
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from ..errors import Failed, UserError
from ..models.count import weighted_layers
from ..models.predict import evaluating
from ..models.resnet import ResNet
from .choose import COMPILING
from .engines import KINDS, Engine, Kind, Way, built, kinds_of
from .records import Times, record, recorded
from .subject import Subject, facts, file_of, pictures_like, precision_of, timed_with
from .turns import Rounds, in_turn

WORTH = 5  # a compiled network saves a fifth at most: from here it saves what it costs
# Of the largest logit: more is another answer. In eight bits each backend rounds in its own way:
# `bench/eight_bits.py` finds less than half of this between them.
CLOSE = {"fp32": 1e-3, "bf16": 0.1, "int8": 0.1}
PROVEN = 8  # pictures at least, on which a file's backends are compared
TRUSTED = "onnxruntime"  # with what: it runs a file as it was compared when it was exported

log = logging.getLogger("deepres")


def fastest(
    network: Subject,
    *,
    precision: str = "fp32",
    engine: str = "auto",
    batch: int = 64,
    pictures: float = float("inf"),
    threads: int | None = None,
) -> Engine:
    """The network as it runs fastest here, within a precision, on so many pictures.

    `engine` names a backend, which is then taken unmeasured. One that takes long to build is tried
    only where there are so many pictures that it could pay. Of what `deepres export` wrote, the
    precision is its own, and backends that answer otherwise than ONNX Runtime are left out.
    """
    precision = precision_of(network, precision)
    numbers = (threads,) if threads else _numbers_of_threads()
    if engine != "auto":
        kind = checked(network, engine, precision)
        return built(network, Way(kind, precision, numbers[0], batch))
    if isinstance(network, Engine) and not kinds_of(network):
        return network  # a program, which runs one way
    size = timed_with(network, min(batch, pictures))
    known = facts(network, size, precision)
    times = recorded(known)
    candidates = ways(network, precision, numbers, size)
    best = _best(network, candidates, times, known)
    slow = ways(network, precision, numbers[:1], size, slow=True)
    if slow and (times[str(best)] or 0) * pictures / size > WORTH * _compiling(network):
        best = _best(network, [best, *slow], times, known)
    return built(network, replace(best, batch=batch))


def _best(network: Subject, candidates: list[Way], times: Times, known: list[object]) -> Way:
    """The quickest; what is not known of them is measured, added to `times` and recorded."""
    if not all(str(way) in times for way in candidates):
        times |= measured(network, candidates)
        record(known, times)
    able = [(seconds, way) for way in candidates if (seconds := times[str(way)]) is not None]
    return min(able, key=lambda one: one[0])[1]


def _compiling(network: Subject) -> float:
    """Seconds that it would take to compile it."""
    return COMPILING * weighted_layers(network)


def checked(network: Subject, engine: str, precision: str) -> str:
    """The name of a backend that is here, runs this and computes so."""
    kinds = kinds_of(network)
    if engine not in KINDS:
        raise UserError(f"--engine {engine}: choose auto, {', '.join(KINDS)}.")
    if not kinds:
        raise UserError(f"{file_of(network).path} runs one way, without --engine.")
    if engine not in kinds:
        path = file_of(network).path
        raise UserError(f"--engine {engine} runs networks: {path} takes {' or '.join(kinds)}.")
    if not has(engine, kinds):
        raise UserError(
            f"--engine {engine} takes {kinds[engine].needs}; --engine auto takes what is here."
        )
    if precision not in kinds[engine].precisions:
        able = [name for name, kind in kinds.items() if precision in kind.precisions]
        raise UserError(f"--engine {engine} has no {precision}: {', '.join(able)} have.")
    return engine


def ways(
    network: Subject, precision: str, threads: Sequence[int], batch: int, *, slow: bool = False
) -> list[Way]:
    """All that could be tried: backends that are here, each with each number of threads."""
    kinds = kinds_of(network)
    return [
        Way(name, precision, number, batch)
        for name, kind in kinds.items()
        if kind.slow_to_build == slow and precision in kind.precisions and has(name, kinds)
        for number in threads
    ]


def has(kind: str, kinds: Mapping[str, Kind] = KINDS) -> bool:
    """Whether a backend is installed here."""
    return kinds[kind].available()


def _numbers_of_threads() -> tuple[int, ...]:
    """All, and one: waiting for each other costs small networks more than it saves."""
    most = torch.get_num_threads()
    return (most, 1) if most > 1 else (1,)


def measured(network: Subject, candidates: Sequence[Way]) -> Times:
    """Seconds a batch of each way: the median of a few; None where it is not to be taken."""
    times = timed(network, candidates)
    medians: Times = {name: statistics.median(taken) for name, taken in times.items()}
    return dict.fromkeys(map(str, candidates)) | medians


@torch.inference_mode()
def timed(network: Subject, candidates: Sequence[Way]) -> Rounds:
    """Seconds of each batch of each way, in turn; those that answer otherwise have no place in it.

    A network is asked for its own answer to one picture. A file's is what it was compared by when
    it was exported, ONNX Runtime's, to several: eight bits are rounded by each backend in its way.
    """
    batch = candidates[0].batch
    several = not isinstance(network, ResNet)
    proof = pictures_like(network, max(batch, timed_with(network, PROVEN)) if several else batch)
    expected = _answer(network, proof if several else proof[:1])
    engines = {str(way): _proven(network, way, proof, expected) for way in candidates}
    x = proof[:batch]
    return in_turn({name: partial(engine, x) for name, engine in engines.items() if engine})


def _proven(network: Subject, way: Way, proof: Tensor, expected: Tensor) -> Engine | None:
    """Ready to run, and seen to answer as it should; None where a file has others to run it."""
    if isinstance(network, ResNet):
        return _held(network, way, proof, expected)
    if way.kind == TRUSTED:
        return built(network, way)
    try:
        return _held(network, way, proof, expected)
    except (Failed, UserError) as error:
        log.warning("%s is not taken: %s", way, error)
        return None


def _held(network: Subject, way: Way, proof: Tensor, expected: Tensor) -> Engine:
    """Ready to run, its answers held against those that are expected of the first pictures."""
    engine = built(network, way)
    distance = apart(engine(proof)[: len(expected)], expected)
    if not distance < CLOSE[way.precision]:
        raise Failed(_otherwise(network, way, distance))
    return engine


def _answer(network: Subject, x: Tensor) -> Tensor:
    with evaluating(network):
        return network(x)


def apart(answer: Tensor, expected: Tensor) -> float:
    """Of the largest logit: how far two logits are apart, or by how much a first guess is wrong.

    A first guess may differ where the expected logits of both are as close as logits may differ.
    """
    if answer.shape != expected.shape:
        return math.inf
    wrong = expected.amax(1) - expected.gather(1, answer.argmax(1, keepdim=True))[:, 0]
    furthest = torch.maximum((answer - expected).abs().max(), wrong.max())
    return float(furthest / expected.abs().max().clamp(min=1e-30))


def _otherwise(network: Subject, way: Way, distance: float) -> str:
    by = f"(by {distance:.1e} of the largest logit)"
    if isinstance(network, ResNet):
        return (
            f"{way} gives other answers than the network itself {by}: --engine eager does not, and"
            " we would like to hear of it."
        )
    return f"its answers for {file_of(network).path} are others than {network.about}'s {by}."

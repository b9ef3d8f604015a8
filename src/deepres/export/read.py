"""Exported files as networks that predict: `.onnx` by ONNX Runtime, `.pt2` by our own reader.

So their counts are those that were stored when the file was exported. `accel.fastest` may choose
another backend for an `.onnx`, where speed is what is asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from ..accel.engines import GRAPHS, LABELS, OF_FILES, Engine, File, Kind, Run, Way
from ..accel.session import running, session
from ..card import Card, decode
from ..convert.pickles import shown
from ..errors import UserError
from .archive import Archive, program
from .compare import ALLOWED
from .graph import CARD
from .program import CARD as CARD_MEMBER
from .program import ENTRY as ENTRY_MEMBER
from .takes import Takes, card_of_file, known

SUFFIXES = (".onnx", ".pt2")
EDGE_AT_MOST = 10_000
PLACES = ("Exception from ", "Check '")  # how OpenVINO begins a line that names its own source


@dataclass(frozen=True)
class Content:
    """What a file gives, before its card is believed."""

    run: Run  # takes what the file takes
    card: str | None
    takes: str
    about: str
    precision: str
    runs: Callable[[Way], Run]  # the same in another way
    kinds: Mapping[str, Kind]  # of those ways


def load(path: Path, profile: str | None = None) -> Engine:
    """The file as a module: `forward` takes what its card says, `predict` takes pictures."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file.")
    found = _content(path)
    card = _card(path, found.card)
    if profile not in (None, card.source):
        raise UserError(f"{path}: its card says that its source is {card.source!r}.")
    chosen = known(found.takes)
    if chosen is None:
        raise UserError(f"{path} takes {shown(found.takes)}, which is unknown here.")
    how = card_of_file(card, chosen)
    if chosen == "normalised" and card.preprocessing.mean_image:
        raise UserError(
            f"{path} wants a mean image subtracted, which it does not hold: export it with --input"
            " rgb."
        )
    file = File(path, found.precision, lambda way: _entered(found.runs(way), chosen), found.kinds)
    engine = Engine(_entered(found.run, chosen), how, None, found.about, file)
    _tried(path, engine, card)
    return engine


def runs(path: Path) -> Run:
    """The bare function of a file: what goes in is what the file takes."""
    return _content(path).run


def _content(path: Path) -> Content:
    return (_onnx if path.suffix == ".onnx" else _program)(path)


def _entered(run: Run, takes: Takes) -> Run:
    """Takes what our networks take: pixels as a tensor of numbers, colours first."""
    if takes == "normalised":
        return run
    return lambda x: run(x.permute(0, 2, 3, 1).round().to(torch.uint8).contiguous())


def _card(path: Path, text: str | None) -> Card:
    if text is None:
        raise UserError(f"{path} has no card: what `deepres export` writes can be read.")
    try:
        card = decode(text)
    except msgspec.DecodeError as error:
        raise UserError(f"{path}: its card cannot be read ({error}).") from None
    if not 0 < card.preprocessing.size <= card.preprocessing.resize <= EDGE_AT_MOST:
        how = card.preprocessing
        raise UserError(f"{path}: its card cuts {how.size} out of {how.resize} pixels.")
    return card


def _tried(path: Path, engine: Engine, card: Card) -> None:
    """Runs it once: the number of answers must be that of the card's classes."""
    size = card.preprocessing.size
    answer = engine(torch.zeros(1, 3, size, size))
    classes = card.arch.classes if card.arch else answer.shape[-1]
    names = len(card.classes) if card.classes is not None else classes
    if answer.shape != (1, classes) or names != classes:
        raise UserError(
            f"{path} gives {tuple(answer.shape)} for one picture, and its card speaks of {classes}"
            f" classes and {names} names."
        )


def _onnx(path: Path) -> Content:
    """By ONNX Runtime, which thereby looks at the file first, whatever is to run it later."""
    usual = Way("onnxruntime", threads=torch.get_num_threads())
    try:
        made = session(path, usual.threads)
        about = made.get_modelmeta().custom_metadata_map
        run = running(made)
    except UserError:
        raise
    except _failures() as error:
        raise UserError(f"{path} is no ONNX file that can be run: {_why(error)}.") from None
    precision = about.get("precision", "fp32")
    if precision not in ALLOWED:
        raise UserError(f"{path} computes in {shown(precision)}, which is unknown here.")
    return Content(
        run=_safe(run, path),
        card=about.get(CARD),
        takes=about.get("takes", ""),
        about=str(replace(usual, precision=precision)),
        precision=precision,
        runs=partial(_run, path),
        kinds=OF_FILES,
    )


def _run(path: Path, way: Way) -> Run:
    """The file by any backend that takes ONNX."""
    try:
        return _safe(GRAPHS[way.kind](path, way), path)
    except _failures() as error:
        backend = LABELS[way.kind]
        raise UserError(f"{path} cannot be run by {backend}: {_why(error)}.") from None


def _safe(run: Run, path: Path) -> Run:
    """What goes wrong within is the file's fault, and said in a sentence."""

    def safe(x: Tensor) -> Tensor:
        try:
            return run(x)
        except _failures() as error:
            raise UserError(f"{path} cannot be run: {_why(error)}.") from None

    return safe


def _why(error: Exception) -> str:
    """The sentence of a backend's message; lines above it tell where in its sources it was met."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(PLACES)]
    return shown((told or lines or [type(error).__name__])[0], 160).rstrip(".")


def _failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes that share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own: list[Any] = [getattr(state, name) for name in dir(state)]
    raised = [one for one in own if isinstance(one, type) and issubclass(one, Exception)]
    return (*raised, RuntimeError, ValueError, OSError)


def _program(path: Path) -> Content:
    archive = Archive(path)
    run = program(archive)
    return Content(
        run=run,
        card=archive.bytes(f"extra/{CARD_MEMBER}").decode(errors="replace"),
        takes=archive.bytes(f"extra/{ENTRY_MEMBER}").decode(errors="replace"),
        about="exported program, fp32",
        precision="fp32",
        runs=lambda way: run,
        kinds={},
    )

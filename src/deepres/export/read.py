"""Exported files as networks that predict: `.onnx` by ONNX Runtime, `.pt2` by our own reader."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from ..accel.engines import Engine
from ..accel.session import running, session
from ..card import Card, decode
from ..convert.pickles import shown
from ..errors import UserError
from .archive import Archive, program
from .graph import CARD
from .program import CARD as CARD_MEMBER
from .program import ENTRY as ENTRY_MEMBER
from .takes import TAKES, Takes, card_of_file

SUFFIXES = (".onnx", ".pt2")
EDGE_AT_MOST = 10_000
Run = Callable[[Tensor], Tensor]


def load(path: Path, profile: str | None = None) -> Engine:
    """The file as a module: `forward` takes what its card says, `predict` takes pictures."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file.")
    run, text, takes, about = (_onnx if path.suffix == ".onnx" else _program)(path)
    card = _card(path, text)
    if profile not in (None, card.source):
        raise UserError(f"{path}: its card says that its source is {card.source!r}.")
    chosen: Takes | None = next((known for known in TAKES if known == takes), None)
    if chosen is None:
        raise UserError(f"{path} takes {shown(takes)}, which is unknown here.")
    how = card_of_file(card, chosen)
    mean_image = None
    if chosen == "normalised" and card.preprocessing.mean_image:
        raise UserError(
            f"{path} wants a mean image subtracted, which it does not hold: export it with --input"
            " rgb."
        )
    engine = Engine(_entered(run, chosen), how, mean_image, about)
    _tried(path, engine, card)
    return engine


def runs(path: Path) -> Run:
    """The bare function of a file: what goes in is what the file takes."""
    return (_onnx if path.suffix == ".onnx" else _program)(path)[0]


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


def _onnx(path: Path) -> tuple[Run, str | None, str, str]:
    threads = torch.get_num_threads()
    try:
        made = session(path, threads)
        about = made.get_modelmeta().custom_metadata_map
        run = running(made)
    except UserError:
        raise
    except _failures() as error:
        raise UserError(f"{path} is no ONNX file that can be run: {_why(error)}.") from None

    def safe(x: Tensor) -> Tensor:
        try:
            return run(x)
        except _failures() as error:
            raise UserError(f"{path} cannot be run: {_why(error)}.") from None

    precision = about.get("precision", "fp32")
    words = f"ONNX Runtime {shown(precision)}, {threads} thread{'s' if threads > 1 else ''}"
    return safe, about.get(CARD), about.get("takes", ""), words


def _why(error: Exception) -> str:
    return shown(str(error), 160).rstrip(".")


def _failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes that share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own: list[Any] = [getattr(state, name) for name in dir(state)]
    raised = [one for one in own if isinstance(one, type) and issubclass(one, Exception)]
    return (*raised, RuntimeError, ValueError, OSError)


def _program(path: Path) -> tuple[Run, str | None, str, str]:
    archive = Archive(path)
    run = program(archive)
    text = archive.bytes(f"extra/{CARD_MEMBER}").decode(errors="replace")
    takes = archive.bytes(f"extra/{ENTRY_MEMBER}").decode(errors="replace")
    return run, text, takes, "exported program, fp32"

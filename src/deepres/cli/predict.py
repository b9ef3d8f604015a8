"""`deepres predict`: what is in these pictures."""

import csv
import io
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from ..card import cautions
from ..errors import UserError
from . import app, note
from .given import given
from .progress import Progress

if TYPE_CHECKING:
    from ..accel.engines import Engine
    from ..models.predict import Answer

FORMATS = ("table", "csv", "json")
NAME_AT_MOST = 32  # letters of a picture's name in a table


@app.command(epilog="Example: deepres predict resnet56.safetensors holiday/ 'more/*.jpg' --top 3")
def predict(
    weights: str = typer.Argument(help="Ours, any checkpoint, an .onnx or .pt2 file, a name."),
    images: list[str] = typer.Argument(
        None,
        metavar="IMAGE...",
        help="Files, folders, patterns; - is a picture, or a list of paths, on standard input.",
    ),
    top: int = typer.Option(5, min=1, help="How many classes to name."),
    listed: str | None = typer.Option(
        None, "--list", help="A file with a path a line; - is standard input."
    ),
    form: str = typer.Option("table", "--format", help="table, csv or json."),
    as_json: bool = typer.Option(False, "--json", help="The same as --format json."),
    source: str | None = typer.Option(None, help="Whose checkpoint it is, where that is unclear."),
    precision: str = typer.Option("fp32", help="fp32 or bf16."),
    engine: str = typer.Option("auto", help="auto, eager, onnxruntime, openvino or compiled."),
    batch: int = typer.Option(64, min=1, help="Pictures at a time."),
    workers: int | None = typer.Option(None, min=1, help="Threads that decode pictures."),
) -> None:
    """Class names and probabilities; a bad picture is named, and the others go on."""
    form = "json" if as_json else form
    if form not in FORMATS:
        raise UserError(f"--format {form}: choose one of {', '.join(FORMATS)}.")
    piped = sys.stdin.buffer if sys.stdin else io.BytesIO()  # it can be closed: then it is empty
    asked = given(images or [], listed, piped)
    network = _ready(weights, source, precision, engine, batch, asked.total)
    import torch

    from ..models.predict import answers, carded, logits_of

    card, began, problems = carded(network), time.perf_counter(), list[str]()
    note(f"{card.network} ({card.source}): {network.about}")
    threads = workers or torch.get_num_threads()
    stream = answers(logits_of(network), card, asked.pictures, top, batch, threads)
    good = _told(stream, asked.total, problems)
    if form == "json":
        predictions = [_entry(answer) for answer in good]
        about = {"network": card.network, "source": card.source, "engine": network.about}
        seconds = time.perf_counter() - began
        answer = {"predictions": predictions, "problems": problems, **about, "seconds": seconds}
        print(json.dumps(answer))
    elif form == "csv":
        _csv(good, top)
    else:
        _table(good, max(map(len, card.classes or [""])))
    if problems:
        count = f"{len(problems)} pictures" if len(problems) > 1 else "One picture"
        raise UserError(f"{count} could not be read, as said above.")


def _ready(
    weights: str, source: str | None, precision: str, engine: str, batch: int, total: int | None
) -> "Engine":
    """The network as it runs fastest for so many pictures."""
    from .. import load
    from ..accel.fastest import fastest

    network = load(weights, profile=source)
    for sentence in cautions(network.card) if network.card else ():
        note(sentence)
    return fastest(
        network, precision=precision, engine=engine, batch=batch, pictures=total or batch
    )


def _told(
    answers: "Iterable[Answer]", total: int | None, problems: list[str]
) -> "Iterator[Answer]":
    """The good answers; the others are said at once, and kept."""
    with Progress("pictures", total) as progress:
        for answer in answers:
            progress.step()
            if answer.problem:
                progress.clear()
                problems.append(answer.problem)
                note(f"deepres: {answer.problem}")
            else:
                yield answer


def _entry(answer: "Answer") -> dict[str, Any]:
    classes = [{"name": name, "probability": chance} for name, chance in answer.guesses]
    return {"image": answer.name, "classes": classes}


def _csv(answers: "Iterable[Answer]", top: int) -> None:
    """A line a picture: its name, then each class with its probability."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    guesses = [f"{word}{n}" for n in range(1, top + 1) for word in ("guess", "probability")]
    rows.writerow(["image", *guesses])
    for answer in answers:
        rows.writerow([answer.name, *(cell for guess in answer.guesses for cell in guess)])


def _table(answers: "Iterable[Answer]", width: int) -> None:
    """A line a picture, its name shortened from the front, classes below each other."""
    for answer in answers:
        name = answer.name
        if len(name) > NAME_AT_MOST:
            name = "…" + name[1 - NAME_AT_MOST :]
        guesses = [f"{100 * chance:5.1f} % {guess:<{width}}" for guess, chance in answer.guesses]
        print(f"{name:<{NAME_AT_MOST}}  {'  '.join(guesses)}".rstrip())

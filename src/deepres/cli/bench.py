"""`deepres bench`: what this machine does, and what holds it up."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from ..errors import UserError
from . import app, note, printed

if TYPE_CHECKING:
    from ..models.resnet import ResNet

QUESTIONS = ("inference", "step", "loader")


@app.command(epilog="Example: deepres bench inference --network resnet50 --json")
def bench(
    question: str | None = typer.Argument(None, help="inference, step or loader; all if left out."),
    network: str = typer.Option("resnet20", help="A network's name, or weights."),
    data: str = typer.Option("synthetic", help="Pictures for step and loader."),
    batch: int = typer.Option(64, min=1, help="Of inference; one picture is timed too."),
    precision: str = typer.Option("fp32", help="Of inference: fp32 or bf16."),
    engine: str = typer.Option("auto", help="Of step: auto, eager, native or compiled."),
    compiled: bool = typer.Option(False, "--compiled", help="Time the compiled network too."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Measure this machine: medians with least and most, and what the bottleneck is."""
    from ..runs.provenance import machine, versions

    if question not in (None, *QUESTIONS):
        raise UserError(f"There is no bench {question!r}: {', '.join(QUESTIONS)} are.")
    made = _network(network)
    answer: dict[str, Any] = {"network": network}
    for asked in [question] if question else QUESTIONS:
        note(f"measuring: {asked}")
        if asked == "inference":
            answer[asked] = _inference(made, precision, batch, compiled)
        elif asked == "step":
            answer[asked] = _step(made, data, engine)
        else:
            answer[asked] = _loader(data)
    answer["load"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    answer |= {"machine": machine(), "versions": versions()}
    printed(answer, "\n".join(_lines(answer)), as_json)


def _network(name: str) -> "ResNet":
    """By name, or weights by their place; figures do not depend on what is in them."""
    from .. import create
    from ..convert import load
    from ..models import bundled
    from ..models.zoo import arch

    if os.path.sep in name or os.path.exists(name) or name in bundled.names():  # noqa: PTH110
        return load(name)
    arch(name)
    return create(name).eval()


def _inference(network: "ResNet", precision: str, batch: int, compiled: bool) -> dict[str, Any]:
    from ..accel.figures import inference

    return inference(network, precision, sorted({1, batch}), compiled)


def _step(network: "ResNet", data: str, engine: str) -> dict[str, Any]:
    from ..accel.figures import step
    from ..data.source import images
    from ..spec import Recipe

    pictures, edge = images(data, "train"), network.arch.input_size
    return step(network, Recipe(replicas=1), pictures, edge, engine)


def _loader(data: str) -> dict[str, Any]:
    from ..accel.figures import loader
    from ..data.source import images
    from ..spec import Recipe

    return loader(Recipe(), images(data, "train"))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    for question in QUESTIONS:
        if question in answer:
            yield f"{question} ({answer['network']})"
            yield from _figures(answer[question], "  ")
            yield f"  bottleneck: {answer[question]['bottleneck']}"
    yield f"load {answer['load']}, {answer['machine']['processor']}"


def _figures(figures: dict[str, Any], indent: str) -> Iterator[str]:
    for name, value in figures.items():
        words = name.replace("_", " ")
        if name in ("bottleneck", "milliseconds"):
            continue
        if isinstance(value, dict) and "median" in value:
            median, least, most = (f"{value[k]:,.4g}" for k in ("median", "min", "max"))
            yield f"{indent}{words}: {median} ({least} to {most})"
        elif isinstance(value, dict):
            yield f"{indent}{words}:"
            yield from _figures(value, indent + "  ")
        else:
            yield f"{indent}{words}: {value if isinstance(value, str) else f'{value:,.4g}'}"

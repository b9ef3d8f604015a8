"""`deepres train`: from a network, pictures and a recipe to a folder with a tested network."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from msgspec import structs

from ..errors import UserError
from ..runs.declare import Asked
from . import app, note, printed

if TYPE_CHECKING:
    from ..runs.folder import Folder
    from ..runs.result import Result
    from ..runs.work import Work
    from ..spec import Plan, Run
    from .display import Shown


@app.command(epilog="Example: deepres train resnet20 --data cifar10 --steps 2000 --out runs/first")
def train(
    network: str | None = typer.Argument(None, help="A name, or package.module:callable."),
    data: str | None = typer.Option(None, help="digits, synthetic, cifar10[:PATH] or a PATH."),
    out: Path | None = typer.Option(None, help="The run's folder; runs/NAME-KEY if not given."),
    recipe: str | None = typer.Option(None, help="cifar (Sec. 4.2) or digits (600 short steps)."),
    steps: int | None = typer.Option(None, min=1, help="Scales the drops in proportion."),
    epochs: float | None = typer.Option(None, min=0, help="The same, in passes over the images."),
    batch: int | None = typer.Option(None, min=1, help="Pictures a step."),
    lr: float | None = typer.Option(None, min=0, help="The rate before the first drop."),
    drops: str | None = typer.Option(None, help="Steps at which it drops: 32000,48000."),
    warmup: str | None = typer.Option(None, help="none, error (Sec. 4.2, 110 layers) or STEPS."),
    decay: float | None = typer.Option(None, min=0, help="Weight decay."),
    scale_decay: bool = typer.Option(
        False, "--scale-decay", help="More of it in a short run: rate x decay x steps is kept."
    ),
    momentum: float | None = typer.Option(None, min=0, max=1, help="In Caffe's form."),
    replicas: int | None = typer.Option(None, min=1, help="Shares of a batch; 1: no halves."),
    precision: str | None = typer.Option(None, help="fp32 (the paper's), bf16 or fp16."),
    seed: int | None = typer.Option(None, min=0, help="Of start, order and windows; 0."),
    split: str | None = typer.Option(None, help="How many to train on: 45k holds 5k of 50k out."),
    spec: Path | None = typer.Option(None, help="A run.json: that run, exactly."),
    resume: bool = typer.Option(False, "--resume", help="Go on with the run in --out."),
    watch: bool = typer.Option(False, "--watch", help="Look at the test set on the way, only so."),
    looks: int | None = typer.Option(None, min=0, help="How often to look at it on the way."),
    save_every: float = typer.Option(30.0, min=0, help="Seconds at least between two states."),
    device: str = typer.Option("cpu", help="cpu."),
    engine: str = typer.Option("auto", help="auto, eager, compiled or graph."),
    threads: int | None = typer.Option(None, min=1, help="Of the processor; all if not given."),
    workers: int | None = typer.Option(None, min=0, help="That prepare batches; 0: none."),
    from_: str | None = typer.Option(None, "--from", help="Weights to start from."),
    freeze: str | None = typer.Option(None, help="What is not trained."),
    tensorboard: bool = typer.Option(False, "--tensorboard", help="Write events too."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Train as the paper did, and test at the end; a run that was stopped goes on where it was."""
    began = time.perf_counter()
    _refuse_later(device, engine, from_, freeze)
    asked = Asked(
        recipe=recipe,
        steps=steps,
        epochs=epochs,
        batch=batch,
        lr=lr,
        drops=drops,
        warm_up=warmup,
        decay=decay,
        decay_scaled="scaled" if scale_decay else None,
        momentum=momentum,
        replicas=replicas,
        precision=precision,
        seed=seed,
        split=split,
    )
    from ..runs.work import Work, curve_of, plain_step
    from .display import display
    from .stopping import heard
    from .wanted import declared, folder_of

    run, pictures, source = declared(network, data, out, spec, asked)
    folder = folder_of(run, out, resume)
    folder.take()
    plan = _plan(folder, threads, workers)
    curve = curve_of(run, pictures, looks, test=watch)
    work = Work(run, plan, pictures, curve, plain_step(run.recipe), save_every=save_every)
    _introduce(work, folder)
    with heard() as stop, display(work) as shown:
        result = _carry_out(work, folder, stop, source, began, shown)
    if result is not None:
        printed(_answer(folder, result), _told(folder, run, result), as_json)


def _refuse_later(device: str, engine: str, from_: str | None, freeze: str | None) -> None:
    """What is promised and not there yet."""
    if device != "cpu":
        raise UserError(f"--device {device} is not there yet: training runs on the cpu.")
    if engine not in ("auto", "eager"):
        raise UserError(f"--engine {engine} is not there yet: auto and eager are.")
    if from_ is not None or freeze is not None:
        raise UserError("--from and --freeze, fine-tuning, come with the picture pipeline.")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("Training by several ranks is not there yet: run it without torchrun.")


def _plan(folder: "Folder", threads: int | None, workers: int | None) -> "Plan":
    """The plan that the run began with, unless flags say otherwise; equal plans repeat."""
    import torch

    from ..spec import Plan

    before = folder.planned()
    plan = before or Plan(threads=torch.get_num_threads(), workers=1)
    told = {"threads": threads, "workers": workers}
    plan = structs.replace(plan, **{name: n for name, n in told.items() if n is not None})
    if before and plan.threads != before.threads:
        note(
            f"This run began with {before.threads} threads and goes on with {plan.threads}: its"
            " numbers may differ in their last digits from an unbroken run's."
        )
    torch.set_num_threads(plan.threads)
    return plan


def _introduce(work: "Work", folder: "Folder") -> None:
    """What will be done and how, a line each."""
    run, plan, recipe = work.run, work.plan, work.run.recipe
    note(f"{run.name} in {folder.path}")
    drops = recipe.drops if recipe.drops == "plateau" else ", ".join(f"{d:,}" for d in recipe.drops)
    warm = "" if recipe.warm_up == "none" else f" after a warm-up ({recipe.warm_up})"
    note(
        f"{len(work.pictures.train):,} images, batch {recipe.batch} in {recipe.replicas} replicas,"
        f" {recipe.steps:,} steps, rate {recipe.lr:g}{warm} with drops at {drops}"
    )
    if recipe.scaled_from is not None:
        full = recipe.scaled_from
        note(
            f"a short form of {full.steps:,} steps: rate x decay x steps is {recipe.shrinkage:.4f},"
            f" the full schedule's {full.shrinkage:.4f}"
        )
    note(f"step: {plan.engine}, {plan.layout}; {plan.threads} threads")


def _carry_out(
    work: "Work",
    folder: "Folder",
    stop: Callable[[], bool],
    source: str,
    began: float,
    shown: "Shown",
) -> "Result | None":
    """The result, or None where it was stopped before."""
    from ..runs.result import Result
    from ..runs.running import carried_out

    for item in carried_out(work, folder, stop, source, began):
        if isinstance(item, Result):
            return item
        shown.show(item)
    note(f"Stopped; its state is saved: `deepres train --resume --out {folder.path}` goes on.")
    return None


def _answer(folder: "Folder", result: "Result") -> dict[str, Any]:
    """The fields that scripts rely on, and counts beside the percentages."""
    answer: dict[str, Any] = {
        "out": str(folder.path.resolve()),
        "key": result.key,
        "steps": result.steps,
        "seconds": result.seconds,
        "images_per_second": result.images_per_second,
        "train_error": result.trained_on.top1_error,
        "top1_error": result.test.top1_error,
        "top5_error": result.test.top5_error,
        "seen": result.test.seen,
        "top1_errors": result.test.top1,
        "top5_errors": result.test.top5,
        "train_error_while_training": result.while_training.top1_error,
        "top1_error_running_statistics": result.test_running.top1_error,
        "weights": str(folder.weights.resolve()),
        "report": str(folder.report.resolve()),
    }
    if result.held_out is not None:
        answer["held_out_error"] = result.held_out.top1_error
    return answer


def _told(folder: "Folder", run: "Run", result: "Result") -> str:
    """The same for people."""
    from .display import minutes_and_seconds

    test, running, clean = result.test, result.test_running, result.trained_on
    lines = [
        f"{run.name}: {result.steps:,} steps in {minutes_and_seconds(result.seconds)},"
        f" {result.images_per_second:,.0f} images/s",
        f"top-1 error {test}",
        f"top-5 error {test.top5_error:.2f} % ({test.top5}/{test.seen})",
        f"  with running statistics: top-1 error {running}",
        f"training error {clean}, clean; {result.while_training} in the last steps, augmented",
    ]
    if result.held_out is not None:
        lines.insert(3, f"held-out error {result.held_out}")
    return "\n".join([*lines, f"weights {folder.weights}", f"report {folder.report}"])

"""`deepres train`: from a network, pictures and a recipe to a folder with a tested network."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import UserError
from ..home import at_home
from ..runs.declare import Asked
from . import app, note, printed
from .planned import Wishes, place_of, work_of
from .trained import answer, told

if TYPE_CHECKING:
    from torch import nn

    from ..runs.folder import Folder
    from ..runs.log import Item
    from ..runs.pictures import Pictures
    from ..runs.result import Result
    from ..spec import Run


@app.command(epilog="Example: deepres train resnet20 --data cifar10 --steps 2000 --out runs/first")
def train(
    network: str | None = typer.Argument(None, help="A name, or package.module:callable."),
    data: str | None = typer.Option(
        None, help="digits, synthetic, cifar10[:PATH], folder:PATH, hub:NAME or a PATH."
    ),
    out: Path | None = typer.Option(None, help="The run's folder; runs/NAME-KEY if not given."),
    recipe: str | None = typer.Option(
        None, help="cifar (4.2), imagenet (3.4), digits, fast, or finetune (with --from)."
    ),
    steps: int | None = typer.Option(None, min=1, help="Scales the drops in proportion."),
    epochs: float | None = typer.Option(None, min=0, help="The same, in passes over the images."),
    batch: int | None = typer.Option(None, min=1, help="Pictures a step."),
    lr: float | None = typer.Option(None, min=0, help="The rate before the first drop."),
    drops: str | None = typer.Option(None, help="32000,48000, plateau, or steps (Fig. 4's)."),
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
    size: int | None = typer.Option(None, min=8, help="Of the crop, for folders: 224."),
    colour: str | None = typer.Option(
        None, help="Shifted along components measured on the data, published ones, or none."
    ),
    skip_bad: bool = typer.Option(False, "--skip-bad", help="Leave out, and list, bad pictures."),
    download: bool = typer.Option(False, "--download", help="Fetch what hub: names."),
    spec: Path | None = typer.Option(None, help="A run.json: that run, exactly."),
    resume: bool = typer.Option(False, "--resume", help="Go on with the run in --out."),
    watch: bool = typer.Option(False, "--watch", help="Look at the test set on the way, only so."),
    looks: int | None = typer.Option(None, min=0, help="How often to look at it on the way."),
    save_every: float = typer.Option(30.0, min=0, help="Seconds at least between two states."),
    device: str | None = typer.Option(None, help="cpu, cuda, cuda:1 or mps; cpu."),
    engine: str = typer.Option("auto", help="auto, eager, native, compiled or graph."),
    threads: int | None = typer.Option(None, min=1, help="Of the processor; all if not given."),
    workers: int | None = typer.Option(None, min=0, help="That prepare batches ahead; 0."),
    from_: str | None = typer.Option(None, "--from", help="Weights to start from."),
    freeze: str | None = typer.Option(None, help="What does not learn: stem..conv4."),
    tensorboard: bool = typer.Option(False, "--tensorboard", help="Write events too."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Train as the paper did, and test at the end; a run that was stopped goes on where it was."""
    began = time.perf_counter()
    _refuse_without_gpu(device, engine)
    _refuse_without_weights(recipe, from_, freeze)
    if tensorboard:
        from ..report.events import writer

        writer()  # refused before anything is made, where it is not installed
    asked = Asked(
        recipe=recipe or ("finetune" if from_ else None),
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
        size=size,
        colour=colour,
        bad="skipped" if skip_bad else None,
    )
    from ..ranks import joined
    from ..report.events import events
    from ..report.run import run_page
    from ..runs.disk import write_whole
    from ..runs.running import carried_out
    from ..runs.session import enough_memory
    from ..runs.start import beginning, described, keep, kept, started
    from ..runs.work import network_of, normalises
    from ..together import divided
    from .display import display
    from .joint import also, joint, own, unseen
    from .precise import warn_of
    from .stopping import heard
    from .wanted import declared, done, folder_of

    device, out = own(device), at_home(out) if out else None
    with joined(device or "cpu") as ranks, joint(ranks):
        there = done(network, data, out, spec, asked) if ranks.first and not from_ else None
        if ranks.any(there is not None):
            if there is not None:
                _again(*there, as_json)
            return
        run, pictures, source = declared(
            network, data, out, spec, asked, "missing" if download else "never", ranks
        )
        if from_ is not None:
            begun = beginning(from_)
            run = described(run, begun, freeze, size)
        divided(run.recipe, ranks)
        folder = folder_of(run, out, resume)
        if run.start and from_ is None:
            begun = kept(folder.path)
        if run.start:
            start: nn.Module = started(run, begun)
            normalises(start, run, pictures.train)
        else:
            start = network_of(run, pictures.train)
        if ranks.first:
            folder.take()
            if run.start:
                keep(folder.path, begun)
        _introduce(run, pictures, folder)
        if device in (None, "cpu"):
            warn_of(run.recipe.precision)
        wishes = Wishes(device, engine, threads, workers, watch, looks, save_every)
        with enough_memory(run.recipe):
            work = work_of(run, pictures, start, folder, wishes, ranks)
        with (
            heard() as stop,
            events(folder) if tensorboard and ranks.first else nullcontext(nothing) as written,
            (display if ranks.first else unseen)(run.recipe, len(pictures.train)) as shown,
        ):
            items = carried_out(work, start, folder, stop, source, began)
            result = _followed(items, (shown.show, written))
            if ranks.any(stop()) and result is None:
                note(f"Stopped, state saved: `deepres train --resume --out {folder.path}` goes on.")
            also(ranks, stop)
        if result is not None:
            write_whole(folder.report, run_page(folder).encode())
            printed(answer(folder, run, result), told(folder, run, result), as_json)


ENGINES = ("auto", "eager", "native", "compiled", "graph")


def _refuse_without_weights(recipe: str | None, from_: str | None, freeze: str | None) -> None:
    """What makes sense only for a network that was trained before."""
    if freeze is not None and from_ is None:
        raise UserError("--freeze keeps layers of trained weights: name these by --from.")
    if freeze is not None and not freeze.strip():
        raise UserError(
            "--freeze names nothing: write a part or a range such as stem..conv4, or leave it out."
        )
    if recipe == "finetune" and from_ is None:
        raise UserError(
            "--recipe finetune trains old layers at a tenth of its rate: name their weights by"
            " --from, or take another recipe."
        )


def _refuse_without_gpu(device: str | None, engine: str) -> None:
    """What takes a GPU where none is asked for, or there is none; engines that nobody knows."""
    if engine not in ENGINES:
        raise UserError(f"--engine {engine}: choose one of {', '.join(ENGINES)}.")
    if device not in (None, "cpu"):
        place_of(device)
        return
    if engine == "graph":
        raise UserError(
            "--engine graph takes a GPU, and --device cpu is the processor: --engine auto,"
            " eager, native or compiled."
        )


def _introduce(run: "Run", pictures: "Pictures", folder: "Folder") -> None:
    """What will be done, a line each."""
    recipe = run.recipe
    note(f"{run.name} on {len(pictures.train):,} images in {folder.path}")
    halves = f" as {recipe.replicas} x {recipe.share}" if recipe.replicas > 1 else ""
    warm = "" if recipe.warm_up == "none" else f" after a warm-up ({recipe.warm_up})"
    drops = recipe.drops if recipe.drops == "plateau" else ", ".join(f"{d:,}" for d in recipe.drops)
    note(
        f"{recipe.precision}, batch {recipe.batch}{halves}, {recipe.steps:,} steps,"
        f" rate {recipe.lr:g}{warm}, drops at {drops or 'no step'}"
    )
    if recipe.scaled_from is not None:
        full = recipe.scaled_from
        note(
            f"short of {full.steps:,} steps: rate x decay x steps is {recipe.shrinkage:.4f}, the"
            f" full schedule's {full.shrinkage:.4f}"
        )


def nothing(item: "Item") -> None:
    """A reader of the stream that does not listen."""


def _followed(
    items: "Iterator[Item | Result]", readers: "Sequence[Callable[[Item], None]]"
) -> "Result | None":
    """The result, or None where it was stopped before; readers get all else."""
    from ..runs.result import Result

    for item in items:
        if isinstance(item, Result):
            return item
        for read in readers:
            read(item)
    return None


def _again(run: "Run", folder: "Folder", as_json: bool) -> None:
    """The result of a run that is finished."""
    from ..report.run import run_page
    from ..runs.disk import write_whole

    result = folder.finished()
    assert result is not None
    if not folder.report.exists():
        write_whole(folder.report, run_page(folder).encode())
    printed(answer(folder, run, result), told(folder, run, result), as_json)

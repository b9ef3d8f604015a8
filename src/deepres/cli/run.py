"""`deepres run`: a table, a figure or an argument of the paper, carried out."""

from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..cores import usable
from ..errors import Failed, UserError
from . import app, note, printed
from .carrier import How, carrier, possible

if TYPE_CHECKING:
    from ..runs.pictures import Pictures
    from ..spec import Data
    from ..studies.carrying import Carry, Wanted
    from ..studies.runner import Task
    from ..studies.study import Row, Scale, Study


@app.command(epilog="Example: deepres run figure1 --scale short --data cifar10 --seeds 3")
def run(
    study: str = typer.Argument(help="A study's name: `deepres list` shows them."),
    scale: str = typer.Option("paper", help="smoke (seconds), short (a tenth) or paper."),
    only: str | None = typer.Option(None, help="One row, by its name or its network's."),
    seeds: int | None = typer.Option(None, min=1, max=100, help="Of each row; as declared."),
    data: str | None = typer.Option(None, help="As in `deepres train`; the study's own."),
    runs: Path = typer.Option(Path("runs"), help="Where runs are found and kept."),
    jobs: int = typer.Option(1, min=1, help="Runs at a time, which share the cores."),
    on: str | None = typer.Option(None, help="ray: over a Ray cluster."),
    device: str | None = typer.Option(None, help="cuda, cuda:1, mps or cpu: runs side by side."),
    precision: str = typer.Option("fp32", help="Of the runs: fp32 (the paper's), bf16 or fp16."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Run what is missing of a study, go on with what was stopped, and report."""
    from ..studies.catalogue import study as named
    from .precise import in_named

    how = How(jobs, on, device)
    declared, wished = in_named(named(study), precision), scale_named(scale)
    possible(declared, how)
    if declared.kind == "counted":
        if data is not None or seeds is not None or how.jobs > 1:
            raise UserError(f"{study} trains nothing: it takes no --data, --seeds, --jobs.")
        _counted(declared, only, runs, as_json)
        return
    if data is None and declared.data == "imagenet":
        raise UserError(
            f"{study} takes pictures of ImageNet's kind: --data folder:PATH names them."
        )
    _trained(declared, wished, only, seeds, data, runs, how, as_json)


def scale_named(text: str) -> "Scale":
    from ..studies.study import SCALES

    if text not in SCALES:
        raise UserError(f"--scale {text}: choose one of {', '.join(SCALES)}.")
    return text


def _trained(
    study: "Study",
    scale: "Scale",
    only: str | None,
    seeds: int | None,
    data: str | None,
    runs: Path,
    how: How,
    as_json: bool,
) -> None:
    """The study's trainings, then what is measured on them, then its page."""
    from ..runs.pictures import gathered
    from ..studies.carrying import tasks, wanted
    from ..studies.study import chosen

    source = data or study.data
    rows = chosen(study, only)
    pictures, told = gathered(source)
    _suits(study, told, scale)
    _there(runs)
    found = wanted(study, rows, scale, told, len(pictures.train.classes), runs, seeds)
    jobs = min(how.jobs, max(1, sum(not one.finished for one in found)))
    if how.on is None and how.device is None and jobs > usable():
        note(f"--jobs {jobs}: so many runs at a time share {usable()} of the machine's cores.")
    missing = tasks(found, source, scale, max(1, usable() // jobs))
    _introduce(study, scale, found, len(missing))
    if missing:
        _warn(study, rows, scale, seeds, how.device)
    missing, carry = carrier(missing, pictures, how)
    failed, held = _carry(missing, _images(missing, pictures), carry)
    _measure(study, scale, found, source)
    _report(study, scale, told, len(pictures.train.classes), runs, as_json, failed, held)


def _suits(study: "Study", data: "Data", scale: "Scale") -> None:
    """Refuses pictures of another kind than the study's, from which nothing could be read."""
    from ..runs.declare import ANY_SIZE

    small, files = study.size == 32, data.name in ANY_SIZE
    if small and files:
        raise UserError(f"{study.name} takes pictures of 32x32, such as --data cifar10, not files.")
    if not small and not files and scale != "smoke":
        raise UserError(f"{study.name} takes pictures of any size: --data folder:PATH names them.")


def _there(runs: Path) -> None:
    """Makes the folder of runs, unless it is there."""
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"--runs {runs} is no folder and cannot be made one ({error.strerror}): name another."
        ) from None


def _images(tasks: "list[Task]", pictures: "Pictures") -> int:
    """Trained on, for displays."""
    cut = tasks[0].run.data.train_images if tasks else 0
    return cut or len(pictures.train)


def _introduce(study: "Study", scale: "Scale", found: "list[Wanted]", missing: int) -> None:
    """What will be done."""
    note(f"{study.title}, {scale} scale: {len(found)} runs, {len(found) - missing} finished")
    for one in found:
        if one.finished:
            note(f"{one.row.name}, seed {one.run.seed}, is finished: {one.folder}")


def _warn(
    study: "Study",
    rows: "tuple[Row, ...]",
    scale: "Scale",
    seeds: int | None,
    device: str | None,
) -> None:
    """What it costs, and what makes it slower than it need be."""
    from ..studies.cost import RATES, minutes, work
    from .precise import precision_of, warn_of

    everything = work(study, rows, scale, seeds)
    cost = {name: minutes(everything / rate / 60) for name, rate in RATES.items()}
    if device in (None, "cpu"):
        told = f"From the start they take {cost['2 cores']} on two cores, by arithmetic; stopped"
        warn_of(precision_of(study))
    elif device == "mps":  # of which no rate is known
        told = "Stopped"
    else:
        told = f"From the start they take {cost['a T4']} on a T4 and {cost['an H100']} on an H100,"
        told += " by arithmetic; stopped"
    note(f"{told} ones go on where they were.")


def _carry(tasks: "list[Task]", images: int, carry: "Carry") -> tuple[list[str], list[str]]:
    """Carries out what is missing: a sentence for each run that failed, and what others hold."""
    from ..studies.carrying import carried
    from ..studies.runner import Ended
    from .watching import watching

    failed: list[str] = []
    held: list[str] = []
    if not tasks:
        return failed, held
    with watching(tasks, images) as show, closing(carried(tasks, carry)) as stream:
        for task, message in stream:
            show(task, message)
            if not isinstance(message, Ended):
                continue
            if message.users_fault and not message.held:
                raise UserError(message.why)
            if message.held:
                note(f"{task.label} is left out: another process works on it, in {task.folder}.")
                held.append(task.label)
                continue
            note(f"{task.label} is left out: {message.why}")
            failed.append(f"{task.label}: {message.why}")
    return failed, held


def _measure(study: "Study", scale: "Scale", found: "list[Wanted]", source: str) -> None:
    """What a study measures on its trained networks."""
    from ..runs.pictures import as_declared
    from ..studies.measures import (
        keep_deeper,
        keep_ensemble,
        keep_gradients,
        keep_responses,
        keep_views,
    )
    from ..studies.study import seeds_of

    there = [one for one in found if one.finished]
    pictures = cache(partial(as_declared, source))  # of few data, for many runs
    for one in there:
        if one.row.views.views != "one":
            keep_views(one.folder, pictures(one.run.data).test, one.row.views.views)
        if study.responses:
            keep_responses(one.folder, pictures(one.run.data).train)
        if study.gradients:
            keep_gradients(one.folder, pictures(one.run.data).train)
        if study.deeper and one.row is study.rows[0]:
            keep_deeper(one.folder, pictures(one.run.data).test, study.deeper)
    members = [one for one in there if one.run.seed < seeds_of(one.row, scale, None)]
    declared = sum(seeds_of(row, scale, None) for row in study.rows)
    if study.kind == "ensemble" and len(members) == declared:
        test = pictures(there[0].run.data).test
        keys = [one.run.key for one in members]
        keep_ensemble([one.folder for one in members], keys, test, there[0].row.views.views)


def _report(
    study: "Study",
    scale: "Scale",
    data: "Data",
    classes: int,
    runs: Path,
    as_json: bool,
    failed: list[str],
    held: list[str],
) -> None:
    """The page, the table, the verdicts, and what they make of the exit status."""
    from ..report.study import page_of
    from ..report.summary import ensembles_of, rows_of, text_of
    from ..runs.disk import write_whole
    from ..studies.outcome import gathered
    from ..studies.rows import results
    from .precise import page_name, precision_of

    found = results(study, gathered([runs]), scale, data, classes)
    findings = found.findings()
    page = runs / page_name(study)
    write_whole(page, page_of(found).encode())
    answer: dict[str, Any] = {
        "study": study.name,
        "scale": scale,
        "data": data.name,
        "precision": precision_of(study),
        "rows": rows_of(found),
        "claims": [
            {"claim": f.claim, "verdict": f.verdict, "found": f.found, "p": f.p} for f in findings
        ],
        "ensembles": ensembles_of(found),
        "report": str(page.resolve()),
        "failed": failed,
        "held_by_others": held,
    }
    printed(answer, f"{text_of(found)}\n{page}", as_json)
    if failed:
        raise Failed(f"{len(failed)} of the study's runs failed: {failed[0]}")
    lost = [f.claim for f in findings if f.verdict == "fails"]
    if lost and scale == "paper" and not study.own:
        raise Failed(f"this does not hold: {'; '.join(lost)}")


def _counted(study: "Study", only: str | None, runs: Path, as_json: bool) -> None:
    """A study that trains nothing."""
    from msgspec import structs

    from ..report.as_html import html
    from ..report.counted import counted, counted_text
    from ..report.study import counted_content
    from ..runs.disk import write_whole
    from ..studies.study import chosen

    rows = counted(structs.replace(study, rows=chosen(study, only)))
    page = runs / f"{study.name}.html"
    _there(runs)
    write_whole(page, html(study.title, counted_content(study, rows)).encode())
    answer = {"study": study.name, "scale": "paper", "rows": rows, "claims": []}
    printed(
        answer | {"report": str(page.resolve())}, f"{counted_text(study, rows)}\n{page}", as_json
    )

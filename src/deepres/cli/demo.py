"""`deepres demo`: the paper's argument on embedded data, live, in a few minutes."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..cores import usable
from ..errors import Failed
from . import app, note, printed

if TYPE_CHECKING:
    from ..runs.folder import Folder
    from ..runs.result import Result
    from ..spec import Data
    from ..studies.demo import Row
    from ..studies.runner import Task


@app.command(epilog="Example: deepres demo --seeds 3")
def demo(
    out: Path = typer.Option(Path("runs/demo"), help="Where its runs and its page go."),
    seeds: int = typer.Option(1, min=1, max=10, help="How often, each from another start."),
    steps: int = typer.Option(500, min=1, help="Of each network; 1200 shows what time mends."),
    jobs: int | None = typer.Option(None, min=1, help="Networks at a time; one a core."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Train plain and residual networks of four depths on digits, and say what was seen."""
    began = time.perf_counter()
    from ..studies import demo as study
    from ..studies.runner import Task, carried_out, folder_of
    from .watching import watching

    tasks = [
        Task(run=run, source="digits", folder=str(folder_of(run, out)), looks=study.LOOKS)
        for run in study.runs(digits(), seeds, steps)
    ]
    note(
        f"{len(tasks)} networks on 1,297 digits of 8 x 8, {tasks[0].run.recipe.steps} steps each,"
        f" {min(jobs or usable(), len(tasks))} at a time; they are kept in {out}"
    )
    with watching(tasks, 1_297) as show:
        for task, message in carried_out(tasks, jobs or usable()):
            show(task, message)
    _finish(tasks, out, began, as_json)


def digits() -> "Data":
    """The embedded digits, by content."""
    from ..data.digits import images
    from ..spec import Data

    return Data(name="digits", train=images("train").digest, test=images("test").digest)


def _finish(tasks: "list[Task]", out: Path, began: float, as_json: bool) -> None:
    """Measures what takes trained networks, writes the page, says what was seen."""
    import torch

    from ..report.demo import demo_page
    from ..runs.disk import write_whole
    from ..runs.folder import Folder
    from ..studies import demo as study
    from ..studies.afterwards import existence, gradients

    torch.set_num_threads(1)  # networks so small gain nothing from more
    folders = {task.run: Folder(Path(task.folder)) for task in tasks}
    table = study.rows({run: _result(folder) for run, folder in folders.items()})
    first = {study.name_of(run): (run, f) for run, f in folders.items() if run.seed == 0}
    found = existence(first[study.ends()[0]][1].path, study.DEPTHS[-1])
    norms = [gradients(n, first[n][0], first[n][1].path) for n in study.ends()]
    claims = [*study.claims(table), study.existence_claim(found)]
    seconds = time.perf_counter() - began
    by_name = {name: folder for name, (_, folder) in first.items()}
    page = out / "report.html"
    write_whole(page, demo_page(by_name, table, claims, found, norms, seconds).encode())
    answer = {
        "claims": [{"claim": c.claim, "verdict": c.verdict, "found": c.found} for c in claims],
        "report": str(page.resolve()),
        "seconds": seconds,
        "training_errors": {name: row.training_errors for name, row in table.items()},
        "test_errors": {name: row.test_errors for name, row in table.items()},
        "largest_difference": found.largest_difference,
    }
    text = [
        *_rows(table),
        "",
        *study.seen(table),
        study.existence_said(found, table[f"plain-{found.deep}"]),
        study.gradients_said(norms),
        study.CAUTION,
        "",
        *(f"{claim.verdict:>12}  {claim.claim}: {claim.found}" for claim in claims),
        "",
        f"{page}, after {seconds:.0f} s",
    ]
    printed(answer, "\n".join(text), as_json)


def _result(folder: "Folder") -> "Result":
    result = folder.finished()
    if result is None:
        raise Failed(f"{folder.path} has no result.json, though its training ended.")
    return result


def _rows(table: "dict[str, Row]") -> list[str]:
    """The table, as text."""
    from ..studies.demo import mean

    lines = [f"{'':<13}{'training error, clean':>24}{'test error':>24}"]
    for row in table.values():
        cells = [
            f"{mean([e.top1_error for e in errors])}"
            + (f" ({errors[0].top1}/{errors[0].seen})" if len(errors) == 1 else "")
            for errors in (row.trained_on, row.test)
        ]
        lines.append(f"{row.name:<13}{cells[0]:>24}{cells[1]:>24}")
    return lines

"""`deepres report`: what was run, as one page that opens anywhere, as Markdown, or as a line."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import UserError
from . import app, note, printed

if TYPE_CHECKING:
    from ..report.blocks import Block
    from ..studies.rows import Results
    from ..studies.study import Study

RUNS, RESULTS = Path("runs"), Path("results")


@app.command(epilog="Example: deepres report figure6 --runs runs --out figure6.html")
def report(
    what: str = typer.Argument(help="A study's name, or a run's folder."),
    runs: list[Path] = typer.Option(
        [], help="Folders of runs or files of lines; ./runs and ./results/*.jsonl."
    ),
    scale: str | None = typer.Option(None, help="smoke, short or paper; the largest there is."),
    data: str | None = typer.Option(None, help="Of which data; the study's own where there are."),
    weights: list[str] = typer.Option([], help="figure7: any weights, measured now."),
    precision: str = typer.Option("fp32", help="Of the runs: fp32 (the paper's), bf16 or fp16."),
    out: Path | None = typer.Option(None, help="FILE.html, FILE.md or FILE.jsonl, which it joins."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Write the page of a study, with the paper's numbers beside ours, or of one run."""
    from ..studies.catalogue import STUDIES

    if what not in STUDIES and Path(what).is_dir():
        path = _of_run(Path(what), out)
    elif what not in STUDIES and len(Path(what).parts) > 1:
        raise UserError(f"{what}: there is no such folder of a run, nor a study of that name.")
    else:
        path = _of_study(what, runs, scale, data, weights, precision, out)
    printed({"file": str(path.resolve())}, str(path), as_json)


def _written_as(path: Path, kinds: tuple[str, ...]) -> Path:
    """The file to write, whose name says as what; its folder is made."""
    if path.is_dir() or path.suffix not in kinds:
        raise UserError(f"--out {path}: a file's name is wanted that ends in {' or '.join(kinds)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _of_run(place: Path, out: Path | None) -> Path:
    """Of a run's folder: its page, or its line of results."""
    from ..report.run import run_page
    from ..runs.disk import write_whole
    from ..runs.folder import Folder

    folder = Folder(place)
    if not folder.run.exists():
        raise UserError(
            f"{place} is no run's folder: there is no {folder.run};"
            f" of runs within it, `deepres report STUDY --runs {place}` makes a page."
        )
    path = _written_as(out or folder.report, (".html", ".jsonl"))
    if path.suffix == ".jsonl":
        from ..studies.outcome import add_lines, outcome_of

        found = outcome_of(folder)
        if found is None:
            raise UserError(f"{place} is not finished: there is no {folder.result}.")
        add_lines(path, [found])
    else:
        write_whole(path, run_page(folder).encode())
    return path


def _of_study(
    name: str,
    runs: list[Path],
    scale: str | None,
    data: str | None,
    weights: list[str],
    precision: str,
    out: Path | None,
) -> Path:
    """Of a study: its page as HTML or Markdown, or the lines of its finished runs."""
    from ..report.study import content
    from ..studies.catalogue import study as named
    from ..studies.outcome import add_lines
    from .precise import in_named, page_name

    study = in_named(named(name), precision)
    path = out or (runs[0] if runs and runs[0].is_dir() else RUNS) / page_name(study)
    if weights and not study.responses:
        raise UserError(f"--weights is for figure7: {study.name} is about trainings.")
    if weights:
        _of_weights(study, weights, data, _written_as(path, (".html", ".md")))
        return path
    if study.kind == "counted":
        _counted(study, _written_as(path, (".html", ".md")))
        return path
    found = _found(study, runs, scale, data)
    _written_as(path, (".html", ".md", ".jsonl"))
    if path.suffix == ".jsonl":
        count = add_lines(path, (one for row in found.rows for one in row.outcomes))
        note(f"{count} finished runs in {path}")
    else:
        _written(study.title, content(found), path)
    return path


def _found(study: "Study", runs: list[Path], scale: str | None, data: str | None) -> "Results":
    """What there is of a study."""
    from ..studies.outcome import gathered
    from ..studies.rows import largest
    from ..studies.study import CLASSES
    from .run import scale_named

    wished = scale_named(scale) if scale else None
    if absent := [str(place) for place in runs if not place.exists()]:
        raise UserError(f"--runs {absent[0]}: there is no such folder of runs or file of lines.")
    outcomes = gathered(runs or [RUNS, *sorted(RESULTS.glob("*.jsonl"))])
    known = dict.fromkeys([*CLASSES, *(one.run.data.name for one in outcomes)])
    if data is not None and data not in known:
        raise UserError(f"--data {data}: a page is of runs on one of {', '.join(known)}.")
    return largest(study, outcomes, wished, data)


def _written(title: str, blocks: "list[Block]", path: Path) -> None:
    """HTML, or Markdown with its charts beside it."""
    from ..report.as_html import html
    from ..report.as_markdown import markdown
    from ..runs.disk import write_whole

    if path.suffix != ".md":
        write_whole(path, html(title, blocks).encode())
        return
    text, files = markdown(blocks, path.stem)
    write_whole(path, text.encode())
    for name, svg in files.items():
        write_whole(path.with_name(name), svg.encode())


def _counted(study: "Study", path: Path) -> None:
    """Table 1."""
    from ..report.counted import counted
    from ..report.study import counted_content

    _written(study.title, counted_content(study, counted(study)), path)


def _of_weights(study: "Study", weights: list[str], data: str | None, path: Path) -> None:
    """Fig. 7 of weights that may be anybody's; files of one name are told apart by their paths."""
    from ..data.source import images
    from ..report.weights import weights_blocks
    from ..studies.measures import responses_of_file

    pictures = images(data or study.data, "train")
    names = [Path(one).name for one in weights]
    told = dict(
        responses_of_file(one, name if names.count(name) == 1 else one, pictures)
        for one, name in zip(weights, names, strict=True)
    )
    _written(study.title, weights_blocks(study, told, pictures.name), path)

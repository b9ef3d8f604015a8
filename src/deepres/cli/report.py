"""`deepres report`: what was run, as one page that opens anywhere."""

from pathlib import Path

import typer

from ..errors import UserError
from . import app, printed


@app.command(epilog="Example: deepres report runs/first")
def report(
    what: Path = typer.Argument(help="A run's folder."),
    out: Path | None = typer.Option(None, help="The page; report.html in the folder if not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Write the page of a run: curves, numbers, confusion, mistakes, recipe, machine."""
    from ..report.run import run_page
    from ..runs.disk import write_whole
    from ..runs.folder import Folder

    folder = Folder(what)
    if not folder.run.exists():
        raise UserError(f"{what} is no run's folder: there is no {folder.run}.")
    path = out or folder.report
    write_whole(path, run_page(folder).encode())
    printed({"file": str(path.resolve())}, str(path), as_json)

"""`deepres data`: what a source holds and what is wrong with it; fetching CIFAR."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from ..home import at_home
from . import app, note, printed

if TYPE_CHECKING:
    from ..data.checks import Check, Split

data = typer.Typer(
    help="Check or fetch data sets.",
    epilog="Example: deepres data check cifar10",
    no_args_is_help=True,
)
app.add_typer(data, name="data")


@data.command(epilog="Example: deepres data check cifar10:~/data/cifar-10-batches-py")
def check(
    source: str = typer.Argument(..., help="cifar10[:PATH], folder:PATH, hub:NAME, a path, ..."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Read every file of a source, count, compare digests, name whatever is wrong."""
    from ..data import checks

    _told(checks.check(source, note), {"source": source}, as_json)


@data.command(epilog="Example: deepres data fetch cifar10 --to ~/data/cifar10")
def fetch(
    name: str = typer.Argument(..., help="cifar10 or cifar100"),
    to: str | None = typer.Option(None, "--to", metavar="DIR", help="Folder to put it in."),
    mirror: str | None = typer.Option(
        None, "--mirror", metavar="URL", help="Ask this address and no other."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Download CIFAR-10 or -100, go on where an earlier download broke, verify, unpack."""
    from ..data import checks, source
    from ..data.cifar.facts import BOTH
    from ..data.fetch import download, fetching
    from ..errors import UserError

    if name not in BOTH:
        raise UserError(f"There is no {name!r} to fetch: only {' and '.join(BOTH)}.")
    folder = at_home(to) if to else source.own_folder(name)
    try:
        fetching.fetch(name, folder, mirror, note)
    except download.FetchError as error:
        if as_json:
            printed({"images": 0, "classes": 0, "problems": [str(error)]}, "", as_json)
        raise
    note(f"{name} is in {folder}: use it as --data {name}{f':{folder}' if to else ''}.")
    _told(checks.check(f"{name}:{folder}"), {"folder": str(folder.resolve())}, as_json)


def _told(result: "Check", about: dict[str, Any], as_json: bool) -> None:
    """Prints a check and ends with 2 where it found problems."""
    answer = about | {
        "images": sum(split.images for split in result.splits.values()),
        "classes": len(result.classes),
        # what is read all the same is named with the rest, after what is at fault
        "problems": [*result.problems, *result.remarks],
        "remarks": list(result.remarks),
        "splits": {name: asdict(split) for name, split in result.splits.items()},
    }
    lines = [result.where]
    for name, split in result.splits.items():
        lines += ["", *_table(name, split)]
    if result.remarks:
        lines += ["", "Read all the same:", *result.remarks]
    lines += ["", *(result.problems or ["No problems."])]
    if as_json or result.splits:
        printed(answer, "\n".join(lines), as_json)
    if result.problems:
        if as_json or not result.splits:  # else they stand under the tables
            for problem in result.problems:
                note(f"deepres: {problem}")
        raise typer.Exit(2)


def _table(name: str, split: "Split") -> list[str]:
    numbers = set(split.per_class.values())
    if len(numbers) == 1:
        each = f"{numbers.pop():,} each"
    else:
        each = ", ".join(f"{label} {count:,}" for label, count in split.per_class.items())
    rows = {
        name: f"{split.images:,} images",
        "classes": f"{len(split.per_class)}: {each}",
        "digest": f"{split.digest[:16]}, {split.verdict}",
        "mean": "  ".join(f"{value:.4f}" for value in split.mean),
        "deviation": "  ".join(f"{value:.4f}" for value in split.deviation),
    }
    return [f"  {label:<11}{text}" for label, text in rows.items()]

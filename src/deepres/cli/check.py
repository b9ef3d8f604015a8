"""The command that holds somebody's network against the paper's."""

import textwrap
from typing import TYPE_CHECKING

import typer
from msgspec import to_builtins

from . import app, printed

if TYPE_CHECKING:
    from ..check.verdict import Verdict

COLUMNS = 80


@app.command(epilog="Example: deepres check mynet.py:Net --against resnet20")
def check(
    network: str = typer.Argument(help="package.module:callable or path/to/file.py:callable."),
    against: str = typer.Option(help="The network of the paper that it should be."),
    classes: int | None = typer.Option(None, min=1, help="Number of classes; else its own."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Your network against the paper's: layers, shortcuts, order, start, outputs, gradients."""
    from ..check.verdict import check as held_against

    verdict = held_against(network, against, classes)
    printed(to_builtins(verdict), _page(verdict), as_json)
    raise typer.Exit(0 if verdict.same else 1)


def _page(verdict: "Verdict") -> str:
    """The verdict first, then what differs, the counts, and how it was compared."""
    number = len(verdict.differences)
    many = "1 difference" if number == 1 else f"{number} differences"
    head = f"{verdict.network} is {verdict.against}, as the paper has it."
    if number:
        head = f"{verdict.network} is not {verdict.against}: {many}."
    lines = [head, ""]
    for place, text in enumerate(verdict.differences, 1):
        lines += [*_wrapped(text, f"{place:>3}. "), ""]
    lines += [*_table(verdict), ""]
    size = f"{verdict.size}x{verdict.size}"
    lines += _wrapped(f"Both ran on {size} pictures; {verdict.compared}", "")
    if verdict.remarks:
        lines += ["", "Not differences, but good to know:"]
        for text in verdict.remarks:
            lines += _wrapped(text, "  - ")
    return "\n".join(lines)


def _wrapped(text: str, mark: str) -> list[str]:
    """A sentence with its capital and its full stop, in lines of a usual terminal."""
    sentence = f"{text[0].upper()}{text[1:]}."
    return textwrap.wrap(
        sentence,
        COLUMNS,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(verdict: "Verdict") -> list[str]:
    title = f"the paper's {verdict.against}"
    lines = [f"  {'':<14}{'yours':>16}  {title:>28}"]
    for field in ("layers", "parameters", "multiply_adds"):
        yours, papers = getattr(verdict.yours, field), getattr(verdict.paper, field)
        counted = f"{yours:,}" if yours else "-"
        lines.append(f"  {field.replace('_', '-'):<14}{counted:>16}  {papers:>28,}")
    return lines

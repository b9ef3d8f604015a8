"""The display on a terminal: five lines that change in place."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..runs.log import Found
from ..runs.session import Item
from ..spec import Recipe
from .display import BLOCKS, Known

SPARKS = 40


class Panel:
    """What is known, drawn anew a few times a second; sentences stay above it."""

    def __init__(self, known: Known, console: Console) -> None:
        self.known, self.console = known, console

    def show(self, item: Item) -> None:
        """Takes in one thing that happened."""
        self.known.learn(item)
        if isinstance(item, str):
            self.console.print(item, highlight=False)
        elif isinstance(item, Found):
            self.console.print(f"{item.event} after step {item.step:,}", highlight=False)

    def __rich__(self) -> RenderableType:
        known = self.known
        done = Table.grid(expand=True)
        done.add_column(ratio=1)
        done.add_column(justify="right")
        steps = known.recipe.steps
        done.add_row(
            ProgressBar(total=steps, completed=known.step), f" {100 * known.step / steps:.0f} %"
        )
        lines = [known.place, known.numbers, known.speed, *known.seen]
        texts = [Text(line, no_wrap=True, overflow="ellipsis") for line in lines if line]
        curve = Text("training error ", style="dim", no_wrap=True, overflow="ellipsis")
        curve.append(sparks(known.errors), style="cyan")
        return Group(done, *texts, curve)


def sparks(values: list[float]) -> str:
    """A curve in one line of text, the whole run squeezed into it; the full block is the worst."""
    if not values:
        return ""
    top = max(values) or 1.0
    count = min(SPARKS, len(values))
    bounds = [len(values) * n // count for n in range(count + 1)]
    pieces = [values[a:b] for a, b in pairwise(bounds)]
    heights = [sum(piece) / len(piece) / top for piece in pieces]
    drawn = "".join(BLOCKS[round(h * (len(BLOCKS) - 1))] for h in heights)
    return f"{drawn} {values[0]:.0f} % to {values[-1]:.2f} %"


@contextmanager
def live(recipe: Recipe, images: int, console: Console | None = None) -> Iterator[Panel]:
    """The panel on standard error for as long as this is entered."""
    console = console or Console(stderr=True)
    panel = Panel(Known(recipe, images), console)
    with Live(panel, console=console, refresh_per_second=4, transient=False):
        yield panel

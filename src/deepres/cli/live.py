"""The displays on a terminal: a few lines that change in place."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..runs.log import Found, Item
from ..spec import Recipe
from ..studies.runner import Message, Said, Task
from .known import Known
from .many import Many, name_of

BLOCKS, SPARKS = "▁▂▃▄▅▆▇█", 40


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
    """A curve in one line of text, from its first to its last value; the worst fills a block."""
    if not values:
        return ""
    return f"{heights(values, SPARKS, max(values))} {values[0]:.0f} % to {values[-1]:.2f} %"


def heights(values: list[float], most: int, top: float) -> str:
    """At most so many blocks, each as high as the root of the mean of its part of the values.

    Roots, since errors fall by powers: the end of a curve would be a line of lowest blocks.
    """
    count = min(most, len(values))
    bounds = [len(values) * n // count for n in range(count + 1)] if count else [0]
    means = [sum(values[a:b]) / (b - a) / (top or 1.0) for a, b in pairwise(bounds)]
    return "".join(BLOCKS[round(height**0.5 * (len(BLOCKS) - 1))] for height in means)


@contextmanager
def live(recipe: Recipe, images: int, console: Console | None = None) -> Iterator[Panel]:
    """The panel on standard error for as long as this is entered."""
    console = console or Console(stderr=True)
    panel = Panel(Known(recipe, images), console)
    with Live(panel, console=console, refresh_per_second=4, transient=False):
        yield panel


class Rows:
    """A row for each network of the seed that is at work."""

    def __init__(self, many: Many, console: Console) -> None:
        self.many, self.console = many, console

    def __call__(self, task: Task, message: Message) -> None:
        """Takes in one thing that happened."""
        self.many.learn(task, message)
        if isinstance(message, Said):
            self.console.print(f"{name_of(task)}: {message.text}", highlight=False)

    def __rich__(self) -> RenderableType:
        many = self.many
        at_work = [task for task in many.tasks if task.folder not in many.done] or many.tasks[-1:]
        seed = min(task.run.seed for task in at_work)
        rows = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for title, side in (("", "left"), ("", "left"), ("training", "left")):
            rows.add_column(title, justify=side, no_wrap=True)  # type: ignore[arg-type]
        rows.add_column("error", justify="right", no_wrap=True)
        rows.add_column("test, watched", justify="right", no_wrap=True)
        for task in sorted((t for t in many.tasks if t.run.seed == seed), key=place):
            rows.add_row(*self._cells(task))
        head = Text(f"{100 * many.share:.0f} %  {many.left}", style="bold")
        return Group(head, rows)

    def _cells(self, task: Task) -> list[RenderableType]:
        known = self.many.known[task.folder]
        test = known.looks.get("test")
        bar = ProgressBar(total=known.recipe.steps, completed=known.step, width=14)
        return [
            Text(name_of(task), style="" if known.step else "dim"),
            bar,
            Text(heights(known.errors, 24, 100.0), style="cyan"),
            f"{known.errors[-1]:.1f} %" if known.errors else "",
            f"{test.top1_error:.1f} %" if test else "",
        ]


def place(task: Task) -> tuple[str, int]:
    """Where a network stands in the table: by kind, then by depth."""
    return task.run.name.partition("-")[0].rstrip("0123456789"), task.layers


@contextmanager
def table(many: Many) -> Iterator[Rows]:
    """The table on standard error for as long as this is entered."""
    console = Console(stderr=True)
    rows = Rows(many, console)
    with Live(rows, console=console, refresh_per_second=4):
        yield rows

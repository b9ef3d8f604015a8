"""What is known of a run while it trains, in words."""

from ..runs.log import Evaluated, Item, Moment, Report
from ..spec import Recipe


class Known:
    """What is known of a run so far, in words."""

    def __init__(self, recipe: Recipe, images: int) -> None:
        self.recipe, self.images = recipe, images  # trained on
        self.step, self.rate, self.pace = 0, 0.0, 0.0
        self.report: Report | None = None
        self.errors: list[float] = []
        self.looks: dict[str, Evaluated] = {}

    def learn(self, item: Item) -> None:
        """Takes in one thing that happened."""
        if isinstance(item, Moment):
            self.step, self.rate, self.pace = item.step, item.rate, item.seconds
        elif isinstance(item, Report):
            self.report = item
            self.errors.append(item.training_error)
        elif isinstance(item, Evaluated):
            self.looks[item.pictures] = item

    @property
    def place(self) -> str:
        """Epoch, step and images."""
        recipe, images = self.recipe, self.images
        seen = self.step * recipe.batch
        return (
            f"epoch {seen / images:.1f}/{recipe.steps * recipe.batch / images:.1f}"
            f"  step {self.step:,}/{recipe.steps:,}"
            f"  images {seen:,}/{recipe.steps * recipe.batch:,}"
        )

    @property
    def speed(self) -> str:
        """Rate, images per second, time left."""
        recipe = self.recipe
        if not self.pace:
            return ""
        return (
            f"rate {self.rate:g}  {recipe.batch / self.pace:,.0f} images/s"
            f"  {duration((recipe.steps - self.step) * self.pace)} left"
        )

    @property
    def numbers(self) -> str:
        """Loss and training accuracy, as of the last report."""
        if self.report is None:
            return "loss -"
        seen, right = self.report.seen, self.report.seen - self.report.wrong
        accuracy = f"training accuracy {100 * right / seen:.2f} % ({right}/{seen})"
        return f"loss {self.report.loss:.4f}  {accuracy}"

    @property
    def seen(self) -> list[str]:
        """The last looks at clean pictures, a line each."""
        return [look(found) for found in self.looks.values()]


def look(found: Evaluated) -> str:
    """One evaluation in words."""
    names = {"trained on": "clean training error", "held out": "held-out error"}
    name = names.get(found.pictures, "test error, only watched" if found.watching else "test error")
    how = " with running statistics" if found.statistics == "running" else ""
    return f"{name}{how} {found.errors} at step {found.step:,}"


def duration(seconds: float) -> str:
    """As people say it: 45 s, 12 min, 2 h 05 min, 3 d 4 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def minutes_and_seconds(seconds: float) -> str:
    """12 minutes 34 seconds."""
    whole, rest = divmod(round(seconds), 60)
    return f"{whole:,} minutes {rest} seconds"

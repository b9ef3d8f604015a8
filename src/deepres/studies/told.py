"""A row of a study with what its runs measured: one value a seed, means and spreads of them."""

import math
import statistics
from dataclasses import dataclass
from itertools import pairwise

from ..tally import Tally
from .outcome import Outcome
from .study import Measure, Row, Scale


@dataclass(frozen=True)
class Told:
    """A row with what came of its runs, a value a seed."""

    row: Row
    scale: Scale
    seeds: int  # declared
    outcomes: tuple[Outcome, ...]

    @property
    def errors(self) -> list[float]:
        """The row's own measure, a value a seed."""
        return self.values(self.row.measure)

    def values(self, measure: Measure) -> list[float]:
        """Any measure, a value a seed; seeds that lack it are left out."""
        found = [measured(one, measure, self.row.views.views) for one in self.outcomes]
        return [value for value in found if value is not None]

    @property
    def mean(self) -> float | None:
        """Over seeds."""
        return statistics.fmean(self.errors) if self.errors else None

    @property
    def deviation(self) -> float | None:
        """Between seeds; None with fewer than two."""
        return statistics.stdev(self.errors) if self.errors[1:] else None

    @property
    def best(self) -> float | None:
        """Of the final errors over seeds, as the paper prints it for 110 layers."""
        return min(self.errors, default=None)

    @property
    def binomial(self) -> float | None:
        """The standard error that so many test pictures leave, in points."""
        return self.chance(self.row.measure) if self.errors else None

    def chance(self, measure: Measure) -> float:
        """The same of any error: of test pictures, or of those trained on."""
        values = self.values(measure)
        if not values:
            return 0.0
        first, part = self.outcomes[0], statistics.fmean(values) / 100
        seen = first.test.seen if measure.startswith("test") else first.trained_on.seen
        return 100 * math.sqrt(part * (1 - part) / seen)

    @property
    def difference(self) -> float | None:
        """From the paper's number: of means where it prints one, else from its single run."""
        paper = self.row.paper
        if paper is None or paper.about or self.mean is None:
            return None
        if paper.spread is not None:
            return self.mean - paper.spread[0]
        return None if paper.error is None else self.mean - paper.error

    @property
    def top5_errors(self) -> list[float]:
        """Of the row's own views, a value a seed."""
        found = [tested(one, self.row.views.views) for one in self.outcomes]
        return [one.top5_error for one in found if one is not None]

    @property
    def lowest_seen(self) -> float | None:
        """The lowest test error, averaged over seeds: biased low, as others print it."""
        lows = [
            min(one.test.top1_error, *(error for _, error in one.watched))
            for one in self.outcomes
            if one.watched
        ]
        return statistics.fmean(lows) if lows else None


def tested(one: Outcome, views: str = "one") -> Tally | None:
    """The test of a run by these views; None where they have not been looked at."""
    return one.test if views == "one" else one.views.get(views)


def measured(one: Outcome, measure: Measure, views: str = "one") -> float | None:
    """One number of a run."""
    if measure == "test error":
        found = tested(one, views)
        return found.top1_error if found else None
    if measure == "test error with running statistics":
        return one.test_running.top1_error
    if measure == "clean training error":
        return one.trained_on.top1_error
    if measure == "training error as it was":
        return one.while_training.top1_error
    if measure == "training error as it was, mean of all steps":
        return _mean_of_curve(one)
    if measure == "deviation of responses":
        return statistics.fmean(one.responses) if one.responses else None
    return one.gradients[0] / one.gradients[-1] if one.gradients else None


def _mean_of_curve(one: Outcome) -> float | None:
    if not one.training:
        return None
    steps = [0, *(step for step, _ in one.training)]
    weights = [after - before for before, after in pairwise(steps)]
    errors = [error for _, error in one.training]
    return statistics.fmean(errors, weights)

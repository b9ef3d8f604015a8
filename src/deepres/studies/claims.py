"""Inequalities between runs, and when they count as shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .student import ALPHA, Welch, against, holm, single, welch

Verdict = Literal["holds", "fails", "within noise"]

METHOD = (
    "A claim is an inequality between two networks, or a network and a number, and names the error"
    " it speaks of. With two seeds or more on each side it holds where a one-sided Welch test over"
    f" seeds finds the stated side larger at {100 * ALPHA:g} %, and fails where it finds the other"
    " side larger, both corrected by Holm's method over all claims of the study, those that are"
    " not run yet too; else it is within noise. A single run beside three seeds or more is taken to"
    " spread as they do. g is Hedges' effect size: the difference in standard deviations between"
    " seeds. With fewer seeds a claim is within noise unless single runs lie further apart than the"
    " margin printed beside it: as a rule 3 points of error after the paper's whole schedule and 10"
    " after any other, whose seeds lie further apart, and never less than 5 binomial standard"
    " errors."
)
BRIEFLY = (
    "With two seeds or more a verdict is that of a one-sided Welch test, corrected over the study;"
    " single runs decide where they lie further apart than the margin beside them. The whole rule"
    " stands on the page that `deepres report` writes."
)

NOT_RUN = "not run yet"
ELSEWHERE = "its number is of the paper's own data and schedule"
MANY = 3  # seeds that tell how far a single run of another row may lie


@dataclass(frozen=True)
class Inequality:
    """The stated larger side, the smaller one, and what is compared."""

    claim: str
    what: str  # test error
    larger: Sequence[float] | float  # a value a seed, or a number
    smaller: Sequence[float] | float
    margin: float  # in the unit of the values

    @property
    def test(self) -> Welch | None:
        """The test over seeds, where there are enough on each side."""
        large, small = self.larger, self.smaller
        if isinstance(large, float) or isinstance(small, float):
            if isinstance(small, float) and isinstance(large, Sequence) and len(large) > 1:
                return against(large, small)
            if isinstance(large, float) and isinstance(small, Sequence) and len(small) > 1:
                return _turned(against(small, large))
            return None
        if min(len(large), len(small)) > 1:
            return welch(large, small)
        if len(large) == 1 and len(small) >= MANY:
            return single(large[0], small)
        if len(small) == 1 and len(large) >= MANY:
            return _turned(single(small[0], large))
        return None

    @property
    def difference(self) -> float | None:
        """Of the means; None where a side has not been run."""
        means = [
            side if isinstance(side, float) else statistics.fmean(side) if side else None
            for side in (self.larger, self.smaller)
        ]
        return None if means[0] is None or means[1] is None else means[0] - means[1]


def _turned(test: Welch) -> Welch:
    return Welch(-test.difference, test.error, test.freedom, -test.effect)


@dataclass(frozen=True)
class Finding:
    """A sentence that a run can check, what was found, and what that makes of it."""

    claim: str
    found: str
    verdict: Verdict
    p: float | None = None  # one-sided, corrected, of what the verdict says; None without a test
    effect: float | None = None

    @property
    def undecided(self) -> bool:
        """Whether there was nothing to judge by: a verdict of noise, but no noise was seen."""
        return self.found in (NOT_RUN, ELSEWHERE)

    def elsewhere(self) -> "Finding":
        """The same without a verdict, where its number was not printed for such runs."""
        return Finding(self.claim, ELSEWHERE, "within noise")


def judged(inequalities: Sequence[Inequality]) -> list[Finding]:
    """A finding for each, corrected over all that are tested."""
    tests = [one.test for one in inequalities]
    held = iter(holm([test.p for test in tests if test], len(tests)))
    failed = iter(holm([1 - test.p for test in tests if test], len(tests)))
    return [
        _tested(one, test, next(held), next(failed)) if test else _untested(one)
        for one, test in zip(inequalities, tests, strict=True)
    ]


def _tested(one: Inequality, test: Welch, held: float, failed: float) -> Finding:
    verdict: Verdict = "holds" if held < ALPHA else "fails" if failed < ALPHA else "within noise"
    effect = "without spread" if abs(test.effect) > 1e6 else f"g = {test.effect:.1f}"
    p, contrary = (failed, " for the contrary") if verdict == "fails" else (held, "")
    found = f"{_sides(one)}; difference {_signed(test.difference)}, {effect}, p {_p(p)}{contrary}"
    return Finding(one.claim, found, verdict, p, test.effect)


def _untested(one: Inequality) -> Finding:
    difference = one.difference
    if difference is None:
        return Finding(one.claim, NOT_RUN, "within noise")
    verdict: Verdict = "within noise"
    if abs(difference) >= one.margin:
        verdict = "holds" if difference > 0 else "fails"
    found = f"{_sides(one)}; difference {_signed(difference)}, margin {one.margin:.3g}"
    return Finding(one.claim, found, verdict)


def _sides(one: Inequality) -> str:
    sides = " against ".join(
        f"{side:g}" if isinstance(side, float) else mean(side) for side in (one.larger, one.smaller)
    )
    return f"{sides} {one.what}"


def _p(p: float) -> str:
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


def mean(values: Sequence[float]) -> str:
    """The mean, with deviation and number where there are several."""
    text = _told(statistics.fmean(values))
    return f"{text} ± {_told(statistics.stdev(values))} (n = {len(values)})" if values[1:] else text


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{_told(abs(value))}"


def _told(value: float) -> str:
    """Two digits behind the point, or two that tell something."""
    return f"{value:.2f}" if abs(value) >= 0.05 or value == 0 else f"{value:.2g}"

"""Inequalities between runs, and when they count as shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["holds", "fails", "within noise"]
# Student's t, two-sided at 95 %, for 1 to 9 degrees of freedom: few seeds need wide gaps.
QUANTILES = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)


@dataclass(frozen=True)
class Claim:
    """A sentence that a run can check, what was found, and what that makes of it."""

    claim: str
    found: str
    verdict: Verdict


def verdict(differences: Sequence[float], margin: float) -> Verdict:
    """Whether something is larger than zero, from one difference a seed.

    One seed decides only by the stated margin; several by the interval in which their mean lies.
    """
    mean = statistics.fmean(differences)
    if len(differences) == 1:
        unsure = margin
    else:
        freedom = min(len(differences) - 1, len(QUANTILES))
        unsure = QUANTILES[freedom - 1] * statistics.stdev(differences) / len(differences) ** 0.5
    if abs(mean) < unsure or mean == 0:
        return "within noise"
    return "holds" if mean > 0 else "fails"

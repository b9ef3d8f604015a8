"""Student's t and Welch's test, exactly and without a library: a few lines of arithmetic."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

ALPHA = 0.05
NOTHING = 1e-24  # a variance below which values are equal but for rounding
POWER = 0.8  # with which the smallest difference is one that would have been shown


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz's way)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    fraction = d
    for m in range(1, 10_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + numerator * d) or tiny)
            c = (1 + numerator / c) or tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction / a


def upper_tail(t: float, freedom: float) -> float:
    """The probability that Student's t exceeds `t`."""
    if math.isinf(t):
        return float(t < 0)
    half = incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return half if t >= 0 else 1 - half


def quantile(probability: float, freedom: float) -> float:
    """The t whose upper tail is `probability`, by halving."""
    if probability > 0.5:
        return -quantile(1 - probability, freedom)
    low, high = 0.0, 1.0
    while upper_tail(high, freedom) > probability:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if upper_tail(middle, freedom) > probability else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class Welch:
    """One sample's mean against another's, without taking their variances for equal."""

    difference: float
    error: float  # standard error of the difference
    freedom: float
    effect: float  # Hedges' g: the difference in deviations, corrected for few seeds

    @property
    def p(self) -> float:
        """One-sided: how likely so large a difference is where there is none, or one below 0."""
        if self.error == 0:
            return 0.5 if self.difference == 0 else float(self.difference < 0)
        return upper_tail(self.difference / self.error, self.freedom)

    @property
    def smallest(self) -> float:
        """The difference that would have been shown, in whichever direction it lies."""
        return smallest(self.error, self.freedom) if self.error else 0.0


def smallest(error: float, freedom: float) -> float:
    """The difference that a two-sided test at `ALPHA` shows with a chance of `POWER`."""
    return error * (quantile(ALPHA / 2, freedom) + quantile(1 - POWER, freedom))


def welch(a: Sequence[float], b: Sequence[float]) -> Welch:
    """Whether `a` lies above `b`; each has two values or more."""
    va, vb = (statistics.variance(values) / len(values) for values in (a, b))
    difference = statistics.fmean(a) - statistics.fmean(b)
    if va + vb < NOTHING:
        endless = math.copysign(math.inf, difference) if difference else 0.0
        return Welch(difference, 0.0, len(a) + len(b) - 2, endless)
    share = va / (va + vb)
    freedom = 1 / (share**2 / (len(a) - 1) + (1 - share) ** 2 / (len(b) - 1))
    pooled = math.sqrt((statistics.variance(a) + statistics.variance(b)) / 2)
    correction = 1 - 3 / (4 * (len(a) + len(b)) - 9)
    return Welch(difference, math.sqrt(va + vb), freedom, correction * difference / pooled)


def against(values: Sequence[float], number: float) -> Welch:
    """One sample against a fixed number: Student's test."""
    variance = statistics.variance(values)
    difference = statistics.fmean(values) - number
    count = len(values)
    if variance < NOTHING:
        endless = math.copysign(math.inf, difference) if difference else 0.0
        return Welch(difference, 0.0, count - 1, endless)
    correction = 1 - 3 / (4 * count - 5) if count > 2 else 1.0
    effect = correction * difference / math.sqrt(variance)
    return Welch(difference, math.sqrt(variance / count), count - 1, effect)


def single(value: float, values: Sequence[float]) -> Welch:
    """One value against a sample, as a further value of it would lie: it has the same spread."""
    test = against(values, value)
    error = test.error * math.sqrt(len(values) + 1)
    return Welch(-test.difference, error, test.freedom, -test.effect)


def holm(ps: Sequence[float], among: int) -> list[float]:
    """Each p corrected for its being one among so many: Holm's step-down, in the order given.

    Those that are not there yet count as large ones: the first are corrected as they will be.
    """
    corrected, worst = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        worst = max(worst, min(1.0, (among - rank) * ps[index]))
        corrected[index] = worst
    return corrected

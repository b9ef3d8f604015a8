"""Counts of errors: exact, and added up exactly. No torch: results are read without it."""

from __future__ import annotations

from msgspec import Struct


class Tally(Struct, frozen=True):
    """How many were seen and how many of them were wrong; `+` is exact over any split."""

    seen: int = 0
    top1: int = 0  # the right class is not the first
    top5: int = 0  # the right class is not among the first five

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.seen + other.seen, self.top1 + other.top1, self.top5 + other.top5)

    def __str__(self) -> str:
        return f"{self.top1_error:.2f} % ({self.top1}/{self.seen})"

    @property
    def top1_error(self) -> float:
        """Percent."""
        return 100 * self.top1 / self.seen

    @property
    def top5_error(self) -> float:
        """Percent."""
        return 100 * self.top5 / self.seen

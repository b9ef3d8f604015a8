"""From logits to the names of classes with their probabilities, best first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

Guess = tuple[str, float]  # a class and its probability


class Ranking(NamedTuple):
    """All classes of one picture, best first; equal logits in the order of the classes."""

    classes: np.ndarray  # their numbers
    probabilities: np.ndarray

    def named(self, names: Sequence[str] | None, top: int) -> list[Guess]:
        """The first so many by name, or by number where the classes have no names."""
        best = self.classes[:top].tolist()
        called = [names[c] for c in best] if names else [str(c) for c in best]
        return list(zip(called, self.probabilities[:top].tolist(), strict=True))


def ranked(logits: Tensor) -> list[Ranking]:
    """A ranking for each picture of N x classes."""
    order = logits.argsort(dim=1, descending=True, stable=True)
    probabilities = logits.double().softmax(1).gather(1, order)
    return [Ranking(*row) for row in zip(order.numpy(), probabilities.numpy(), strict=True)]


def named(logits: Tensor, names: Sequence[str] | None, top: int) -> list[list[Guess]]:
    """The guesses for each picture."""
    return [ranking.named(names, top) for ranking in ranked(logits)]

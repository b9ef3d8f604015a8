"""The arms of an ablation: one network, Sec. 4.2's recipe, and what differs."""

import math

from msgspec import structs

from ...spec import CIFAR
from ..student import smallest
from ..study import Measure, Row

NETWORK = "resnet20"
SEEDS = 5
SPREAD = 0.2  # points between seeds, as reproductions report


def shown(seeds: int) -> float:
    """The smallest difference that so many seeds an arm show."""
    return smallest(SPREAD * math.sqrt(2 / seeds), 2 * seeds - 2)


TEXT = (
    f"With a deviation of {SPREAD:g} points between seeds, five seeds an arm show a difference of"
    f" some {shown(5):.1f} points and three of some {shown(3):.1f}; {SPREAD:g} points take"
    f" {next(n for n in range(2, 99) if shown(n) <= SPREAD)}."
)


def arm(
    name: str,
    network: str = NETWORK,
    held_out: int = 0,
    measure: Measure = "test error",
    **recipe: object,
) -> Row:
    """One arm; `recipe` is what differs from Sec. 4.2."""
    return Row(
        name=name,
        network=network,
        recipe=structs.replace(CIFAR, **recipe),
        held_out=held_out,
        seeds=SEEDS,
        measure=measure,
    )

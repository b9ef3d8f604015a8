"""The arms of an ablation: one network, Sec. 4.2's recipe, and what differs."""

from msgspec import structs

from ...spec import CIFAR
from ..study import Measure, Row

NETWORK = "resnet20"
SEEDS = 5
TEXT = (
    "With a deviation of 0.2 points between seeds, five seeds an arm show a difference of some 0.35"
    " points and three of some 0.5; 0.2 points take fourteen."
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

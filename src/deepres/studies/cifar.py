"""What the CIFAR studies share: rows of Sec. 4.2 and the paper's numbers for them."""

from ..paper import (
    FIGURE_6_PLAIN_ABOUT,
    RESNET_1202_TRAINING_ERROR_BELOW,
    TABLE_6,
    Cifar,
)
from .inequalities import larger, tests_worse
from .study import Printed, Row, row

SEEDS = 3  # the fewest with which differences of half a point can be told from chance
PAPERS_SEEDS = 5  # of 110 layers
DEEPEST_LAYERS = 1202
BELOW = RESNET_1202_TRAINING_ERROR_BELOW


def plain(layers: int, seeds: int = SEEDS) -> Row:
    """A plain network; the paper prints its error nowhere but in Fig. 6."""
    about = FIGURE_6_PLAIN_ABOUT.get(layers)
    paper = Printed(error=about, note="about, read off Fig. 6 by others") if about else None
    return row(f"plain-{layers}", f"plain{layers}", seeds=seeds, paper=paper)


def residual(layers: int, seeds: int | None = None) -> Row:
    """A residual network with its row of Table 6."""
    count = seeds or {110: PAPERS_SEEDS, 1202: 1}.get(layers, SEEDS)
    name = f"residual-{layers}"
    return row(name, f"resnet{layers}", seeds=count, paper=of_table_6(layers))


def of_table_6(layers: int) -> Printed:
    """The paper's number; of 110 layers the best of five with their mean and deviation."""
    found = next(one for one in TABLE_6 if (one.method, one.layers) == ("ResNet", layers))
    return printed(found)


def printed(found: Cifar) -> Printed:
    """A row of Table 6."""
    spread = (found.spread.mean, found.spread.deviation) if found.spread else None
    note = "best of 5" if found.method == "ResNet" else "best"
    if not spread:
        note = f"training error < {BELOW}" if found.layers == DEEPEST_LAYERS else ""
    size = found.parameters or ""
    return Printed(error=found.error, note=note, spread=spread, parameters=size)


# What is said of 1202 layers: they are learnt as well as 110, and test worse.
DEEPEST = (
    larger(
        BELOW,
        "residual-110",
        "clean training error",
        f"residual-110 trains to below {BELOW} %",
        margin=0.05,
    ),
    larger(
        BELOW,
        "residual-1202",
        "clean training error",
        f"residual-1202 trains to below {BELOW} %",
        margin=0.05,
    ),
    tests_worse("residual-1202", "residual-110"),
)

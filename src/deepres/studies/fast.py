"""The paper's errors in fewer steps: ResNet-20 and -56 by `--recipe fast`.

    deepres run fast --data cifar10

Cost at paper scale: 1,200 minutes on 2 cores, 62 minutes on a T4, 12 minutes on an H100 (6 runs,
3.7e+15 multiply-adds).
"""

from msgspec import structs

from ..spec import FAST
from .cifar import residual
from .inequalities import larger
from .study import Claim, Panel, Row, Study


def _by_fast(layers: int) -> Row:
    return structs.replace(residual(layers), recipe=FAST)


def _better(row: Row) -> Claim:
    assert row.paper is not None and row.paper.error is not None
    words = f"{row.name} by this recipe tests better than the paper's {row.paper.error:g} %"
    return larger(row.paper.error, row.name, "test error", words)


ROWS = _by_fast(20), _by_fast(56)

STUDY = Study(
    name="fast",
    title="Not the paper's: its networks in 50 epochs",
    text=(
        "The paper's networks on its data, tested by its single view, and all else free: one climb"
        " of the rate and one fall to nothing, Nesterov's momentum, more decay and on weights"
        " alone, windows that calm down at the end, weights averaged as they move. It takes less"
        " than a third of the paper's steps. Values are usual ones: none was tried against"
        " another.",
        "The paper's numbers are of its own recipe and 64,000 steps.",
    ),
    rows=ROWS,
    panels=(Panel(title="Residual networks", rows=tuple(row.name for row in ROWS)),),
    claims=tuple(_better(row) for row in ROWS),
    claimed_by="this recipe",
)

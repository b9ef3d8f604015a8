"""Fig. 4: 18 and 34 layers on ImageNet while they train, plain on the left, residual on the right.

    deepres run figure4 --data folder:IMAGENET

Cost at paper scale: 4,200,000 minutes on 2 cores, 210,000 minutes on a T4, 42,000 minutes on an
H100 (6 runs, 1.3e+19 multiply-adds).
"""

from msgspec import structs

from ..spec import IMAGENET, Protocol
from . import table2
from .inequalities import larger, worse_throughout
from .study import Panel, Row, Study

LONG = 3  # times the iterations, says a footnote of Sec. 4.1, without numbers
LONGER = structs.replace(
    IMAGENET,
    steps=LONG * IMAGENET.steps,
    plateau=structs.replace(IMAGENET.plateau, window=LONG * IMAGENET.plateau.window),
)


def _for_longer(layers: int) -> Row:
    name = f"plain-{layers}, {LONG} times as long"
    return Row(name=name, network=f"plain{layers}", recipe=LONGER)


STUDY = Study(
    name="figure4",
    title="Fig. 4: training on ImageNet, 18 and 34 layers",
    text=(
        "Plain-34 lies above plain-18 throughout, in training already: it is not overfitting, and"
        " with batch normalisation it is not that gradients vanish. Three times the iterations do"
        " not mend it. With shortcuts 34 layers lie"
        " below 18; and residual-18 comes down sooner than plain-18, though both end alike.",
        "The paper's bold lines are validation errors of centre crops, as ours are: their ends"
        " are not Table 2's, which are of ten crops.",
    ),
    data="imagenet",
    size=224,
    rows=(
        *(structs.replace(row, views=Protocol(), paper=None) for row in table2.STUDY.rows),
        *(_for_longer(layers) for layers in (18, 34)),
    ),
    panels=(
        Panel(title="Plain networks", rows=("plain-18", "plain-34"), top=60),
        Panel(title="Residual networks", rows=("residual-18", "residual-34"), top=60),
    ),
    claims=(
        worse_throughout("plain-34", "plain-18"),
        larger(
            "plain-34, 3 times as long",
            "plain-18, 3 times as long",
            "training error as it was",
            "three times the iterations do not mend it: plain-34 still trains worse than plain-18",
        ),
        larger(
            "residual-18",
            "residual-34",
            "training error as it was",
            "residual-34 trains better than residual-18",
        ),
        larger(
            "plain-18",
            "residual-18",
            "training error as it was, mean of all steps",
            "residual-18 gets there sooner than plain-18 (training error, mean of all steps)",
        ),
    ),
)

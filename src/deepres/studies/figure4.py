"""Fig. 4: 18 and 34 layers on ImageNet while they train, plain on the left, residual on the right.

    deepres run figure4 --data folder:IMAGENET

Cost at paper scale: 1,700,000 minutes on 2 cores, 84,000 minutes on a T4, 17,000 minutes on an
H100 (4 runs, 5.0e+18 multiply-adds).
"""

from msgspec import structs

from ..spec import Protocol
from . import table2
from .study import Claim, Panel, Study

STUDY = Study(
    name="figure4",
    title="Fig. 4: training on ImageNet, 18 and 34 layers",
    text=(
        "Plain-34 lies above plain-18 throughout, in training already: it is not overfitting, and"
        " with batch normalisation it is not that gradients vanish. With shortcuts 34 layers lie"
        " below 18; and residual-18 comes down sooner than plain-18, though both end alike.",
        "Thin lines are training errors, bold ones validation errors of centre crops: their ends"
        " are not Table 2's, which are of ten crops.",
    ),
    data="imagenet",
    size=224,
    rows=tuple(structs.replace(row, views=Protocol(), paper=None) for row in table2.STUDY.rows),
    panels=(
        Panel(title="Plain networks", rows=("plain-18", "plain-34"), top=60),
        Panel(title="Residual networks", rows=("residual-18", "residual-34"), top=60),
    ),
    claims=(
        Claim(
            claim="plain-34 trains worse than plain-18, throughout",
            larger="plain-34",
            smaller="plain-18",
            measure="training error as it was, mean of all steps",
        ),
        Claim(
            claim="residual-34 trains better than residual-18",
            larger="residual-18",
            smaller="residual-34",
            measure="training error as it was",
        ),
        Claim(
            claim="residual-18 gets there sooner than plain-18",
            larger="plain-18",
            smaller="residual-18",
            measure="training error as it was, mean of all steps",
        ),
    ),
)

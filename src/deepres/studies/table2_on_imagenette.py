"""Table 2's four networks on ten classes of ImageNet, small enough for two cores.

    deepres run table2-on-imagenette --data imagenette

Cost at paper scale: 57 minutes on 2 cores, 3 minutes on a T4, under a minute on an H100 (4 runs,
1.7e+14 multiply-adds).
"""

from msgspec import structs

from ..spec import IMAGENET
from . import table2
from .inequalities import trains_worse
from .study import Panel, Study

EDGE = 64  # of a crop; shorter sides keep Sec. 3.4's proportion to it
STEPS = 1_000
RECIPE = structs.replace(
    IMAGENET,
    batch=64,
    replicas=2,  # of 32 pictures, as there
    steps=STEPS,
    lr=0.05,
    drops=(STEPS // 2, STEPS * 3 // 4),
    crop=EDGE,
    shorter=(73, 137),
)


STUDY = Study(
    name="table2-on-imagenette",
    title="Table 2's networks on ten classes",
    text=(
        "The plain and residual networks of 18 and 34 layers, trained as in Sec. 3.4 and cut down"
        " to what two cores do in an hour or two: Imagenette's ten classes instead of a thousand,"
        f" crops of {EDGE} pixels instead of 224, {STEPS:,} steps of {RECIPE.batch} pictures"
        " instead of 600,000 of 256, half the rate. Drops are at half and three quarters, not by"
        " plateau.",
        "It asks whether degradation, and its cure, are seen at this size too. Where there are few"
        " pictures, test errors speak of overfitting as well: the claim of the paper is about"
        " training. What the paper prints of a thousand classes stands in table2.",
    ),
    data="imagenette",
    size=224,
    own=True,
    rows=tuple(structs.replace(row, recipe=RECIPE, paper=None) for row in table2.STUDY.rows),
    claims=(trains_worse("plain-34", "plain-18"), *table2.STUDY.claims),
    panels=(
        Panel(title="Plain networks", rows=("plain-18", "plain-34"), top=100),
        Panel(title="Residual networks", rows=("residual-18", "residual-34"), top=100),
    ),
)

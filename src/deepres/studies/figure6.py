"""Fig. 6: CIFAR-10 while they train: plain, residual, and 110 beside 1202 layers.

    deepres run figure6 --data cifar10

Cost at paper scale: 52,000 minutes on 2 cores, 2,600 minutes on a T4, 519 minutes on an H100 (31
runs, 1.6e+17 multiply-adds).
"""

from ..paper import PLAIN_110_ERROR_ABOVE
from .cifar import DEEPEST, plain, residual
from .inequalities import larger, tests_better, trains_worse, worse_throughout
from .study import Panel, Study

DRAWN = (20, 32, 44, 56, 110)

STUDY = Study(
    name="figure6",
    title="Fig. 6: training on CIFAR-10",
    text=(
        "Left, plain networks of 20, 32, 44 and 56 layers: the deeper, the larger the training"
        " error; 110 layers stay above 60 % and are not drawn. Middle, residual networks of 20 to"
        " 110 layers: the deeper, the better. Right, 110 and 1202 layers: the larger one trains as"
        " well, to below 0.1 %, and tests worse.",
        "Dashed lines are training errors as they were, bold ones test errors, which were only"
        " watched and chose nothing.",
    ),
    rows=(
        *(plain(layers) for layers in (20, 32, 44, 56)),
        plain(110, seeds=1),
        *(residual(layers) for layers in (20, 32, 44, 56, 110, 1202)),
    ),
    panels=(
        Panel(title="Plain networks", rows=tuple(f"plain-{n}" for n in (20, 32, 44, 56))),
        Panel(
            title="Residual networks", rows=tuple(f"residual-{n}" for n in (20, 32, 44, 56, 110))
        ),
        Panel(title="110 and 1202 layers", rows=("residual-110", "residual-1202")),
    ),
    claims=(
        trains_worse("plain-32", "plain-20"),
        trains_worse("plain-44", "plain-32"),
        trains_worse("plain-56", "plain-44"),
        trains_worse("plain-56", "plain-20"),
        worse_throughout("plain-56", "plain-20"),
        larger(
            "plain-110",
            PLAIN_110_ERROR_ABOVE,
            "test error",
            f"plain-110 stays above {PLAIN_110_ERROR_ABOVE:g} % (test error)",
        ),
        trains_worse("plain-56", "residual-56"),
        tests_better("residual-56", "residual-20"),
        tests_better("residual-110", "residual-56"),
        *DEEPEST,
    ),
)

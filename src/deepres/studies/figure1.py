"""Fig. 1: the degradation, plain networks of 20 and 56 layers on CIFAR-10.

    deepres run figure1 --data cifar10

Cost at paper scale: 4,100 minutes on 2 cores, 204 minutes on a T4, 41 minutes on an H100 (6 runs,
1.2e+16 multiply-adds).
"""

from .cifar import plain
from .inequalities import does_not_vanish, tests_worse, trains_worse, worse_throughout
from .study import Panel, Study

STUDY = Study(
    name="figure1",
    title="Fig. 1: a deeper plain network trains worse",
    text=(
        "The plain network of 56 layers has the larger error in training already, and so on the"
        " test pictures: what goes wrong is not overfitting. Nor is it that gradients vanish: with"
        " batch normalisation they reach the first layer.",
    ),
    gradients=True,
    rows=(plain(20), plain(56)),
    panels=(Panel(title="Plain networks", rows=("plain-20", "plain-56")),),
    claims=(
        trains_worse("plain-56", "plain-20"),
        worse_throughout("plain-56", "plain-20"),
        tests_worse("plain-56", "plain-20"),
        does_not_vanish("plain-56"),
    ),
)

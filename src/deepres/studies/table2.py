"""Table 2: plain and residual networks of 18 and 34 layers on ImageNet, option A.

    deepres run table2 --data folder:IMAGENET

Cost at paper scale: 1,700,000 minutes on 2 cores, 84,000 minutes on a T4, 17,000 minutes on an
H100 (4 runs, 5.0e+18 multiply-adds).
"""

from ..paper import TABLE_2
from .imagenet import TEN, network
from .inequalities import tests_better, tests_worse
from .study import Study

STUDY = Study(
    name="table2",
    title="Table 2: plain against residual networks on ImageNet",
    text=(
        "The plain network of 34 layers is worse than that of 18, though the shallower one's"
        " answers are among those it could give. With shortcuts, which add no parameters under"
        " option A, it is the other way round: 34 layers beat 18 by"
        f" {TABLE_2['resnet18-a'] - TABLE_2['resnet34-a']:.2f} points. With 18 layers both kinds"
        " are about as accurate, which is no inequality: the rows show it.",
        "Errors are top-1 of ten crops of the validation pictures.",
    ),
    data="imagenet",
    size=224,
    rows=(
        network("plain-18", "plain18", TEN, TABLE_2["plain18"], None),
        network("plain-34", "plain34", TEN, TABLE_2["plain34"], None),
        network("residual-18", "resnet18-a", TEN, TABLE_2["resnet18-a"], None),
        network("residual-34", "resnet34-a", TEN, TABLE_2["resnet34-a"], None),
    ),
    claims=(
        tests_worse("plain-34", "plain-18"),
        tests_better("residual-34", "residual-18"),
        tests_better("residual-34", "plain-34"),
    ),
)

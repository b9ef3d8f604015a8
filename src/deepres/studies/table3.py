"""Table 3: shortcut options A, B and C, and deeper networks, by ten crops.

    deepres run table3 --data folder:IMAGENET

Cost at paper scale: 5,800,000 minutes on 2 cores, 290,000 minutes on a T4, 58,000 minutes on an
H100 (7 runs, 1.7e+19 multiply-adds).
"""

from ..paper import TABLE_3
from .imagenet import TEN, network
from .inequalities import tests_better
from .study import Printed, Study

OURS = {
    "plain-34": "plain34",
    "residual-34 A": "resnet34-a",
    "residual-34 B": "resnet34",
    "residual-34 C": "resnet34-c",
    "residual-50": "resnet50",
    "residual-101": "resnet101",
    "residual-152": "resnet152",
}


STUDY = Study(
    name="table3",
    title="Table 3: shortcut options and depth on ImageNet, ten crops",
    text=(
        "B is slightly better than A, whose added zeros learn nothing, and C marginally better than"
        " B, which the paper puts down to the parameters of its projections: they are not needed"
        " against degradation. Bottleneck networks of 50, 101 and 152 layers go on improving.",
        "Errors are top-1 and top-5 of ten crops of the validation pictures.",
    ),
    data="imagenet",
    size=224,
    rows=tuple(network(name, made, TEN, *TABLE_3[made]) for name, made in OURS.items()),  # type: ignore[arg-type]
    beside=tuple(
        (name, Printed(error=TABLE_3[name].top1, top5=TABLE_3[name].top5))
        for name in ("VGG-16", "GoogLeNet", "PReLU-net")
    ),
    claims=(
        tests_better("residual-34 B", "residual-34 A"),
        tests_better("residual-34 C", "residual-34 B"),
        tests_better("residual-50", "residual-34 C"),
        tests_better("residual-101", "residual-50"),
        tests_better("residual-152", "residual-101"),
    ),
)

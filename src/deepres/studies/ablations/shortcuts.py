"""Ablation: options A (zeros at the end), A (on both sides), B and C on CIFAR-10.

    deepres run ablation-shortcuts --data cifar10

Cost at paper scale: 6,700 minutes on 2 cores, 337 minutes on a T4, 67 minutes on an H100 (20 runs,
2.0e+16 multiply-adds).
"""

from ..study import Study
from .arms import TEXT, arm

STUDY = Study(
    name="ablation-shortcuts",
    title="Ablation: what shortcuts do where dimensions grow",
    text=(
        "The paper's CIFAR networks use option A everywhere and do not say where the zero channels"
        " go. On ImageNet it found B slightly better than A, and C marginally better than B; of"
        " CIFAR-10 it claims neither.",
        TEXT,
    ),
    rows=(
        arm("A, at the end"),
        arm("A, both sides", "resnet20-a-both"),
        arm("B", "resnet20-b"),
        arm("C", "resnet20-c"),
    ),
    baseline="A, at the end",
)

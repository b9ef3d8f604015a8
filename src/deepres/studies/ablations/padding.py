"""Ablation: pictures padded with the mean, or with black.

    deepres run ablation-padding --data cifar10

Cost at paper scale: 3,300 minutes on 2 cores, 166 minutes on a T4, 33 minutes on an H100 (10 runs,
1.0e+16 multiply-adds).
"""

from ..study import Study
from .arms import TEXT, arm

STUDY = Study(
    name="ablation-padding",
    title="Ablation: what pictures are padded with",
    text=(
        "Zeros put around a picture after the mean was subtracted are the mean's colour; put around"
        " it before, they are black.",
        TEXT,
    ),
    rows=(arm("mean"), arm("black", padding="black")),
    baseline="mean",
)

"""Ablation: residual functions that begin at their usual size, or at zero.

    deepres run ablation-last-gamma --data cifar10

Cost at paper scale: 3,300 minutes on 2 cores, 166 minutes on a T4, 33 minutes on an H100 (10 runs,
1.0e+16 multiply-adds).
"""

from ..study import Study
from .arms import TEXT, arm

STUDY = Study(
    name="ablation-last-gamma",
    title="Ablation: the last gamma of a block at the start",
    text=(
        "Later work lets the gamma behind a block's last convolution begin at 0, so that every"
        " block begins as the identity. The paper's begins at 1.",
        TEXT,
    ),
    rows=(arm("gamma 1"), arm("gamma 0", last_gamma=0.0)),
    baseline="gamma 1",
)

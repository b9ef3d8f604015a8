"""Ablation: a batch of 128 normalised as one, as two halves, as four quarters.

    deepres run ablation-replicas --data cifar10

Cost at paper scale: 5,000 minutes on 2 cores, 249 minutes on a T4, 50 minutes on an H100 (15 runs,
1.5e+16 multiply-adds).
"""

from ..study import Study
from .arms import TEXT, arm

STUDY = Study(
    name="ablation-replicas",
    title="Ablation: in how many shares a batch is normalised",
    text=(
        "The paper trained on two GPUs, each of which normalised its own 64 pictures. Most"
        " reproductions normalise all 128 together.",
        TEXT,
    ),
    rows=(arm("2 replicas"), arm("1 replica", replicas=1), arm("4 replicas", replicas=4)),
    baseline="2 replicas",
)

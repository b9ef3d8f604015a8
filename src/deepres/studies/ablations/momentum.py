"""Ablation: momentum as Caffe, as torch and as Nesterov have it.

    deepres run ablation-momentum --data cifar10

Cost at paper scale: 5,000 minutes on 2 cores, 249 minutes on a T4, 50 minutes on an H100 (15 runs,
1.5e+16 multiply-adds).
"""

from ..study import Study
from .arms import TEXT, arm

STUDY = Study(
    name="ablation-momentum",
    title="Ablation: the form of momentum",
    text=(
        "Caffe multiplies the rate into the velocity, torch multiplies it in afterwards; the two"
        " differ for a while after each drop. Nesterov's form looks ahead; the best errors that"
        " are reported for 110 layers were had with it.",
        TEXT,
    ),
    rows=(
        arm("Caffe's"),
        arm("torch's", momentum_form="torch"),
        arm("Nesterov's", momentum_form="nesterov"),
    ),
    baseline="Caffe's",
)

"""Ablation: decay on every parameter, or on the weights of convolutions and classifier alone.

    deepres run ablation-decay --data cifar10

Cost at paper scale: 3,300 minutes on 2 cores, 166 minutes on a T4, 33 minutes on an H100 (10 runs,
1.0e+16 multiply-adds).
"""

from ..study import Study
from .arms import TEXT, arm

STUDY = Study(
    name="ablation-decay",
    title="Ablation: what decays",
    text=(
        "Caffe decays every parameter unless told otherwise. Later recipes spare the parameters of"
        " batch normalisation and the biases.",
        TEXT,
    ),
    rows=(arm("all"), arm("weights", decay_on="weights")),
    baseline="all",
)

"""Ablation: population statistics taken after training, or the running ones it leaves behind.

    deepres run ablation-statistics --data cifar10

Cost at paper scale: 1,700 minutes on 2 cores, 83 minutes on a T4, 17 minutes on an H100 (5 runs,
5.0e+15 multiply-adds).
"""

from ..study import Study
from .arms import arm

STUDY = Study(
    name="ablation-statistics",
    title="Ablation: which statistics batch normalisation tests with",
    text=(
        "The authors took true averages over training pictures after training and saw less than"
        " 0.1 points of difference. Each run is tested with both, so both arms are the same runs,"
        " compared run by run: what lies between seeds does not hide the difference.",
    ),
    rows=(arm("population"), arm("running", measure="test error with running statistics")),
    baseline="population",
)

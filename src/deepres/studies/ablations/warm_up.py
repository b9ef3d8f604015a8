"""Ablation: 110 layers with the paper's warm-up, or at rate 0.1 from the start.

    deepres run ablation-warm-up --data cifar10

Cost at paper scale: 21,000 minutes on 2 cores, 1,000 minutes on a T4, 207 minutes on an H100 (10
runs, 6.2e+16 multiply-adds).
"""

from ..inequalities import larger
from ..study import Study
from .arms import TEXT, arm

STUDY = Study(
    name="ablation-warm-up",
    title="Ablation: does 110 layers need its warm-up?",
    text=(
        "With rate 0.1 from the start, 110 layers need several epochs to get under 90 % error, the"
        " paper says, and end about as well. It began at 0.01 until the training error was below"
        " 80 %, about 400 steps.",
        TEXT,
    ),
    rows=(
        arm("warm-up by error", "resnet110", warm_up="error"),
        arm("no warm-up", "resnet110", warm_up="none"),
    ),
    baseline="warm-up by error",
    claims=(
        larger(
            "no warm-up",
            "warm-up by error",
            "training error as it was, mean of all steps",
            "without a warm-up 110 layers come down later",
        ),
    ),
)

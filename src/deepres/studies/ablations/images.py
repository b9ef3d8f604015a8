"""Ablation: trained on all 50,000 pictures, or on 45,000 with 5,000 held out.

    deepres run ablation-images --data cifar10

Cost at paper scale: 3,300 minutes on 2 cores, 166 minutes on a T4, 33 minutes on an H100 (10 runs,
1.0e+16 multiply-adds).
"""

from ..study import Study
from .arms import TEXT, arm

STUDY = Study(
    name="ablation-images",
    title="Ablation: 50,000 or 45,000 pictures",
    text=(
        "The paper chose its schedule on a split of 45,000 and 5,000. Whether its final errors are"
        " of networks trained on all 50,000 is argued about; ours are unless a row says otherwise.",
        TEXT,
    ),
    rows=(arm("50,000"), arm("45,000", held_out=5_000)),
    baseline="50,000",
)

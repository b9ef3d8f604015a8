"""Table 5: six networks of different depth, their scores averaged.

    deepres run table5 --data folder:IMAGENET

Cost at paper scale: 6,400,000 minutes on 2 cores, 320,000 minutes on a T4, 64,000 minutes on an
H100 (6 runs, 1.9e+19 multiply-adds).
"""

from ..paper import ONE_DIGIT, TABLE_5
from ..spec import IMAGENET
from .imagenet import MULTI_SCALE
from .study import Printed, Row, Study

MEMBERS = {
    "residual-34 B": "resnet34",
    "residual-34 C": "resnet34-c",
    "residual-50": "resnet50",
    "residual-101": "resnet101",
}


def _member(name: str, network: str, seeds: int) -> Row:
    return Row(name=name, network=network, recipe=IMAGENET, views=MULTI_SCALE, seeds=seeds)


STUDY = Study(
    name="table5",
    title="Table 5: an ensemble of six networks on ImageNet",
    text=(
        "Six networks of different depth, two of them of 152 layers, averaged, won the competition"
        " of 2015 with a top-5 error of 3.57 % on the test set. Which the other four were is not"
        " printed: here they are those of Table 4.",
        "Test labels were never published, so ours is the validation error.",
    ),
    kind="ensemble",
    data="imagenet",
    size=224,
    rows=(
        *(_member(name, network, 1) for name, network in MEMBERS.items()),
        _member("residual-152", "resnet152", 2),
    ),
    beside=tuple(
        (
            "ResNet, all six averaged" if name == "ResNet" else name,
            Printed(top5=error, note="test set", digits=1 if name == ONE_DIGIT else 2),
        )
        for name, error in TABLE_5.items()
    ),
)

"""Table 4: single models tested fully convolutionally at five scales.

    deepres run table4 --data folder:IMAGENET

Cost at paper scale: 4,600,000 minutes on 2 cores, 230,000 minutes on a T4, 46,000 minutes on an
H100 (5 runs, 1.4e+19 multiply-adds).
"""

from ..paper import ONE_DIGIT, TABLE_4, TABLE_4_ON_TEST
from .imagenet import MULTI_SCALE, network
from .inequalities import tests_better
from .study import Printed, Study

OURS = {
    "residual-34 B": "resnet34",
    "residual-34 C": "resnet34-c",
    "residual-50": "resnet50",
    "residual-101": "resnet101",
    "residual-152": "resnet152",
}

STUDY = Study(
    name="table4",
    title="Table 4: single models on ImageNet, multi-scale",
    text=(
        "Each network is run over whole pictures whose shorter side is 224, 256, 384, 480 and 640,"
        " and the scores are averaged. One network of 152 layers is better than any ensemble that"
        " had been printed before.",
        "Errors are top-1 and top-5 on the validation pictures.",
    ),
    data="imagenet",
    size=224,
    rows=tuple(network(name, made, MULTI_SCALE, *TABLE_4[made]) for name, made in OURS.items()),  # type: ignore[arg-type]
    beside=tuple(
        (
            name,
            Printed(
                error=error.top1,
                top5=error.top5,
                note="test set" if name == TABLE_4_ON_TEST else "",
                digits=1 if name == ONE_DIGIT else 2,
            ),
        )
        for name, error in TABLE_4.items()
        if not name.startswith("resnet")
    ),
    claims=(
        tests_better("residual-50", "residual-34 C"),
        tests_better("residual-101", "residual-50"),
        tests_better("residual-152", "residual-101"),
    ),
)

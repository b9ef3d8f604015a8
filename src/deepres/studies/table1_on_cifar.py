"""What a reproduction reports: a Table 1 network on raw 32x32 pictures of CIFAR-10.

    deepres run table1-on-cifar --data cifar10

Cost at paper scale: 104 minutes on 2 cores, 5 minutes on a T4, 1 minute on an H100 (1 run, 3.1e+14
multiply-adds).
"""

from ..paper import (
    TABLE_1_ON_CIFAR,
    TABLE_1_ON_CIFAR_MINUTES,
    TABLE_1_ON_CIFAR_TRAINING_ACCURACY,
)
from ..spec import Recipe
from .study import Panel, Printed, Row, Study

EPOCHS, BATCH, IMAGES = 56, 256, 50_000
STEPS = EPOCHS * IMAGES // BATCH

STUDY = Study(
    name="table1-on-cifar",
    title="A Table 1 network on raw CIFAR-10",
    text=(
        "A network made for 224 x 224 is given pictures of 32 x 32 as they are: its stem and its"
        " pooling leave maps of 8, and the last stage sees one point. Batch 256, 56 epochs, no"
        f" augmentation. The reproduction prints {TABLE_1_ON_CIFAR_TRAINING_ACCURACY:g} % training"
        f" accuracy and {TABLE_1_ON_CIFAR.top1:g} / {TABLE_1_ON_CIFAR.top5:g} % test error, top-1"
        f" and top-5, after {TABLE_1_ON_CIFAR_MINUTES} minutes. It does not say which depth, rate"
        " or drops: here 18 layers, rate 0.1 with drops at half and three quarters.",
    ),
    rows=(
        Row(
            name="residual-18",
            network="resnet18",
            recipe=Recipe(
                batch=BATCH,
                steps=STEPS,
                drops=(STEPS // 2, STEPS * 3 // 4),
                replicas=1,
                shift=0,
                mirror=False,
            ),
            others=(
                (
                    "a reproduction",
                    Printed(error=TABLE_1_ON_CIFAR.top1, top5=TABLE_1_ON_CIFAR.top5),
                ),
            ),
        ),
    ),
    panels=(Panel(title="A Table 1 network", rows=("residual-18",), top=40),),
)

"""Table 1: the ImageNet networks, counted and not trained.

    deepres run table1          seconds

Five depths of residual networks, their blocks and their multiply-adds, which the paper calls
FLOPs. Nothing is learnt: networks are run without memory and what they multiply is counted.
"""

from ..paper import TABLE_1_MULTIPLY_ADDS
from .study import Printed, Row, Study

STUDY = Study(
    name="table1",
    title="Table 1: the networks for ImageNet",
    text=(
        "A 7x7 convolution and a max-pool, four stages of blocks on maps of 56, 28, 14 and 7, then"
        " an average over what is left and 1,000 classes. With 18 and 34 layers a block is two 3x3"
        " convolutions, from 50 on it is a bottleneck of 1x1, 3x3 and 1x1.",
        "The paper prints 1.8 and 3.6 billion for 18 and 34 layers, which are those of plain"
        " networks and of option A; with the projections of option B they are a little more.",
    ),
    kind="counted",
    data="imagenet",
    size=224,
    rows=tuple(
        Row(
            name=f"{layers} layers",
            network=f"resnet{layers}",
            paper=Printed(note=f"{printed / 1e9:.1f}e9"),
        )
        for layers, printed in TABLE_1_MULTIPLY_ADDS.items()
    ),
)

"""Table 6: residual networks of 20 to 1202 layers on CIFAR-10.

    deepres run table6 --data cifar10

Cost at paper scale: 42,000 minutes on 2 cores, 2,100 minutes on a T4, 417 minutes on an H100 (18
runs, 1.3e+17 multiply-adds).
"""

from ..paper import TABLE_6
from .cifar import DEEPEST, printed, residual
from .inequalities import tests_better
from .study import Study

STUDY = Study(
    name="table6",
    title="Table 6: test errors on CIFAR-10",
    text=(
        "Networks of 6n+2 layers for n = 3, 5, 7, 9, 18 and 200: a 3x3 convolution, 2n layers each"
        " on maps of 32, 16 and 8 with 16, 32 and 64 filters, and shortcuts of option A, which add"
        " no parameters. Batch 128 on two GPUs, decay 1e-4, momentum 0.9, rate 0.1 divided by 10"
        " at 32k and 48k of 64k steps; 110 layers begin at 0.01 until the training error is below"
        " 80 %. Depth helps up to 110 layers. 1202 layers train without difficulty and test worse,"
        " which the paper puts down to overfitting.",
        "110 layers are the best of five runs, with mean and deviation; the other rows carry no"
        " spread.",
    ),
    rows=tuple(residual(layers) for layers in (20, 32, 44, 56, 110, 1202)),
    beside=tuple(
        (f"{one.method}{f' {one.layers}' if one.layers else ''}", printed(one))
        for one in TABLE_6
        if one.method != "ResNet"
    ),
    claims=(
        tests_better("residual-32", "residual-20"),
        tests_better("residual-44", "residual-32"),
        tests_better("residual-56", "residual-44"),
        tests_better("residual-110", "residual-56"),
        *DEEPEST,
    ),
)

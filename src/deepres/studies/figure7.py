"""Fig. 7: how strongly the layers of plain and residual networks respond, on CIFAR-10.

    deepres run figure7 --data cifar10
    deepres report figure7 --data cifar10 --weights resnet20.safetensors --weights resnet56.th

Cost at paper scale: 19,000 minutes on 2 cores, 926 minutes on a T4, 185 minutes on an H100 (17
runs, 5.6e+16 multiply-adds).
"""

from .cifar import plain, residual
from .inequalities import larger
from .study import Claim, Study


def _weaker(weak: str, strong: str) -> Claim:
    words = f"{weak} responds less than {strong}"
    return larger(strong, weak, "deviation of responses", words, margin=0.2)


STUDY = Study(
    name="figure7",
    title="Fig. 7: standard deviations of layer responses",
    text=(
        "The response of a 3x3 layer is its output after batch normalisation and before what"
        " follows: ReLU, or the addition. In residual networks it is the strength of the residual"
        " functions. They respond less than plain layers do, so residual functions tend to be"
        " closer to zero; and the deeper the network, the less each layer changes the signal.",
        "A deviation is over all pictures, places and channels of a layer, in evaluation mode.",
    ),
    rows=(plain(20), plain(56), residual(20), residual(56), residual(110)),
    responses=True,
    claims=(
        _weaker("residual-20", "plain-20"),
        _weaker("residual-56", "plain-56"),
        _weaker("residual-56", "residual-20"),
        _weaker("residual-110", "residual-56"),
    ),
)

"""A network's step with our own kernels in place of torch's, where they fit.

The paper's networks have their batch normalisation, addition and ReLU in one as well; anybody's
own have their 3x3 convolutions by our kernels, and all else as it comes.
"""

from functools import partial

import torch
from torch import Tensor, nn

from ...data.batches import Batch
from ...models.resnet import ResNet
from ...train import State, Step
from ..device.network import fits as is_ours
from ..device.network import logits
from ..device.normalised import Normalised
from ..replaced import Pass, replaced
from .normalised import Kernels
from .winograd import convolved, fits, takes

WAYS = Kernels()


def fitting(network: nn.Module) -> list[nn.Conv2d]:
    """The layers that our kernels can compute."""
    return [m for m in network.modules() if isinstance(m, nn.Conv2d) and fits(m)]


def natively(step: Step, *, whole: bool = True, shares: int = 1) -> Step:
    """The same step by our kernels, for so many shares that pass through it at once.

    Not `whole`, convolutions alone: blocks are still passed one by one, as those who compute them
    again on the way back need it.
    """

    def fused(network: ResNet, _: Pass) -> Pass:
        normalise = partial(_normalised, shares=shares)
        return partial(logits, network, convolve=_called, normalise=normalise)

    def by_kernels(state: State, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
        network = state.network
        paper = [network] if isinstance(network, ResNet) and whole and fusable(network) else []
        with replaced(fitting(network), _convolution), replaced(paper, fused):
            return step(state, batch, rate)

    return by_kernels


def fusable(network: ResNet) -> bool:
    """Whether all of it is as `normalise.c` takes it."""
    wide = all(width % 16 == 0 for width in network.arch.widths)
    return wide and is_ours(network) and network.fc.weight.dtype == torch.float32


def _convolution(layer: nn.Conv2d, before: Pass) -> Pass:
    return lambda x: convolved(x, layer.weight) if takes(layer, x) else before(x)


def _called(layer: nn.Module, x: Tensor) -> Tensor:
    made: Tensor = layer(x)
    return made


def _normalised(layer: nn.Module, x: Tensor, add: Tensor | None, shares: int) -> Tensor:
    """relu(batch normalisation of x + add); running statistics move once for each share."""
    assert isinstance(layer, nn.BatchNorm2d)
    mean, variance, count = layer.running_mean, layer.running_var, layer.num_batches_tracked
    assert mean is not None and variance is not None and count is not None
    assert layer.momentum is not None
    seen = torch.empty(shares, layer.num_features), torch.empty(shares, layer.num_features)
    y: Tensor = Normalised.apply(x, layer.weight, layer.bias, add, WAYS, layer.eps, seen)  # type: ignore[no-untyped-call]
    count.add_(shares)
    for share in range(shares):
        mean.lerp_(seen[0][share], layer.momentum)
        variance.lerp_(seen[1][share], layer.momentum)
    return y

"""The paper's networks as `models.resnet` defines them, on given weights and fused layers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...models.frozen import Still
from ...models.resnet import Basic, Bottleneck, ResNet, Zeros

Convolve = Callable[[nn.Module, Tensor], Tensor]
Normalise = Callable[[nn.Module, Tensor, "Tensor | None"], Tensor]  # layer, x, what is added


def fits(network: nn.Module) -> bool:
    """Whether it is a paper's network, every shortcut without parameters, all of it learning."""
    return isinstance(network, ResNet) and not any(
        isinstance(module, Still) or (name.endswith("downsample") and [*module.parameters()])
        for name, module in network.named_modules()
    )


def logits(network: ResNet, x: Tensor, convolve: Convolve, normalise: Normalise) -> Tensor:
    """N x classes, in full precision from the pooling on."""
    x = normalise(network.bn1, convolve(network.conv1, x), None)
    x = network.maxpool(x)
    for stage in network.stages():
        for block in stage:  # type: ignore[attr-defined]
            x = _block(block, x, convolve, normalise)
    weight = network.fc.weight
    return F.linear(x.mean((2, 3), dtype=weight.dtype), weight, network.fc.bias)


def _block(
    block: Basic | Bottleneck, x: Tensor, convolve: Convolve, normalise: Normalise
) -> Tensor:
    f = normalise(block.bn1, convolve(block.conv1, x), None)
    f = convolve(block.conv2, f)
    last = block.bn2
    if isinstance(block, Bottleneck):
        f = convolve(block.conv3, normalise(block.bn2, f, None))
        last = block.bn3
    return normalise(last, f, None if block.downsample is None else _shortcut(block.downsample, x))


def _shortcut(shortcut: nn.Module, x: Tensor) -> Tensor:
    """What is added, in the layout of what it is added to, and its gradient in that of x."""
    if isinstance(shortcut, Zeros):
        every = F.avg_pool2d(x, 1, shortcut.stride)  # the gradient of slices would lie otherwise
        return F.pad(every, shortcut.padding).contiguous(memory_format=torch.channels_last)
    return x

"""How a network starts: He et al.'s rule (Sec. 3.4), drawn from a seed and nothing else."""

from typing import Literal

import torch
from torch import nn

from ..randomness import stream_seed
from ..spec import Arch
from .outlined import outlined
from .resnet import Basic, Bottleneck, ResNet

Fan = Literal["in", "out"]


def created(arch: Arch, seed: int = 0, fan: Fan = "in") -> ResNet:
    """A fresh network; torch's own random numbers are neither used nor moved."""
    return initialise(outlined(arch).to_empty(device="cpu"), seed, fan=fan)


@torch.no_grad()
def initialise(
    network: ResNet, seed: int = 0, *, fan: Fan = "in", last_gamma: float = 1.0
) -> ResNet:
    """Convolutions and projections normal with sqrt(2 / fan); gamma 1, beta and biases 0.

    The classifier, which no ReLU follows, is normal with sqrt(1 / fan_in). `last_gamma` 0 starts
    every residual function at zero: later work's choice, not the paper's.
    """
    generator = torch.Generator().manual_seed(stream_seed(seed, "initialisation") >> 1)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            channels = module.in_channels if fan == "in" else module.out_channels
            deviation = (2 / (channels * module.kernel_size[0] ** 2)) ** 0.5
            module.weight.normal_(0, deviation, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            module.weight.normal_(0, module.in_features**-0.5, generator=generator)
            module.bias.zero_()
    for block in network.modules():
        if isinstance(block, Basic | Bottleneck):
            last = block.bn2 if isinstance(block, Basic) else block.bn3
            last.weight.fill_(last_gamma)
    return network

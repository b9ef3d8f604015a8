"""The deeper plain network that is as good as a shallower one, by construction (Sec. 1, Sec. 4.1).

Layers that are identities are added at the end of each stage: what comes in there is not negative,
so ReLU changes nothing. A deeper network at least as good exists; whether descent finds it is
another question.
"""

import torch
from msgspec import structs
from torch import nn

from ..errors import UserError
from .resnet import Basic, ResNet


@torch.no_grad()
def deepened(network: ResNet, layers: int) -> ResNet:
    """A plain network of so many layers with the outputs of this plain one, to rounding."""
    arch = network.arch
    more, rest = divmod(layers - arch.layers, 2 * len(arch.depths))
    if arch.shortcut != "none" or arch.block != "basic" or rest or more < 0:
        raise UserError(
            f"A network of {arch.layers} layers is not deepened to {layers}: plain ones grow by"
            f" two layers in each of their {len(arch.depths)} stages."
        )
    deeper = ResNet(structs.replace(arch, depths=tuple(n + more for n in arch.depths)))
    deeper.load_state_dict(network.state_dict(), strict=False)
    for stage, depth in zip(deeper.stages(), arch.depths, strict=True):
        assert isinstance(stage, nn.Sequential)
        for block in list(stage)[depth:]:
            assert isinstance(block, Basic)
            for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
                become_identity(conv, norm)
    deeper.card, deeper.mean_image = network.card, network.mean_image
    return deeper.train(network.training)


def become_identity(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """A Dirac kernel, and statistics and gamma that undo each other."""
    nn.init.dirac_(conv.weight)
    norm.reset_parameters()  # mean 0, variance 1, beta 0
    norm.weight.fill_((1 + norm.eps) ** 0.5)

"""What the page on related work says of shortcuts and of gates."""

import pytest
import torch
from torch.nn import functional as F

from deepres.models.initialise import created
from deepres.models.resnet import Basic
from deepres.models.zoo import arch

X = torch.rand(4, 16, 8, 8, generator=torch.Generator().manual_seed(0))  # as behind a ReLU


def blocks(name):
    """The blocks of a network as it tests, each with what enters it."""
    network = created(arch(name), seed=0).eval()
    return [module for module in network.modules() if isinstance(module, Basic)]


def shut(block):
    """The same block, with F(x) = 0 whatever the kernels are."""
    with torch.no_grad():
        block.bn2.weight.zero_()
        block.bn2.bias.zero_()
    return block


@torch.no_grad()
def test_a_shortcut_is_open_whatever_the_layers_do():
    for residual, plain in zip(blocks("resnet20"), blocks("plain20"), strict=True):
        x = X.repeat(1, residual.conv1.in_channels // 16, 1, 1)
        handed_on = residual.downsample(x)
        assert torch.equal(shut(residual)(x), handed_on)
        assert handed_on[:, : x.shape[1]].sum() > 0
        assert not shut(plain)(x).any()
        assert not list(residual.downsample.parameters())


def highway(block, x, gate):
    """T H(x) + (1 - T) x, where the layers of a plain block are H."""
    return gate * block(x) + (1 - gate) * x


@torch.no_grad()
def test_no_position_of_a_highways_gate_is_the_residual_block():
    plain, residual = blocks("plain20")[1], blocks("resnet20")[1]
    residual.load_state_dict(plain.state_dict())
    assert torch.equal(highway(plain, X, 1.0), plain(X))
    assert torch.equal(highway(plain, X, 0.0), X)
    wanted = residual(X)
    for gate in torch.linspace(0, 1, 21):
        assert (highway(plain, X, gate) - wanted).abs().max() > 0.1
    f = plain.bn2(plain.conv2(F.relu(plain.bn1(plain.conv1(X)))))
    half = 0.5 * f + (1 - 0.5) * X  # before the last ReLU: both, at half their strength
    assert torch.allclose(F.relu(2 * half), wanted, atol=1e-6)


@pytest.mark.parametrize("name", ["plain20", "resnet20"])
def test_there_are_nine_blocks(name):
    assert len(blocks(name)) == 9

"""A deeper plain network with a shallower one's outputs; gradients layer by layer."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import deepres
from deepres.errors import UserError
from deepres.gradients import gradient_norms
from deepres.models.deepen import deepened


def lived_in(name):
    """A network whose statistics and parameters are not those of a new one."""
    network = deepres.create(name, seed=3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor in (module.weight, module.bias, module.running_mean):
                    tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.3)
                module.running_var.mul_(
                    1 + torch.rand(module.running_var.shape, generator=generator)
                )
    return network.eval()


@pytest.mark.parametrize(("name", "layers"), [("plain20", 56), ("plain8", 20), ("plain18", 34)])
def test_identity_layers_change_no_output(name, layers):
    if name == "plain18":
        layers = 26  # two layers in each of four stages
    network = lived_in(name)
    x = torch.randn(4, 3, network.arch.input_size // 2, network.arch.input_size // 2)
    deeper = deepened(network, layers)
    assert deeper.arch.layers == layers
    assert not deeper.training
    with torch.no_grad():
        torch.testing.assert_close(deeper(x), network(x), rtol=1e-5, atol=1e-5)
        shallow, deep = network.features(x), deeper.features(x)
    for a, b in zip(shallow.values(), deep.values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "layers"), [("resnet20", 56), ("plain20", 30), ("plain20", 14)])
def test_what_cannot_be_deepened_is_refused(name, layers):
    with pytest.raises(UserError, match=f"not deepened to {layers}"):
        deepened(deepres.create(name), layers)


def test_gradient_norms_are_those_of_the_loss():
    network = lived_in("plain8").double()
    before = {name: t.clone() for name, t in network.state_dict().items()}
    x, y = torch.randn(6, 3, 8, 8, dtype=torch.float64), torch.arange(6)
    told = dict(gradient_norms(network, x, y))
    assert list(told) == [n for n, p in network.named_parameters() if p.ndim == 4]
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert not network.training
    # by differences of the loss itself, in the direction of the gradient
    network.train()
    weight = network.layer2[0].conv1.weight
    (gradient,) = torch.autograd.grad(F.cross_entropy(network(x), y), [weight])
    direction = gradient / gradient.norm()
    losses = []
    for step in (-1e-5, 1e-5):
        with torch.no_grad():
            weight.add_(direction, alpha=step)
            losses.append(float(F.cross_entropy(network(x), y)))
            weight.sub_(direction, alpha=step)
    slope = (losses[1] - losses[0]) / 2e-5
    np.testing.assert_allclose(told["layer2.0.conv1.weight"], slope, rtol=1e-6)

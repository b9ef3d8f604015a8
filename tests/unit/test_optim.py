"""Caffe's momentum and torch's, held against NumPy and against torch.optim.SGD."""

import numpy as np
import pytest
import torch
from torch import nn

from deepres.optim import Momentum
from deepres.spec import Recipe

RATES = [0.1] * 4 + [0.01] * 4
GRADIENTS = np.random.default_rng(2).standard_normal((len(RATES), 5))
START = np.arange(1.0, 6.0)


def ours(recipe: Recipe, rates: list[float]) -> np.ndarray:
    """The weights after a step at each rate, the gradients given."""
    network = nn.Module()
    network.w = nn.Parameter(torch.tensor(START[:, None]))
    optimiser = Momentum(network, recipe)
    for rate, gradient in zip(rates, GRADIENTS, strict=False):
        network.w.grad = torch.tensor(gradient[:, None])
        optimiser.step(rate)
        optimiser.forget_gradients()
    return network.w.detach().numpy()[:, 0]


def torchs(rates: list[float], nesterov: bool = False) -> np.ndarray:
    w = nn.Parameter(torch.tensor(START))
    optimiser = torch.optim.SGD(
        [w], lr=rates[0], momentum=0.9, weight_decay=1e-4, nesterov=nesterov
    )
    for rate, gradient in zip(rates, GRADIENTS, strict=False):
        optimiser.param_groups[0]["lr"] = rate
        w.grad = torch.tensor(gradient)
        optimiser.step()
    return w.detach().numpy()


def caffes(rates: list[float]) -> np.ndarray:
    w, v = START.copy(), np.zeros(5)
    for rate, gradient in zip(rates, GRADIENTS, strict=False):
        v = 0.9 * v + rate * (gradient + 1e-4 * w)
        w = w - v
    return w


def test_ours_is_caffes_momentum_across_a_drop() -> None:
    np.testing.assert_allclose(ours(Recipe(), RATES), caffes(RATES), rtol=1e-14)


def test_torchs_momentum_is_another_after_a_drop_and_the_same_before() -> None:
    np.testing.assert_allclose(torchs(RATES[:4]), caffes(RATES[:4]), rtol=1e-14)
    one_later = np.abs(torchs(RATES[:5]) - caffes(RATES[:5]))
    # Caffe's velocity still moves at the old rate: nine tenths of it are too much for torch's
    velocity = caffes(RATES[:3]) - caffes(RATES[:4])
    np.testing.assert_allclose(one_later, 0.9 * 0.9 * np.abs(velocity), rtol=1e-12)


@pytest.mark.parametrize("form", ["torch", "nesterov"])
def test_the_other_forms_are_torch_optims(form: str) -> None:
    recipe = Recipe(momentum_form=form)
    np.testing.assert_allclose(
        ours(recipe, RATES), torchs(RATES, nesterov=form == "nesterov"), rtol=1e-14
    )


@pytest.mark.parametrize("form", ["caffe", "torch", "nesterov"])
def test_a_rate_as_a_tensor_computes_the_same(form: str) -> None:
    recipe = Recipe(momentum_form=form)
    as_tensors = [torch.tensor(rate, dtype=torch.float64) for rate in RATES]
    np.testing.assert_array_equal(ours(recipe, as_tensors), ours(recipe, RATES))


def test_decay_pulls_on_everything_unless_told_otherwise() -> None:
    def pulled(recipe: Recipe) -> set[str]:
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        for p in network.parameters():
            nn.init.ones_(p)
            p.grad = torch.zeros_like(p)
        Momentum(network, recipe).step(0.1)
        return {name for name, p in network.named_parameters() if bool((p < 1).all())}

    assert pulled(Recipe()) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    assert pulled(Recipe(decay_on="weights")) == {"0.weight"}


def test_a_frozen_parameter_has_no_velocity_and_one_without_gradient_stays() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[0].requires_grad_(False)
    optimiser = Momentum(network, Recipe())
    assert set(optimiser.velocity) == {"1.weight", "1.bias"}
    before = network[1].weight.detach().clone()
    optimiser.step(0.1)
    assert torch.equal(network[1].weight, before)

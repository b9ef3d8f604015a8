"""Population statistics against NumPy, on a paper's network and on anybody's module."""

import numpy as np
import pytest
import torch
from torch import nn

import deepres
from deepres.data.batches import batch_of, normalisation
from deepres.data.digits import images
from deepres.errors import UserError
from deepres.population import adopt, population
from deepres.runs.looks import counted
from deepres.runs.looks import shares as shares_of
from deepres.spec import DIGITS, Data, Protocol, Run


class Anybodys(nn.Module):
    """One convolution, one normalisation, dropout behind it, a second normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4, momentum=None)
        self.drop = nn.Dropout(0.5)
        self.again = nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.again(self.drop(self.norm(self.first(x))))


def shares(*sizes: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(size, 3, 5, 6, generator=generator, dtype=torch.float64) * (1 + k) + k
        for k, size in enumerate(sizes)
    ]


def by_numpy(seen: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and mean of variances plus variance of means, weighed by the number of values."""
    counts = np.array([x[:, 0].size for x in seen], dtype=float)
    means = np.array([x.mean(axis=(0, 2, 3)) for x in seen])
    variances = np.array([x.var(axis=(0, 2, 3)) for x in seen])
    weights = (counts / counts.sum())[:, None]
    mean = (weights * means).sum(0)
    return mean, (weights * variances).sum(0) + (weights * (means - mean) ** 2).sum(0)


def test_population_statistics_are_numpys() -> None:
    network = Anybodys().double()
    given = shares(4, 4, 2)
    told = population(network, given)
    conv = network.first
    with torch.no_grad():
        maps = [conv(x).numpy() for x in given]
    mean, variance = by_numpy(maps)
    np.testing.assert_allclose(told["norm.running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(told["norm.running_var"], variance, rtol=1e-12)
    # the second layer sees each share normalised by its own statistics, and no dropout
    inner = [
        (m - m.mean((0, 2, 3), keepdims=True))
        / np.sqrt(m.var((0, 2, 3), keepdims=True) + network.norm.eps)
        for m in maps
    ]
    mean, variance = by_numpy(inner)
    np.testing.assert_allclose(told["again.running_mean"], mean, atol=1e-12)
    np.testing.assert_allclose(told["again.running_var"], variance, rtol=1e-12)


def test_the_network_stays_as_it_was_until_it_adopts() -> None:
    network = Anybodys().double()
    network.drop.train(False)
    network(shares(8)[0])
    before = {name: t.clone() for name, t in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    told = population(network, shares(4, 4))
    assert [module.training for module in network.modules()] == modes
    assert (network.norm.momentum, network.again.momentum) == (None, 0.1)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    adopt(network, told)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, told.get(name, before[name])), name
    assert not torch.equal(network.norm.running_var, before["norm.running_var"])


def test_one_share_is_normalised_in_evaluation_as_in_training() -> None:
    """With statistics of one batch, evaluation and training mode agree on it in every layer."""
    network = deepres.create("resnet20").double()
    x = shares(6)[0]
    adopt(network, population(network, [x]))
    tested = network.eval()(x)
    torch.testing.assert_close(tested, network.train()(x), rtol=1e-9, atol=1e-9)


def test_a_layer_that_sees_two_maps_averages_over_both() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(x) + self.norm(3 * x + 1)

    (x,) = shares(4)
    told = population(Shared().double(), [x])
    mean, variance = by_numpy([x.numpy(), 3 * x.numpy() + 1])
    np.testing.assert_allclose(told["norm.running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(told["norm.running_var"], variance, rtol=1e-12)


def test_no_pictures_is_an_error_that_names_the_layer() -> None:
    with pytest.raises(UserError, match="norm"):
        population(Anybodys(), [])


@pytest.mark.parametrize(("at_most", "batches"), [(200, 3), (10, 1)])
def test_a_run_averages_over_what_the_steps_after_its_last_would_see(
    at_most: int, batches: int
) -> None:
    """Statistics of clean pictures are others than those that the weights have learnt with."""
    run = Run(
        name="x",
        data=Data(name="digits"),
        recipe=DIGITS,
        protocol=Protocol(statistics_images=at_most),
        seed=4,
    )
    digits = images("train")
    how = normalisation(digits, run.recipe)
    seen = list(shares_of(run, digits, how))
    for number in range(batches):
        batch = batch_of(digits, how, run.recipe, run.seed, run.recipe.steps + number)
        for replica, (pictures, _) in enumerate(batch.shares()):
            assert torch.equal(seen[number * run.recipe.replicas + replica], pictures)
    assert len(seen) == batches * run.recipe.replicas
    assert counted(run, digits) == batches * run.recipe.batch

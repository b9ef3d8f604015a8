"""Population statistics for batch normalisation: true averages over training images.

The authors' release notes: mean and variance are averages over many training images, taken after
training, not the moving averages that training leaves behind.

One pass in training mode decides: every layer is fed as it was in training, behind layers that
normalise each share by its own statistics, and what it sees is averaged. Layer by layer, with the
earlier ones already at population values, would take a pass for each layer (1,201 for the deepest
network) and an order of layers, which somebody's own module does not tell.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .errors import UserError
from .models.frozen import Still
from .ranks import ALONE, Ranks

Statistics = dict[str, Tensor]  # running_mean and running_var under their state-dict names


def normalisations(network: nn.Module) -> dict[str, _BatchNorm]:
    """The batch normalisations that keep statistics, by name; frozen ones are left in peace."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm)
        and module.running_mean is not None
        and not isinstance(module, Still)
    }


@torch.no_grad()
def population(network: nn.Module, shares: Iterable[Tensor], ranks: Ranks = ALONE) -> Statistics:
    """The mean and variance of each layer's input over all shares; the network stays as it was.

    Of several ranks each brings the shares that were dealt to it, and all learn the same. Variance
    is the mean of the shares' variances plus the variance of their means, each share weighing as
    many values as it has: exactly the variance of all values that the layer saw.
    """
    with _measuring(network) as sums:
        whole = torch.zeros(sum(kept.numel() for kept in sums.values())).double()
        for row in ranks.dealt(_each(network, shares, sums)):
            whole += row[0]
    kinds = network.state_dict()
    told: Statistics = {}
    end = 0
    for name, kept in sums.items():
        start, end = end, end + kept.numel()
        count, first, second = whole[start:end].view(3, -1)
        if not count.all():
            raise UserError(f"No picture reached {name}, so it has no statistics.")
        mean = first / count
        variance = (second / count - mean**2).clamp(min=0)
        told[f"{name}.running_mean"] = mean.to(kinds[f"{name}.running_mean"])
        told[f"{name}.running_var"] = variance.to(kinds[f"{name}.running_var"])
    return told


def _each(
    network: nn.Module, shares: Iterable[Tensor], sums: dict[str, Tensor]
) -> Iterator[Tensor]:
    """The sums over each share by itself, in a row."""
    for images in shares:
        for kept in sums.values():
            kept.zero_()
        network(images)
        if sums:
            yield torch.cat([kept.flatten() for kept in sums.values()])[None]


@contextmanager
def _measuring(network: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Count, sum and sum of squares of what each layer normalises, while this is entered.

    Batch normalisation runs in training mode and forgets at once, so that its running statistics
    are the last share's and cost nothing; all else (dropout, say) behaves as in a test.
    """
    layers = normalisations(network)
    sums = {name: torch.zeros(3, layer.num_features).double() for name, layer in layers.items()}
    modes = {module: module.training for module in network.modules()}
    momenta = {layer: layer.momentum for layer in layers.values()}
    kept = {name: t.clone() for name, t in network.state_dict().items() if _running(name, layers)}
    network.eval()
    hooks = []
    for name, layer in layers.items():
        layer.train()
        layer.momentum = 1.0

        def measured(
            layer: nn.Module, given: tuple[Tensor], _: Tensor, into: Tensor = sums[name]
        ) -> None:
            assert isinstance(layer, _BatchNorm)
            into += _moments(layer, given[0].numel() // given[0].shape[1])

        hooks.append(layer.register_forward_hook(measured))
    try:
        yield sums
    finally:
        for hook in hooks:
            hook.remove()
        for layer, momentum in momenta.items():
            layer.momentum = momentum
        for module, training in modes.items():
            module.training = training
        adopt(network, kept)


def _running(name: str, layers: dict[str, _BatchNorm]) -> bool:
    module, _, what = name.rpartition(".")
    return module in layers and what in ("running_mean", "running_var", "num_batches_tracked")


def _moments(layer: _BatchNorm, count: int) -> Tensor:
    """Count, sum and sum of squares of the values that a layer just normalised, by channel."""
    assert layer.running_mean is not None and layer.running_var is not None
    mean = layer.running_mean.cpu().double()
    variance = layer.running_var.cpu().double() * ((count - 1) / count)  # torch's is unbiased
    return torch.stack([torch.full_like(mean, count), count * mean, count * (variance + mean**2)])


@torch.no_grad()
def adopt(network: nn.Module, statistics: Statistics) -> None:
    """Puts these statistics in the place of the network's own."""
    here = network.state_dict()
    for name, tensor in statistics.items():
        here[name].copy_(tensor)

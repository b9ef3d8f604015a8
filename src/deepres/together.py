"""One step whose replicas lie with several processes: the same numbers as of one that has all.

Each rank computes its replicas' gradients, one by one. These are added up in the order of the
replicas, as one process adds them up, so weights and velocity agree with its to the bit on equal
machines. The running statistics move once for each replica, in order; they agree to rounding,
because a layer tells its batch's statistics only as it stores them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm

from .data.batches import Batch
from .errors import Failed, UserError
from .models.named import named
from .optim import Rate
from .population import normalisations
from .ranks import Ranks
from .spec import Recipe
from .train import Forward, State, Update, exact, mistakes, moved


def divided(recipe: Recipe, ranks: Ranks) -> None:
    """Refuses ranks that cannot have equally many replicas."""
    if recipe.replicas % ranks.count:
        fits = [str(n) for n in range(1, recipe.replicas + 1) if recipe.replicas % n == 0]
        raise UserError(
            f"{ranks.count} ranks do not divide {recipe.replicas} replicas: start"
            f" {' or '.join(fits)}, or choose --replicas to fit."
        )


def together(
    state: State,
    batch: Batch,
    rate: Rate,
    forward: Forward = exact,
    update: Update = moved,
    *,
    ranks: Ranks,
) -> tuple[Tensor, Tensor]:
    """One step on this rank's replicas of a batch; loss and wrong answers are of all of it."""
    layers = _followed(state.network)
    whole, first = batch.replicas * ranks.count, batch.replicas * ranks.rank
    gradients, told = [], []
    with _telling(layers) as kept:
        for replica, (images, labels) in enumerate(batch.shares(), first):
            state.settle(replica)
            loss, logits = forward(state.network, images, labels)
            torch.autograd.backward(loss / whole * state.scale)
            gradients.append(_flat(state))
            told.append(_report(loss.detach(), mistakes(logits.detach(), labels), layers))
            state.optimiser.forget_gradients()
    _put_back(state, ranks.summed(torch.stack(gradients)))
    reports = ranks.gathered(torch.stack(told)).flatten(0, 1)  # replicas x numbers
    _follow(layers, kept, reports[:, 2:])
    update(state, rate)
    state.optimiser.forget_gradients()
    losses = reports[:, 0].to(loss.dtype).contiguous()
    return losses.mean(), reports[:, 1].sum().long()


def _followed(network: nn.Module) -> list[_BatchNorm]:
    """The layers whose running statistics move; what several ranks cannot keep is refused."""
    layers = [layer for layer in normalisations(network).values() if layer.training]
    for layer in layers:
        if isinstance(layer, SyncBatchNorm):
            raise UserError(
                "SyncBatchNorm would normalise over all ranks, and a replica is normalised by its"
                " own statistics: use BatchNorm2d, or a process alone."
            )
    return layers


@contextmanager
def _telling(layers: list[_BatchNorm]) -> Iterator[list[tuple[Tensor, Tensor, Tensor | None]]]:
    """While this is entered, each layer's running statistics are those of its last batch alone.

    Gives what they were before.
    """
    kept = [
        (
            _there(layer.running_mean).clone(),
            _there(layer.running_var).clone(),
            None if layer.num_batches_tracked is None else layer.num_batches_tracked.clone(),
        )
        for layer in layers
    ]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 1.0
    try:
        yield kept
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def _there(buffer: Tensor | None) -> Tensor:
    assert buffer is not None  # `normalisations` gives those that keep statistics
    return buffer


def _report(loss: Tensor, wrong: Tensor, layers: list[_BatchNorm]) -> Tensor:
    """What the other ranks need to know of a replica beside its gradients, in a row of float64."""
    parts = [loss.view(1), wrong.view(1)]
    for layer in layers:
        parts += [_there(layer.running_mean), _there(layer.running_var)]
    return torch.cat([part.double() for part in parts])


def _flat(state: State) -> Tensor:
    """The gradients in a row; one that did not arrive is zeros and must arrive nowhere."""
    learning = state.optimiser.parameters
    silent = [name for name, w in learning.items() if w.grad is None]
    if silent:
        raise Failed(
            f"{silent[0]} got no gradient: over several ranks every parameter must take part in"
            " every pass. Use a process alone, or set requires_grad to False."
        )
    return torch.cat([w.grad.flatten() for w in learning.values() if w.grad is not None])


def _put_back(state: State, flat: Tensor) -> None:
    """A row of gradients to their parameters."""
    end = 0
    for w in state.optimiser.parameters.values():
        start, end = end, end + w.numel()
        w.grad = flat[start:end].view_as(w).to(w.dtype)


@torch.no_grad()
def _follow(
    layers: list[_BatchNorm],
    kept: list[tuple[Tensor, Tensor, Tensor | None]],
    statistics: Tensor,
) -> None:
    """Moves each layer's running statistics once for every replica, in order."""
    end = 0
    for layer, (mean, variance, counted) in zip(layers, kept, strict=True):
        for here, was in ((layer.running_mean, mean), (layer.running_var, variance)):
            start, end = end, end + len(was)
            moved = was.double()
            for number, row in enumerate(statistics[:, start:end], 1):
                share = _share(layer, counted, number)
                moved = (1 - share) * moved + share * row
            _there(here).copy_(moved)
        if counted is not None and layer.num_batches_tracked is not None:
            layer.num_batches_tracked.copy_(counted + len(statistics))


def _share(layer: _BatchNorm, counted: Tensor | None, number: int) -> float:
    """How much of a batch's statistics is taken; without a momentum, as much as of any before."""
    if layer.momentum is not None or counted is None:
        return layer.momentum or 0.0
    return 1 / (int(counted) + number)


def gradient_bytes(name: str) -> int:
    """What a network's gradients are in fp32, counted on the network itself."""
    network = named(name, None, device="meta")
    return sum(4 * w.numel() for w in network.parameters())


def sent_bytes(gradients: int, replicas: int, ranks: int) -> int:
    """What each rank sends in a step: pieces of its replicas' gradients, and a piece of the sum."""
    piece = -(-gradients // ranks)
    return (ranks - 1) * piece * (replicas // ranks + 1)

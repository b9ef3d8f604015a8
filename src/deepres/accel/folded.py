"""All replicas in one pass: convolutions see the whole batch, each share its own statistics."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..data.batches import Batch
from ..optim import Rate
from ..population import normalisations
from ..train import Forward, State, Update, exact, mistakes, moved
from .replaced import Pass, replaced


@contextmanager
def by_share(network: nn.Module, replicas: int) -> Iterator[None]:
    """While this is entered, each batch normalisation takes the shares of its input in turn.

    Names, parameters and buffers stay where they are, and the running statistics move as they do
    when the replicas take turns: once for each share. (A layer that is used twice in one pass sees
    all shares of its first input before any of its second.)
    """
    layers = [layer for layer in normalisations(network).values() if layer.training]

    def in_shares(layer: nn.Module, one: Pass) -> Pass:
        return lambda x: torch.cat([one(share) for share in x.chunk(replicas)])

    with replaced(layers, in_shares):
        yield


def folded(
    state: State, batch: Batch, rate: Rate, forward: Forward = exact, update: Update = moved
) -> tuple[Tensor, Tensor]:
    """One step with the replicas side by side; `train.eager` takes them in turn."""
    state.settle(0)
    with by_share(state.network, batch.replicas):
        loss, logits = forward(state.network, batch.images, batch.labels)
    torch.autograd.backward(loss * state.scale)
    update(state, rate)
    state.optimiser.forget_gradients()
    return loss.detach(), mistakes(logits.detach(), batch.labels)

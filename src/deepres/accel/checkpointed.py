"""Deep networks in little memory: activations are kept every few blocks and computed again."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..population import normalisations
from ..train import Forward
from .replaced import Pass, replaced


def checkpointed(forward: Forward, blocks: int) -> Forward:
    """The same numbers from a forward pass that keeps the input of every `blocks` blocks."""

    def saving(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        with segmented(network, blocks):
            return forward(network, images, labels)

    return saving


@contextmanager
def segmented(network: nn.Module, blocks: int) -> Iterator[None]:
    """While this is entered, each long sequence of modules runs in checkpointed segments."""
    stages = [m for m in network.modules() if isinstance(m, nn.Sequential) and len(m) > 2]

    def in_segments(stage: nn.Sequential, _: Pass) -> Pass:
        return _in_segments(stage, blocks)

    with replaced(stages, in_segments):
        yield


def _in_segments(stage: nn.Sequential, blocks: int) -> Pass:
    parts = [stage[at : at + blocks] for at in range(0, len(stage), blocks)]
    contexts = [partial(_contexts, part) for part in parts]

    def forward(x: Tensor) -> Tensor:
        for part, context in zip(parts, contexts, strict=True):
            x = checkpoint(part, x, use_reentrant=False, context_fn=context)
        return x

    return forward


def _contexts(
    part: nn.Module,
) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _not_counting(part)


@contextmanager
def _not_counting(part: nn.Module) -> Iterator[None]:
    """The second pass over a share must not move the running statistics a second time."""
    layers = normalisations(part).values()
    kept = [(layer, layer.momentum, layer.num_batches_tracked) for layer in layers]
    for layer, _, counted in kept:
        layer.momentum = 0.0
        layer.num_batches_tracked = None if counted is None else counted.clone()
    try:
        yield
    finally:
        for layer, momentum, counted in kept:
            layer.momentum, layer.num_batches_tracked = momentum, counted

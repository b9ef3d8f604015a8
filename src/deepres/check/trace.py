"""Somebody's network and the paper's, each run and laid out in the same way."""

import contextlib
import sys

import torch
from msgspec import Struct
from torch import Tensor, nn

from ..errors import UserError
from ..models.named import foreign
from .layout import Layout, layout
from .record import Recording, record, scores_of

OTHER_SIZES = (32, 224, 64, 96, 128, 28)  # tried in turn where the paper's does not go in


class Trace(Struct, frozen=True, eq=False):
    """A network as it ran: in training mode, and in evaluation mode for what changes there."""

    recording: Recording
    layout: Layout
    evaluation: Layout


def pictures(size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A few random pictures: N x 3 x size x size. Small maps need more for their statistics."""
    generator = torch.Generator().manual_seed(size)
    number = 4 if size <= 96 else 2
    return torch.randn(number, 3, size, size, generator=generator, dtype=torch.float64).to(dtype)


def traced(network: nn.Module, size: int, convolutions: int) -> Trace:
    """Records a network at one size; it is left in training mode."""
    with contextlib.redirect_stdout(sys.stderr):
        evaluation = layout(record(network.eval(), pictures(size)), convolutions)
        recording = record(network.train(), pictures(size))
    return Trace(recording, layout(recording, convolutions), evaluation)


@torch.no_grad()
def fitting_size(name: str, network: nn.Module, size: int) -> int:
    """The paper's size, or the first other one that a network takes."""
    try:
        _try(name, network, size)
    except UserError as refused:
        for other in OTHER_SIZES:
            with contextlib.suppress(UserError):
                _try(name, network, other)
                return other
        raise refused
    return size


def takes(name: str, network: nn.Module, images: Tensor) -> bool:
    """Whether a network runs on some pictures, in the mode it is in."""
    with contextlib.suppress(UserError), torch.no_grad():
        _try_on(name, network, images)
        return True
    return False


def _try(name: str, network: nn.Module, size: int) -> None:
    """Runs it in both modes, since dropout, statistics and code of its own may differ."""
    for mode in (True, False):
        _try_on(name, network.train(mode), pictures(size))


def _try_on(name: str, network: nn.Module, images: Tensor) -> None:
    size = images.shape[-1]
    with foreign(f"{name} does not take N x 3 x {size} x {size} pictures: it raised"):
        answer = network(images.clone())
    scores, _ = scores_of(answer)
    if scores.ndim != 2 or scores.shape[0] != images.shape[0]:
        raise UserError(
            f"{name} gives outputs of {'x'.join(map(str, scores.shape))} for {images.shape[0]}"
            " pictures: N x classes is what a classifier gives."
        )

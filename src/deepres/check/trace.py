"""Somebody's network and the paper's, each run and laid out in the same way."""

import contextlib
import sys
from collections.abc import Iterator, Sequence

import torch
from msgspec import Struct
from torch import Tensor, nn

from ..errors import UserError
from ..models.named import foreign
from ..spec import CONVOLUTIONS
from .layout import Layout, layout
from .record import Recording, record, scores_of

SIZES = (224, 32, 64, 96, 128, 28)  # tried in turn


class Trace(Struct, frozen=True, eq=False):
    """A network as it ran: in training mode, and in evaluation mode for what changes there."""

    recording: Recording
    layout: Layout
    basic: Layout  # the same, but where nothing is added, cut into blocks of two layers
    evaluation: Layout


def pictures(size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A few random pictures: N x 3 x size x size. Small maps need more for their statistics."""
    generator = torch.Generator().manual_seed(size)
    number = 4 if size <= 96 else 2
    return torch.randn(number, 3, size, size, generator=generator, dtype=torch.float64).to(dtype)


def traced(name: str, network: nn.Module, size: int, convolutions: int) -> Trace:
    """Records a network at one size; it is left in training mode."""
    with contextlib.redirect_stdout(sys.stderr):
        evaluation = _recorded(name, network.eval(), size)
        in_evaluation = layout(evaluation, convolutions)
        evaluation.forget()
        recording = _recorded(name, network.train(), size)
    laid = layout(recording, convolutions)
    two = CONVOLUTIONS["basic"]
    basic = laid if laid.additions or convolutions == two else layout(recording, two)
    recording.forget()
    return Trace(recording, laid, basic, in_evaluation)


def _recorded(name: str, network: nn.Module, size: int) -> Recording:
    recording = record(network, pictures(size))
    if recording.output.constant:
        raise UserError(f"{name} gives outputs that do not depend on the pictures.")
    return recording


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """A few pictures need no more, and threads that wait for each other need a quiet machine.

    Seen on two busy cores: ResNet-50 against the paper's in 8 s with one thread, 50 s with two.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def bare(name: str, network: nn.Module) -> nn.Module:
    """Without what compiling or spreading over devices has put around it, on the CPU."""
    while isinstance(inner := getattr(network, "_orig_mod", None), nn.Module):
        network = inner
    while isinstance(network, nn.DataParallel):
        network = network.module
    empty = next((n for n, p in network.named_parameters() if p.is_meta), None)
    if empty is not None:
        raise UserError(
            f"{name} has no values in {empty}, on the meta device: build it on the CPU."
        )
    return network.cpu().float()


@torch.no_grad()
def fitting_size(name: str, network: nn.Module, sizes: Sequence[int]) -> int:
    """The first of some sizes that a network takes; why not the first one, where it takes none."""
    refused: list[UserError] = []
    for size in sizes:
        try:
            _try(name, network, size)
        except UserError as error:
            refused.append(error)
        else:
            return size
    raise refused[0]


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
    number, _, size, _ = images.shape
    with foreign(f"{name} does not take N x 3 x {size} x {size} pictures: it raised"):
        answer = network(images.clone())
    scores, returned = scores_of(answer)
    if scores is None:
        raise UserError(f"{name} returns {returned}: N x classes is what a classifier gives.")
    if scores.ndim != 2 or scores.shape[0] != number:
        raise UserError(
            f"{name} gives outputs of {'x'.join(map(str, scores.shape))} for {number} pictures:"
            " N x classes is what a classifier gives."
        )

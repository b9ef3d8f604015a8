"""What became of the paper's weights in somebody's network, in a sentence."""

import torch
from msgspec import Struct
from torch import nn

from .agree import TOLERANCE, agreement, default, parting, stirred_alike
from .carry import Carried, matched
from .ends import tail
from .layout import Layout, layout
from .pairs import Pairs
from .record import record
from .trace import pictures, takes


class Compared(Struct, frozen=True):
    """Whether outputs and gradients are the same, and how that was found."""

    same: bool | None  # None: there was nothing to compare
    said: str


def compared(
    networks: tuple[nn.Module, nn.Module], layouts: tuple[Layout, Layout], pairs: Pairs, size: int
) -> Compared:
    """Carries weights from the second network, the paper's, to the first, and compares them.

    Large pictures are halved where both take it: sizes were compared already, and double
    precision is slow.
    """
    carried = matched(*layouts, pairs, networks)
    if carried.hindrance:
        return Compared(None, f"weights could not be carried over: {carried.hindrance}")
    if size > 96 and takes("it", networks[0].train(), pictures(size // 2)):
        size //= 2
    dtype = _precision(networks[0], size)
    for network in networks:
        network.to(dtype)
    with default(dtype):
        images = pictures(size, dtype)
        found = agreement(*networks, carried, images, tail(layouts[0]))
        if found.agrees:
            return Compared(
                True,
                f"with {len(carried.tensors)} tensors of weights carried over, outputs and"
                f" gradients are the same (to {found.bound:g} of the largest, in {_name(dtype)})",
            )
        evaluation = found.outputs > found.bound
        where = None
        if evaluation or found.outputs_training > found.bound:
            where = _parting(networks, carried, images[:2], evaluation)
    first = f"; activations part first {where}" if where else ""
    return Compared(False, f"with the same weights {found.said}{first}")


def _precision(network: nn.Module, size: int) -> torch.dtype:
    """Double, unless the code of the network insists on another type."""
    with default(torch.float64):
        if takes("it", network.double(), pictures(size, torch.float64)):
            return torch.float64
    network.float()
    return torch.float32


def _parting(
    networks: tuple[nn.Module, nn.Module], carried: Carried, images: torch.Tensor, evaluation: bool
) -> str | None:
    stirred_alike(networks, carried, images)
    for network in networks:
        network.train(not evaluation)
    ours, papers = (layout(record(network, images), 2) for network in networks)
    return parting(ours, papers, TOLERANCE[images.dtype])


def _name(dtype: torch.dtype) -> str:
    return "double precision" if dtype is torch.float64 else "single precision"

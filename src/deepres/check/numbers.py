"""What is counted of anybody's network by running it: layers, parameters, multiply-adds."""

import torch
from torch import nn

from ..models.count import Count
from ..models.named import own
from ..spec import CONVOLUTIONS
from .trace import SIZES, Trace, bare, fitting_size, one_thread, traced


def numbers_of(network: nn.Module, trace: Trace) -> Count:
    """The numbers of a network that has been traced."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Count(trace.layout.layers, parameters, trace.recording.multiply_adds)


def counted(name: str, size: int | None, classes: int | None) -> tuple[Count, int]:
    """Of the user's `module:callable`, and the edge of the picture: 224, or what goes in."""
    with torch.random.fork_rng(devices=[]), one_thread():
        network = bare(name, own(name, classes))
        edge = fitting_size(name, network, (size,) if size else SIZES)
        return numbers_of(network, traced(name, network, edge, CONVOLUTIONS["basic"])), edge

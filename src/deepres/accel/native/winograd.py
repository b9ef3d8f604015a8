"""3x3 convolutions with a quarter of the multiplications (`winograd.c`), as autograd takes them.

They round otherwise than a sum of nine products does: outputs are some 1e-6 of their norm away from
the exact ones in place of 2e-7, which a test holds against float64.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ..replaced import keeps_size
from .build import called

CHANNELS = 16  # inputs and outputs are multiples of it
MOST = 256  # from 512 channels transforming the kernel takes as long as is saved
SMALLEST = 3  # edge of a map: on smaller ones most of a tile is empty


def fits(layer: nn.Conv2d) -> bool:
    """A convolution of the paper's kind, between so many channels as the kernels take."""
    widths = layer.in_channels, layer.out_channels
    return keeps_size(layer) and all(width % CHANNELS == 0 and width <= MOST for width in widths)


def takes(layer: nn.Conv2d, x: Tensor) -> bool:
    """Whether such maps are worth it, and are what the kernels read: nothing checks it after."""
    here = x.dtype == layer.weight.dtype == torch.float32 and x.device.type == "cpu"
    like = x.ndim == 4 and x.shape[1] == layer.in_channels
    return here and like and min(x.shape[2:]) >= SMALLEST


def convolved(x: Tensor, weight: Tensor) -> Tensor:
    """As `conv2d(x, weight, padding=1)`."""
    made: Tensor = _Convolution.apply(x, weight)  # type: ignore[no-untyped-call]
    return made


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:
        x, weight = _laid(x), _laid(weight)
        context.save_for_backward(x, weight)
        return _convolve(x, weight, turned=False)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = context.saved_tensors
        of_x, of_weight = context.needs_input_grad
        g = _laid(g)
        back = _convolve(g, weight, turned=True) if of_x else None
        return back, _weights(x, g) if of_weight else None


def _laid(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _convolve(x: Tensor, weight: Tensor, *, turned: bool) -> Tensor:
    count, inputs, high, wide = x.shape
    outputs = weight.shape[1 if turned else 0]
    y = torch.empty(count, outputs, high, wide, memory_format=torch.channels_last)
    called("convolve", (x, weight, y), count, high, wide, inputs, outputs, int(turned))
    return y


def _weights(x: Tensor, g: Tensor) -> Tensor:
    count, inputs, high, wide = x.shape
    outputs = g.shape[1]
    made = torch.empty(outputs, inputs, 3, 3, memory_format=torch.channels_last)
    called("weights", (x, g, made), count, high, wide, inputs, outputs)
    return made

"""Batch normalisation, addition and ReLU by `normalise.c`: a way of `accel.device.normalised`."""

import torch
from torch import Tensor

from ..device.normalised import Backward, Forward
from .build import called


class Kernels:
    """For maps that lie channels last, in fp32, of 16, 32, ... channels."""

    def forward(
        self, x: Tensor, gamma: Tensor, beta: Tensor, add: Tensor | None, eps: float, replicas: int
    ) -> Forward:
        """Two walks over the map: its statistics, then what becomes of it."""
        y, channels = torch.empty_like(x), x.shape[1]
        mean, scale, unbiased = (torch.empty(replicas, channels) for _ in range(3))
        if add is not None:
            add = add.contiguous(memory_format=torch.channels_last)
        told = (x, gamma, beta, add, y, mean, scale, unbiased)
        called("normalise", told, eps, *_sizes(x, replicas))
        return Forward(y, mean, scale, unbiased)

    def backward(self, g: Tensor, x: Tensor, gamma: Tensor, found: Forward, adds: bool) -> Backward:
        """Two walks again: sums of what arrives, then what goes on."""
        dx, dadd = torch.empty_like(x), torch.empty_like(x) if adds else None
        dgamma, dbeta = torch.empty_like(gamma), torch.empty_like(gamma)
        told = (g, x, found.y, gamma, found.mean, found.scale, dx, dadd, dgamma, dbeta)
        called("normalise_back", told, *_sizes(x, len(found.mean)))
        return Backward(dx, dadd, dgamma, dbeta)


def _sizes(x: Tensor, replicas: int) -> tuple[int, int, int]:
    count, channels, high, wide = x.shape
    return replicas, count // replicas * high * wide, channels

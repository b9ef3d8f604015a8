"""Batch normalisation, the shortcut's addition and ReLU as one function, each replica on its own.

The convolutions see the whole batch. `Formulas` says what is computed; `kernels.py` does the same
in two launches forward and two back, which is what a graph of small maps is short of.
"""

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor


class Forward(NamedTuple):
    """What a layer gives, and what its backward pass wants to know: replicas x channels."""

    y: Tensor
    mean: Tensor
    scale: Tensor  # 1 / deviation
    unbiased: Tensor  # variance, for the running statistics


class Backward(NamedTuple):
    """Gradients of the input, of the shortcut, of gamma and of beta."""

    x: Tensor
    shortcut: Tensor | None
    gamma: Tensor
    beta: Tensor


class Ways(Protocol):
    """Two functions that are each other's gradient."""

    def forward(
        self, x: Tensor, gamma: Tensor, beta: Tensor, add: Tensor | None, eps: float, replicas: int
    ) -> Forward:
        """relu(gamma (x - mean) / deviation + beta + add)."""
        ...

    def backward(self, g: Tensor, x: Tensor, gamma: Tensor, found: Forward, adds: bool) -> Backward:
        """From the gradient of `y`."""
        ...


class Formulas:
    """The definition, in torch's own operations; statistics are at least fp32."""

    def forward(
        self, x: Tensor, gamma: Tensor, beta: Tensor, add: Tensor | None, eps: float, replicas: int
    ) -> Forward:
        shares = _shares(x, replicas).to(gamma.dtype)
        variance, mean = torch.var_mean(shares, (1, 3, 4), correction=0)
        scale = torch.rsqrt(variance + eps)
        y = (shares - _wide(mean)) * _wide(scale * gamma) + _wide(beta.expand_as(mean))
        y = y.flatten(0, 1)
        y = torch.relu(y if add is None else y + add).to(x.dtype)
        count = shares.numel() // mean.numel()
        return Forward(y, mean, scale, variance * (count / (count - 1)))

    def backward(self, g: Tensor, x: Tensor, gamma: Tensor, found: Forward, adds: bool) -> Backward:
        replicas = len(found.mean)
        g = torch.where(found.y > 0, g, torch.zeros_like(g))
        shares, arrived = (_shares(t, replicas).to(gamma.dtype) for t in (x, g))
        normal = (shares - _wide(found.mean)) * _wide(found.scale)
        beta, gamma_ = arrived.sum((1, 3, 4)), (arrived * normal).sum((1, 3, 4))
        count = shares.numel() // beta.numel()
        of_x = arrived - _wide(beta / count) - normal * _wide(gamma_ / count)
        of_x = (of_x * _wide(found.scale * gamma)).flatten(0, 1).to(x.dtype)
        return Backward(of_x, g if adds else None, gamma_.sum(0), beta.sum(0))


def _shares(x: Tensor, replicas: int) -> Tensor:
    """N x C x H x W as replicas x n x C x H x W."""
    return x.view(replicas, -1, *x.shape[1:])


def _wide(x: Tensor) -> Tensor:
    """Replicas x C, to be spread over pictures and places."""
    return x[:, None, :, None, None]


class Normalised(torch.autograd.Function):
    """Either way, known to autograd; statistics are written where the caller wants them."""

    @staticmethod
    def forward(
        context: Any,
        x: Tensor,
        gamma: Tensor,
        beta: Tensor,
        add: Tensor | None,
        ways: Ways,
        eps: float,
        seen: tuple[Tensor, Tensor],
    ) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        found = ways.forward(x, gamma, beta, add, eps, len(seen[0]))
        seen[0].copy_(found.mean)
        seen[1].copy_(found.unbiased)
        context.save_for_backward(x, gamma, *found)
        context.ways, context.adds = ways, add is not None
        return found.y

    @staticmethod
    def backward(context: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, *found = context.saved_tensors
        g = g.contiguous(memory_format=torch.channels_last)  # as x lies: nothing to do, mostly
        told = context.ways.backward(g, x, gamma, Forward(*found), context.adds)
        return told.x, told.gamma, told.beta, told.shortcut, None, None, None

"""Parameters and multiply-adds of any network, measured by running it without memory."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

# No multiply-adds as the paper counts them, and the output has the shape of the first argument.
# Skipping their kernels matters: on the meta device a batch normalisation costs 1.3 ms of Python,
# and the first addition, mean, product or convolution imports a compiler or sympy (0.4 to 1.1 s).
_SAME_SHAPE = {F.batch_norm, F.relu, torch.relu, Tensor.relu, F.dropout}
_MEANS = {Tensor.mean, torch.mean, Tensor.sum, torch.sum}
_ADDITIONS = {torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__iadd__}


Pair = tuple[int, int]


class Count(Struct, frozen=True):
    """What `deepres count` prints."""

    layers: int  # weighted layers as the paper counts them: projections of shortcuts left out
    parameters: int
    multiply_adds: int


class MultiplyAdds(TorchFunctionMode):
    """Adds up the multiply-adds of convolutions and matrix products while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if args and (func in _SAME_SHAPE or (func in _ADDITIONS and _alike(*args[:2]))):
            return args[0]
        if func in _MEANS and set(kwargs) <= {"dim", "keepdim"}:
            result = _reduced(*args, **kwargs)
        elif func is F.linear and len(args) > 1:
            result = args[0].new_empty(*args[0].shape[:-1], args[1].shape[0])
        elif func is torch.conv2d and len(args) == 7 and _pairs(args[3:6]):
            result = _convolved(*args[:6])
        else:
            result = func(*args, **kwargs)
        if func in _CONVOLUTIONS:
            weight = args[1] if len(args) > 1 else kwargs["weight"]
            self.total += result.numel() * weight[0].numel()
        elif func in _PRODUCTS:
            first = args[0] if args else kwargs["input"]
            self.total += result.numel() * first.shape[-1]
        return result


def _alike(a: Tensor | float, b: Tensor | float = 0.0) -> bool:
    """Whether a sum has the shape of its first term."""
    return isinstance(a, Tensor) and isinstance(b, Tensor) and a.shape == b.shape


def _pairs(values: Sequence[object]) -> bool:
    """As `nn.Conv2d` tells stride, padding and dilation; other ways are left to torch."""
    return all(isinstance(value, tuple) for value in values)


def _convolved(
    x: Tensor, weight: Tensor, bias: object, stride: Pair, padding: Pair, dilation: Pair
) -> Tensor:
    """The maps of `nn.Conv2d`: their shape, which is all that counting needs."""
    edges = (
        (edge + 2 * p - d * (k - 1) - 1) // s + 1
        for edge, k, s, p, d in zip(
            x.shape[-2:], weight.shape[-2:], stride, padding, dilation, strict=True
        )
    )
    return x.new_empty(*x.shape[:-3], weight.shape[0], *edges)


def _reduced(x: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """A mean over some dimensions, as to its shape."""
    dims = range(x.dim()) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {d % x.dim() for d in dims}
    kept = [1 if n in gone else edge for n, edge in enumerate(x.shape) if keepdim or n not in gone]
    return x.new_empty(kept)


_CONVOLUTIONS = {F.conv1d, F.conv2d, F.conv3d, torch.conv1d, torch.conv2d, torch.conv3d}
_PRODUCTS = {F.linear, torch.matmul, torch.mm, torch.bmm, Tensor.matmul, Tensor.__matmul__}


@torch.no_grad()
def multiply_adds(network: nn.Module, size: int) -> int:
    """Multiply-adds of one `size` x `size` picture; the network stays as it was."""
    training = network.training
    network.eval()
    device = next(network.parameters()).device
    with MultiplyAdds() as counted:
        network(torch.empty(1, 3, size, size, device=device))
    network.train(training)
    return counted.total


def weighted_layers(network: nn.Module) -> int:
    """Convolutions and linear layers; a shortcut's 1x1, found by its name, is not a layer."""
    aside = ("downsample", "shortcut", "skip", "proj")
    return sum(
        isinstance(module, nn.Conv2d | nn.Linear) and not any(word in name for word in aside)
        for name, module in network.named_modules()
    )


def count(network: nn.Module, size: int) -> Count:
    """Every number measured on the module itself, whoever wrote it."""
    return Count(
        layers=weighted_layers(network),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        multiply_adds=multiply_adds(network, size),
    )

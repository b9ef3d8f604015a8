"""Parameters and multiply-adds of any network, measured by running it without memory."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

# No multiply-adds as the paper counts them, and the output has the shape of the first argument.
# Skipping their kernels matters: on the meta device a batch normalisation costs 1.3 ms of Python,
# and the first addition, mean or biased product imports the compiler (1.1 s).
_SAME_SHAPE = {F.batch_norm, F.relu, torch.relu, Tensor.relu, F.dropout}
_AS_SHAPED: dict[Any, Any] = {Tensor.mean: Tensor.sum, torch.mean: torch.sum}
_ADDITIONS = {torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__iadd__}


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
        run: Callable[..., Any] = _AS_SHAPED.get(func, func)
        if func is F.linear and len(args) > 1:
            result = args[0].new_empty(*args[0].shape[:-1], args[1].shape[0])
        else:
            result = run(*args, **kwargs)
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

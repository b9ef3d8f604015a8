"""A network without memory: names and shapes, for what needs no values or brings its own."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..spec import Arch
from .resnet import ResNet

FILLING = {nn.init.kaiming_uniform_, Tensor.uniform_, Tensor.fill_, Tensor.zero_}
FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.tensor}


class Outline(TorchFunctionMode):
    """Tensors that are made while it is entered have a shape only, and nothing fills them.

    `torch.device("meta")` fills them in Python, which is three quarters of ResNet-1202's making.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in FILLING:
            return args[0] if args else kwargs["tensor"]
        if func in FACTORIES:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def outlined(arch: Arch) -> ResNet:
    """A network without memory: shapes and names, no values."""
    with Outline():
        return ResNet(arch)

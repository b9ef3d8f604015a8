"""What a network does, seen while it runs without memory: pictures are drawn from this alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from deepres import spec
from deepres.models.resnet import Basic, Bottleneck, ResNet
from deepres.models.zoo import arch


@dataclass(frozen=True)
class Seen:
    """One operation: what it is, its kernel, and the shape that comes out (C, H, W)."""

    what: str  # conv, bn, relu, add, pool, mean, fc
    kernel: int
    stride: int
    channels: int
    edge: int
    parameters: int
    multiply_adds: int
    place: str = ""  # stem, layer1 ... or fc
    shortcut: bool = False  # it belongs to a shortcut
    block: int = -1  # which block of the network, counted from 0


@dataclass
class _Where:
    place: str = ""
    shortcut: bool = False
    block: int = -1


class Watching(TorchFunctionMode):
    """Writes down each operation of the paper while it is entered."""

    def __init__(self, where: _Where) -> None:
        super().__init__()
        self.seen: list[Seen] = []
        self.where = where

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        what = NAMES.get(func)
        result = _passed(what, func, args, kwargs or {})
        if what is not None:
            self._write(what, args, kwargs or {}, result)
        return result

    def _write(
        self, what: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Tensor
    ) -> None:
        kernel = stride = parameters = products = 0
        if what in ("conv", "fc"):
            weight: Tensor = args[1]
            kernel = weight.shape[-1] if what == "conv" else 0
            stride = int(args[3][0]) if what == "conv" else 1
            parameters = weight.numel()
            products = result[0].numel() * weight[0].numel()
        edge = result.shape[-1] if result.ndim == 4 else 1
        self.seen.append(
            Seen(
                what,
                kernel,
                stride,
                result.shape[1],
                edge,
                parameters,
                products,
                self.where.place,
                self.where.shortcut,
                self.where.block,
            )
        )


def _passed(
    what: str | None, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """The result, or what has its shape where there is nothing to compute.

    On the meta device a normalisation costs a millisecond, and the first addition, mean or biased
    product imports torch's compiler.
    """
    if what in ("bn", "relu", "add"):
        return args[0]
    if what == "mean":
        return args[0].sum(*args[1:], **kwargs)
    if what == "fc":
        return args[0].new_empty(*args[0].shape[:-1], args[1].shape[0])
    return func(*args, **kwargs)


NAMES: dict[Any, str] = {
    F.conv2d: "conv",
    torch.conv2d: "conv",
    F.batch_norm: "bn",
    F.relu: "relu",
    F.max_pool2d: "pool",
    F.linear: "fc",
    Tensor.add: "add",
    Tensor.__add__: "add",
    Tensor.mean: "mean",
    F.pad: "pad",
}


@contextmanager
def _placed(network: ResNet, where: _Where) -> Iterator[None]:
    """Says of each operation in which stage, which block and which path it happens."""
    hooks = []

    def enter(name: str, value: Any) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            setattr(where, name, value)

        return hook

    number = 0
    for at, stage in enumerate(network.stages(), 1):
        hooks.append(stage.register_forward_pre_hook(enter("place", f"layer{at}")))
        for block in stage.children():
            assert isinstance(block, Basic | Bottleneck)
            hooks.append(block.register_forward_pre_hook(enter("block", number)))
            hooks.append(block.register_forward_hook(enter("block", -1)))
            if isinstance(block.downsample, nn.Module):
                hooks.append(block.downsample.register_forward_pre_hook(enter("shortcut", True)))
                hooks.append(block.downsample.register_forward_hook(enter("shortcut", False)))
            number += 1
    hooks.append(network.fc.register_forward_pre_hook(enter("place", "fc")))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@cache
def operations(name: str) -> tuple[Seen, ...]:
    """Every operation of a network of the paper, in the order in which it happens."""
    made = arch(name)
    with torch.device("meta"):
        network = ResNet(made).eval()
        pictures = torch.empty(1, 3, made.input_size, made.input_size)
    where = _Where("stem")
    with torch.no_grad(), _placed(network, where), Watching(where) as watching:
        network(pictures)
    return tuple(watching.seen)


def layers(name: str) -> list[Seen]:
    """Its weighted layers: convolutions outside of shortcuts, and the classifier."""
    return [o for o in operations(name) if o.what in ("conv", "fc") and not o.shortcut]


def block(name: str, number: int) -> list[Seen]:
    """The operations of one block, its shortcut's among them."""
    return [o for o in operations(name) if o.block == number]


def option(name: str) -> spec.Shortcut:
    """The shortcut option of a network."""
    return arch(name).shortcut

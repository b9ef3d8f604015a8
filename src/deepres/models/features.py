"""What a network sees on the way: the maps behind each stage, and the sum within each block."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .predict import evaluating, prepared

if TYPE_CHECKING:
    from .pictures import Picture
    from .resnet import ResNet


class Addition(NamedTuple):
    """What meets at the end of a block: y = relu(F(x) + x), Eqn (1)."""

    f: Tensor  # F(x), behind its last batch normalisation
    x: Tensor | None  # what the shortcut carries; None in a plain network
    sum: Tensor  # before the ReLU


def features(self: "ResNet", pictures: "Tensor | Picture | Sequence[Picture]") -> dict[str, Tensor]:
    """The maps behind the stem and each stage, N x C x H x W: `stem`, `stage1`, `stage2`, ...

    Takes what `predict` takes, or what `forward` takes: normalised N x 3 x H x W.
    """
    with _looking(self, pictures) as x:
        maps = {"stem": self.maxpool(F.relu(self.bn1(self.conv1(x))))}
        for number, stage in enumerate(self.stages(), 1):
            maps[f"stage{number}"] = stage(list(maps.values())[-1])
    return maps


def additions(
    self: "ResNet", pictures: "Tensor | Picture | Sequence[Picture]"
) -> dict[str, Addition]:
    """F(x), x and their sum in every block, in order: `stage1.0`, `stage1.1`, ..., `stage2.0`.

    The network runs as it always does and is listened to, so there is no second text of it.
    """
    heard: dict[nn.Module, Tensor] = {}
    blocks = {
        f"stage{number}.{place}": block
        for number, stage in enumerate(self.stages(), 1)
        for place, block in enumerate(stage.children())
    }
    with _looking(self, pictures) as x, _heard(_ends(blocks.values()), heard):
        self(x)
    return {name: _addition(block, heard) for name, block in blocks.items()}


def _addition(block: Any, heard: dict[nn.Module, Tensor]) -> Addition:
    f = heard[_last(block)]
    if block.downsample is None:
        return Addition(f, None, f)
    x = heard[block.downsample]
    return Addition(f, x, f + x)


def _last(block: Any) -> nn.Module:
    """The batch normalisation that ends F."""
    last: nn.Module = block.bn3 if hasattr(block, "bn3") else block.bn2
    return last


def _ends(blocks: Any) -> Iterator[nn.Module]:
    for block in blocks:
        yield _last(block)
        if block.downsample is not None:
            yield block.downsample


@contextmanager
def _heard(modules: Iterator[nn.Module], heard: dict[nn.Module, Tensor]) -> Iterator[None]:
    """While this is entered, what these modules give is kept."""

    def hear(module: nn.Module, given: Any, output: Tensor) -> None:
        heard[module] = output

    hooks = [module.register_forward_hook(hear) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _looking(
    network: "ResNet", pictures: "Tensor | Picture | Sequence[Picture]"
) -> Iterator[Tensor]:
    """The network's input, itself in evaluation mode; gradients only of what came as a tensor."""
    given = isinstance(pictures, Tensor)
    x = pictures if isinstance(pictures, Tensor) else prepared(network, pictures)
    with evaluating(network), torch.set_grad_enabled(given and torch.is_grad_enabled()):
        yield x

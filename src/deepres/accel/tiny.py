"""3x3 convolutions of maps of 2 x 2 pixels, as digits have them behind two halvings.

oneDNN has no kernel of its own for the gradient of their weights on AVX2 and takes three times as
long as one product of matrices does.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..train import Forward
from .replaced import Pass, keeps_size, replaced

EDGE = 2  # of the largest maps on which the product was faster


def by_products(forward: Forward) -> Forward:
    """The same pass; gradients of weights on tiny maps are products."""

    def multiplying(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        with replaced(_layers(network), _tiny):
            return forward(network, images, labels)

    return multiplying


@torch.inference_mode()
def found_in(network: nn.Module, edge: int) -> bool:
    """Whether pictures of this edge make maps so tiny in a network; it stays as it is."""
    seen: list[int] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, given: seen.append(max(given[0].shape[2:])))
        for layer in _layers(network)
    ]
    modes = {module: module.training for module in network.modules()}
    network.eval()(torch.zeros(1, 3, edge, edge))
    for module, training in modes.items():
        module.training = training
    for hook in hooks:
        hook.remove()
    return bool(seen) and min(seen) <= EDGE


def _layers(network: nn.Module) -> list[nn.Conv2d]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d) and keeps_size(m)]


def _tiny(layer: nn.Conv2d, before: Pass) -> Pass:
    def forward(x: Tensor) -> Tensor:
        if max(x.shape[2:]) > EDGE:
            return before(x)
        return _Product.apply(x, layer.weight)  # type: ignore[no-untyped-call]

    return forward


class _Product(torch.autograd.Function):
    """The convolution; the gradient of its weights from every pixel's 3x3 neighbours."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:
        context.save_for_backward(x, weight)
        return F.conv2d(x, weight, padding=1)

    @staticmethod
    def backward(context: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = context.saved_tensors
        of_x, of_weight = context.needs_input_grad
        how = ([1, 1], [1, 1], [1, 1], False, [0, 0], 1)  # stride, padding, dilation, ...
        wanted = [of_x, False, False]
        gx = torch.ops.aten.convolution_backward(g, x, weight, None, *how, wanted)[0]
        return gx, _gradient(x, g) if of_weight else None


def _gradient(x: Tensor, g: Tensor) -> Tensor:
    """Of the weights: N x 3 x 3 x C neighbours of each pixel, times what arrives there."""
    count, channels, height, width = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    a, b, c, d = padded.stride()
    places = (count, height, width, 3, 3, channels)
    neighbours = padded.as_strided(places, (a, b, c, b, c, d)).reshape(-1, 9 * channels)
    arrived = g.permute(0, 2, 3, 1).reshape(len(neighbours), -1)
    return (arrived.t() @ neighbours).view(-1, 3, 3, channels).permute(0, 3, 1, 2)

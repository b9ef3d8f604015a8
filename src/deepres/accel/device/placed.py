"""What a plan for a device means: a network that lies there, batches that do, fp32 that is fp32."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from ...data.batches import Batch
from ...data.images import Images
from ...data.pictured import Pictured
from ...errors import UserError
from ...runs.work import Stream
from ...spec import Plan, Recipe
from .feed import fed
from .normalised import Formulas, Ways


def placed(network: nn.Module, device: torch.device) -> nn.Module:
    """The network on the device, channels last, taking pictures from anywhere.

    Whoever only asks it (tests, statistics) gives and gets tensors of the processor.
    """
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def bring(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(x.to(device, non_blocking=True) for x in given)

    def fetch(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
        return answer if module.training else answer.cpu()

    if device.type != "cpu":
        network.register_forward_pre_hook(bring)
        network.register_forward_hook(fetch)
    return network


def ways_of(plan: Plan) -> Ways:
    """Fused layers in the plan's way."""
    if plan.layers == "formulas":
        return Formulas()
    try:
        from .kernels import Kernels
    except ImportError:
        raise UserError("This run's plan has kernels in Triton, which is not installed.") from None
    return Kernels()


def on_device(device: torch.device, files: Stream) -> Stream:
    """Pictures that lie on the device, or, where they are files, batches sent to it."""
    resident = fed(device)

    def chosen(images: Pictured, recipe: Recipe, seed: int, start: int = 0) -> Iterable[Batch]:
        if isinstance(images, Images):
            return resident(images, recipe, seed, start)
        return _sent(files(images, recipe, seed, start), device)

    return chosen


def _sent(batches: Iterable[Batch], device: torch.device) -> Iterator[Batch]:
    for batch in batches:
        images = batch.images.to(device, non_blocking=True)
        yield Batch(images, batch.labels.to(device, non_blocking=True), batch.replicas)


def arithmetic() -> None:
    """fp32 is fp32, where torch's convolutions take TF32; the quickest kernel for each shape.

    Which one is quickest is measured, so that a GPU need not repeat itself to the bit.
    """
    torch.backends.cudnn.benchmark = True
    convolutions = getattr(torch.backends.cudnn, "conv", None)
    if convolutions is not None and hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        convolutions.fp32_precision = torch.backends.cuda.matmul.fp32_precision = "ieee"
        return
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False

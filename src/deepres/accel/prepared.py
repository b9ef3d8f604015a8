"""From a plan to a step: what was decided before the loop, repeated within it."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn

from ..data.batches import Batch, batches
from ..data.gallery.listed import Gallery
from ..data.order import WHOLE, Part
from ..data.pictured import Pictured
from ..errors import UserError
from ..ranks import ALONE, Ranks
from ..spec import Plan, Recipe
from ..together import together
from ..train import Forward, State, Step, eager, exact, in_bf16, in_fp16, moved, scaled_back
from . import malloc
from .ahead import ahead
from .checkpointed import checkpointed
from .compiled import compiled
from .device.placed import arithmetic, on_device, placed, ways_of
from .device.step import OnDevice
from .folded import folded
from .native.build import library
from .native.layers import natively
from .tiny import by_products

FORWARDS: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "fp32": exact,
    "bf16": in_bf16,
    "fp16": in_fp16,
}
LAYOUTS = {"channels last": torch.channels_last, "contiguous": torch.contiguous_format}
Stream = Callable[[Pictured, Recipe, int, int], Iterable[Batch]]


def prepared(network: nn.Module, recipe: Recipe, plan: Plan, ranks: Ranks = ALONE) -> Step:
    """The step that a plan describes; lays the network's weights out as it wants them.

    Call it before the state is made, so that the velocity lies as the weights do.
    """
    if plan.malloc == "kept" and not malloc.keep():
        raise UserError("This run's plan keeps freed memory, which takes glibc: begin it anew.")
    torch.set_num_threads(plan.threads)
    if plan.device != "cpu":
        arithmetic()
        placed(network, torch.device(plan.device))
    if plan.engine == "graph":
        if ranks.count > 1:
            raise UserError("--engine graph holds all replicas: over several ranks take eager.")
        return OnDevice(recipe, ways_of(plan))
    network.to(memory_format=LAYOUTS[plan.layout])  # type: ignore[call-overload]
    plain = FORWARDS[recipe.precision]
    forward: Forward = partial(plain, smoothing=recipe.smoothing) if recipe.smoothing else plain
    update = scaled_back if recipe.precision == "fp16" else moved
    if plan.tiny_maps == "products":
        forward = by_products(forward)
    if plan.checkpointed:
        forward = checkpointed(forward, plan.checkpointed)
    if plan.engine == "compiled":
        forward = compiled(forward)
    one: Callable[..., tuple[Tensor, Tensor]] = folded if plan.replicas == "folded" else eager
    if ranks.count > 1:
        one = partial(together, ranks=ranks)
    step: Step = partial(one, forward=forward, update=update)
    if plan.engine == "native":
        library()  # says what is missing before the first step does
        at_once = plan.replicas == "folded" and ranks.count == 1
        shares = recipe.replicas if at_once else 1
        step = natively(step, whole=not plan.checkpointed, shares=shares)
    return step if plan.layout == "channels last" else partial(_contiguous, step)


def _contiguous(step: Step, state: State, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
    return step(state, Batch(batch.images.contiguous(), batch.labels, batch.replicas), rate)


def stream(plan: Plan, part: Part = WHOLE) -> Stream:
    """The batches, prepared ahead of the step where a worker may do that.

    Arrays take a thread at most; files are read and decoded by as many processes as there are.
    """
    mine = partial(batches, part=part)
    arrays = ahead(mine) if plan.workers else mine

    def chosen(images: Pictured, recipe: Recipe, seed: int, start: int = 0) -> Iterable[Batch]:
        if isinstance(images, Gallery):
            return batches(images, recipe, seed, start, plan.workers, part)
        return arrays(images, recipe, seed, start)

    if plan.device != "cpu" or plan.engine == "graph":
        whole = on_device(torch.device(plan.device), chosen)
        return whole if part == WHOLE else _cut(whole, part)
    return chosen


def _cut(stream: Stream, part: Part) -> Stream:
    """This rank's part of batches that lie whole on its device."""

    def cut(images: Pictured, recipe: Recipe, seed: int, start: int = 0) -> Iterable[Batch]:
        if isinstance(images, Gallery):
            yield from stream(images, recipe, seed, start)
            return
        mine, replicas = part.places(recipe.batch), recipe.replicas // part.of
        for batch in stream(images, recipe, seed, start):
            yield Batch(batch.images[mine], batch.labels[mine], replicas)

    return cut

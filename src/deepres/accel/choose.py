"""The fastest plan for a run on this machine: known rules first, a short measurement after.

What decides by itself is a rule over counts, so that the same command makes the same plan; the
clock only has a veto: a compiled step that is not clearly faster here is not taken.
"""

import os
import shutil
from dataclasses import dataclass

import torch
from msgspec import structs
from torch import nn

from ..cores import counted
from ..errors import UserError
from ..models.count import multiply_adds, weighted_layers
from ..spec import Plan, Recipe, TinyMaps
from . import malloc
from .clocked import PATIENCE, measured
from .memory import activation_bytes, available_bytes
from .native.build import library
from .native.layers import fitting
from .tiny import found_in

SMALL = 64  # edge of pictures from which no network's maps are looked at: none is so tiny
MUCH = 3 << 30  # bytes of activations from which recomputing them costs less than keeping them
RATE = 5e10  # multiply-adds a second that a processor of few cores does in training
COMPILING = 4.0  # seconds of the processor a layer, with nothing in torch's cache
WORTH = 40  # a compiled step saves a twentieth or so: from here it saves twice what it costs
BUILDING = 60.0  # seconds that a run takes at least for which our own kernels are compiled
FASTER = 1.03  # than the eager step must a compiled one be: less is told by chance


@dataclass(frozen=True)
class Choice:
    """A plan, and what its step did when it was tried."""

    plan: Plan
    images_per_second: float
    left_out: str = ""  # what would have been tried, and why it was not

    def __str__(self) -> str:
        parts: list[str] = [self.plan.engine, self.plan.layout]
        parts += ["replicas folded"] if self.plan.replicas == "folded" else []
        parts += ["tiny maps as products"] if self.plan.tiny_maps == "products" else []
        if self.plan.checkpointed:
            parts.append(f"activations kept every {self.plan.checkpointed} blocks")
        parts.append(counted(self.plan.threads))
        told = f"step: {', '.join(parts)}; {self.images_per_second:,.0f} images/s"
        return f"{told}. {self.left_out}" if self.left_out else told


def choose(
    network: nn.Module,
    recipe: Recipe,
    edge: int,
    *,
    engine: str = "auto",
    threads: int | None = None,
    workers: int = 0,
) -> Choice:
    """The plan for training `network` on pictures of this edge; the network stays as it is."""
    plan = Plan(
        engine="eager",
        malloc="kept" if malloc.keep() else "as it comes",
        checkpointed=_checkpointed(network, edge, recipe.share),
        tiny_maps=tiny_maps(network, recipe, edge),
        threads=threads or torch.get_num_threads(),
        workers=workers,
    )
    if engine not in ("auto", "eager", "native", "compiled"):
        raise UserError(f"--engine {engine} takes a GPU: auto, eager, native, compiled run here.")
    if engine == "compiled":
        return _compiled(network, recipe, edge, plan)
    few = structs.replace(recipe, batch=_few(network, recipe, edge))
    if engine == "auto":
        return _fastest(network, recipe, few, edge, plan)
    if engine == "native":
        if why := _unfit(network, recipe):
            raise UserError(why)
        library()
        plan = structs.replace(plan, engine="native")
    return Choice(plan, measured(network, few, edge, [plan])[0])


def _fastest(network: nn.Module, recipe: Recipe, few: Recipe, edge: int, plan: Plan) -> Choice:
    """Our own kernels, a compiled step or the eager one, as rules say and the clock agrees."""
    pays, missing = _pays(network, recipe, edge, plan), ""
    if _gains(network, recipe, edge):
        missing = _missing()
        if not missing:
            ours = structs.replace(plan, engine="native")
            slow_rate, fast_rate = measured(network, few, edge, [plan, ours])
            if fast_rate >= FASTER * slow_rate:
                return Choice(ours, fast_rate)
            if not pays:
                return Choice(plan, slow_rate)
    if not pays:
        return Choice(plan, measured(network, few, edge, [plan])[0], missing)
    fast = _by_torch(plan)
    slow_rate, fast_rate = measured(network, recipe, edge, [plan, fast])
    if fast_rate < FASTER * slow_rate:
        return Choice(plan, slow_rate, missing)
    return Choice(fast, fast_rate, missing)


def _compiled(network: nn.Module, recipe: Recipe, edge: int, plan: Plan) -> Choice:
    """The plan that was asked for by name, where it can be had."""
    if not has_compiler():
        raise UserError("--engine compiled takes a C++ compiler (g++ or clang++); eager does not.")
    if plan.checkpointed:
        raise UserError(
            "--engine compiled keeps all activations, and this network's take more memory than"
            " there is to spare: --engine eager computes them again."
        )
    fast = _by_torch(plan)
    return Choice(fast, measured(network, recipe, edge, [fast])[0])


def _by_torch(plan: Plan) -> Plan:
    return structs.replace(plan, engine="compiled", tiny_maps="as they come")  # cannot be traced


def has_compiler() -> bool:
    """Whether torch can compile for the processor: it calls what CXX names, or g++ or clang++."""
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))


def _unfit(network: nn.Module, recipe: Recipe) -> str:
    """Why our own kernels are not for this run; nothing where they are."""
    if recipe.precision != "fp32":
        return f"--engine native computes in fp32: for {recipe.precision} take eager."
    if fitting(network):
        return ""
    return (
        "--engine native has kernels for 3x3 convolutions of stride 1 between 16, 32, ... 256"
        " channels, of which this network has none: --engine eager takes any."
    )


def _gains(network: nn.Module, recipe: Recipe, edge: int) -> bool:
    """Whether our own kernels fit, and the run is longer than it takes to compile them."""
    return _seconds(network, recipe, edge) >= BUILDING and not _unfit(network, recipe)


def _missing() -> str:
    """Why our own kernels cannot be had here, for whoever could mend it; nothing where they can."""
    try:
        library()
    except UserError as error:
        return f"Not tried: {error}"
    return ""


def _few(network: nn.Module, recipe: Recipe, edge: int) -> int:
    """So many pictures that nobody waits for a step of them: those of 1202 layers take minutes."""
    share = int(PATIENCE / 4 / (3 * multiply_adds(network, edge) / RATE) / recipe.replicas)
    return min(recipe.batch, recipe.replicas * max(2, share))


def tiny_maps(network: nn.Module, recipe: Recipe, edge: int) -> TinyMaps:
    """How maps of 2 x 2 are dealt with, where pictures are so small that there are such maps."""
    exact = recipe.precision == "fp32"
    return "products" if exact and edge <= SMALL and found_in(network, edge) else "as they come"


def _pays(network: nn.Module, recipe: Recipe, edge: int, plan: Plan) -> bool:
    """Whether a run is so long that compiling its step pays."""
    if plan.checkpointed or not has_compiler():
        return False
    return _seconds(network, recipe, edge) > WORTH * COMPILING * weighted_layers(network)


def _seconds(network: nn.Module, recipe: Recipe, edge: int) -> float:
    """What the run takes, by counts."""
    return 3 * multiply_adds(network, edge) * recipe.batch * recipe.steps / RATE


def _checkpointed(network: nn.Module, edge: int, share: int) -> int:
    """0, or after how many blocks activations are kept: the root of their number keeps least."""
    needed = activation_bytes(network, edge, share)
    if needed < min(MUCH, available_bytes() // 2):
        return 0
    blocks = sum(len(m) for m in network.modules() if isinstance(m, nn.Sequential) and len(m) > 2)
    return max(1, round(blocks**0.5))

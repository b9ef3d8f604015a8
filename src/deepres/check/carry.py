"""Weights carried from the paper's network into somebody's, in the order in which they act."""

from collections.abc import Iterator, Sequence

import torch
from msgspec import Struct
from torch import Tensor, nn

from .layout import Layout
from .pairs import Pairs
from .record import Node


class Carried(Struct, frozen=True):
    """Which tensor takes its value from which of the paper's; or why that cannot be."""

    tensors: tuple[tuple[str, str], ...] = ()  # theirs, the paper's
    zeroed: tuple[str, ...] = ()  # biases that the paper's convolutions lack
    normalisations: tuple[tuple[Node, str], ...] = ()  # with the paper's module of each
    hindrance: str | None = None


def matched(
    theirs: Layout, paper: Layout, pairs: Pairs, networks: tuple[nn.Module, nn.Module]
) -> Carried:
    """Every weight with its counterpart in the order in which the two networks use them."""
    if not pairs.one_to_one:
        return Carried(hindrance="the blocks are not as many as the paper's")
    tensors: list[tuple[str, str]] = []
    zeroed: list[str] = []
    normalisations: list[tuple[Node, str]] = []
    for ours, papers in _counterparts(theirs, paper, pairs):
        if ours is None or papers is None:
            return Carried(hindrance="the layers are not as many as the paper's")
        if "weight" not in ours.weights and ours.kind != "bn":
            origin = min(ours.origins, default="a layer's weight")
            return Carried(hindrance=f"{origin} is changed while it runs, before it is used")
        for role, name in ours.weights.items():
            if role in papers.weights:
                tensors.append((name, papers.weights[role]))
            elif role == "bias":
                zeroed.append(name)
        if ours.kind == "bn" and "weight" in papers.weights:
            normalisations.append((ours, papers.weights["weight"].removesuffix(".weight")))
    into, values = map(_tensors, networks)
    for name, source in tensors:
        a, b = into[name].shape, values[source].shape
        if a.numel() != b.numel() or a[:1] != b[:1]:
            return Carried(hindrance=f"{name} is {_shape(a)}, the paper's {source} {_shape(b)}")
    if len({name for name, _ in tensors}) < len(tensors):
        return Carried(hindrance="several layers share one tensor")
    return Carried(tuple(tensors), tuple(zeroed), tuple(normalisations))


def _counterparts(
    theirs: Layout, paper: Layout, pairs: Pairs
) -> Iterator[tuple[Node | None, Node | None]]:
    """Layers with layers and normalisations with normalisations; None where one has no other."""
    units = [(theirs.stem, paper.stem), *((p.theirs, p.paper) for p in pairs.pairs)]
    for ours, papers in units:
        yield from _zipped(ours.layers, papers.layers)
        yield from _as_far(ours.normalisations, papers.normalisations)
        if ours.shortcut is not None and papers.shortcut is not None:
            yield from _as_far(ours.shortcut.layers, papers.shortcut.layers)
            yield from _as_far(ours.shortcut.normalisations, papers.shortcut.normalisations)
    yield from _zipped(_linear(theirs), _linear(paper))


def _zipped(a: Sequence[Node], b: Sequence[Node]) -> Iterator[tuple[Node | None, Node | None]]:
    if len(a) != len(b):
        yield None, None
    yield from zip(a, b, strict=False)


def _as_far(a: Sequence[Node], b: Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    """Normalisations or projections that only one side has are left as they are."""
    if len(a) == len(b):
        yield from zip(a, b, strict=True)


def _linear(layout: Layout) -> list[Node]:
    return [node for node in layout.head if node.kind == "linear"]


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _shape(size: torch.Size) -> str:
    return "x".join(map(str, size))


@torch.no_grad()
def stirred(network: nn.Module, pictures: Tensor, seed: int = 0) -> None:
    """Gives a network arbitrary scales, shifts and statistics, such that values stay moderate.

    The statistics are those of the pictures, disturbed: freely drawn ones would let the values of
    a thousand layers run out of range.
    """
    generator = torch.Generator().manual_seed(seed)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in norms:
        sign = torch.rand(module.weight.shape, generator=generator).sub(0.2).sign()
        module.weight.uniform_(0.5, 1.5, generator=generator).mul_(sign)  # a fifth is negative
        module.bias.uniform_(-0.5, 0.5, generator=generator)
        module.momentum = 1.0
    network.train()(pictures)
    for module in norms:
        assert module.running_mean is not None and module.running_var is not None
        size = module.running_var.shape
        factor = torch.rand(size, generator=generator, dtype=module.running_var.dtype)
        module.running_mean.add_(module.running_var.sqrt() * (factor - 0.5))
        module.running_var.mul_(0.5 + factor.flip(0))


@torch.no_grad()
def carry(carried: Carried, theirs: nn.Module, paper: nn.Module) -> None:
    """Copies the paper's values, and its epsilon the other way round: the paper gives none."""
    into, values = _tensors(theirs), _tensors(paper)
    for name, source in carried.tensors:
        into[name].copy_(values[source].view_as(into[name]))
    for name in carried.zeroed:
        into[name].zero_()
    for node, name in carried.normalisations:
        module = paper.get_submodule(name)
        assert isinstance(module, nn.BatchNorm2d)
        module.eps, module.momentum = node.facts["eps"], node.facts["momentum"]

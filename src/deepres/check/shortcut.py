"""What a block adds to its branch, told by values where there are no weights.

The identity at stride 2 with zero channels is written as a slice and a pad, a pooling of one pixel,
a concatenation with zeros, or an assignment: the numbers that come out are the same.
"""

from collections.abc import Callable

import torch
from msgspec import Struct
from torch import Tensor
from torch.nn import functional as F

from .path import Step, nodes
from .record import Node
from .words import sequence, size, spoken

IDENTITY, PROJECTION = "the identity", "a 1x1 projection with batch normalisation"
END, BOTH = "zeros for the new channels at the end", "zeros for the new channels on both sides"
SLICED = "every second pixel"


class Shortcut(Struct, frozen=True, eq=False):
    """What it is in words, its convolutions and its normalisations in order."""

    words: str
    layers: tuple[Node, ...]
    normalisations: tuple[Node, ...]
    end: Node | None  # what it gives; None for the identity


def shortcut_of(fork: Node, way: tuple[Step, ...], addition: Node) -> Shortcut:
    """The shortcut from where a block begins to its addition."""
    steps = list(nodes(way))
    layers = tuple(node for node in steps if node.kind in ("conv", "linear"))
    normalisations = tuple(node for node in steps if node.kind == "bn")
    if layers or normalisations:
        words = _projection(steps)
    else:
        added = steps[-1].tensor if steps else fork.tensor
        words = _told_by_values(fork.tensor, added) or sequence(steps)
    return Shortcut(words, layers, normalisations, steps[-1] if steps else None)


def _projection(steps: list[Node]) -> str:
    kinds = [node.kind for node in steps]
    index = kinds.index("conv") if "conv" in kinds else -1
    if index < 0 or kinds[index + 1 :] not in ([], ["bn"]) or not _plain(steps[index]):
        return sequence(steps)
    edge = size(steps[index].facts["kernel"])
    before = "".join(f"{spoken(node)} and " for node in steps[:index])
    with_or_without = "with" if kinds[-1] == "bn" else "without"
    return f"{before}a {edge} projection {with_or_without} batch normalisation"


def _plain(layer: Node) -> bool:
    return layer.facts["groups"] == 1 and not layer.facts["transposed"]


def _told_by_values(maps: Tensor, added: Tensor) -> str | None:
    if added.shape == maps.shape and torch.equal(added, maps):
        return IDENTITY
    if maps.ndim != 4 or added.ndim != 4 or added.shape[1] < maps.shape[1]:
        return None
    stride, rest = divmod(maps.shape[2], added.shape[2])
    if rest and stride + 1 != maps.shape[2] / added.shape[2]:
        stride += 1
    for name, taken in _TAKEN.items():
        shrunk = taken(maps, stride) if stride > 1 else maps
        if shrunk.shape[2:] == added.shape[2:] and (how := _filled(shrunk, added)) is not None:
            first = name if stride > 1 else "all pixels"
            return f"{first} {how}".strip()
    return None


def _even(edge: int) -> Callable[[Tensor, int], Tensor]:
    return lambda maps, stride: F.avg_pool2d(maps, edge, stride, padding=edge // 3)


_TAKEN: dict[str, Callable[[Tensor, int], Tensor]] = {
    SLICED: lambda maps, stride: maps[:, :, ::stride, ::stride],
    "every second pixel from the second on": lambda maps, s: maps[:, :, 1::s, 1::s],
    "2x2 average pooling": lambda maps, s: F.avg_pool2d(maps, s, s, ceil_mode=True),
    "3x3 average pooling": _even(3),
    "2x2 max-pooling": lambda maps, s: F.max_pool2d(maps, s, s, ceil_mode=True),
    "3x3 max-pooling": lambda maps, s: F.max_pool2d(maps, 3, s, padding=1),
}


def _filled(maps: Tensor, added: Tensor) -> str | None:
    """Where the old channels lie among zeros, or None where that is not what was added."""
    old, new = maps.shape[1], added.shape[1]
    for start in range(new - old + 1):
        if not torch.allclose(maps, added[:, start : start + old], rtol=1e-4, atol=1e-6):
            continue
        if not added[:, :start].any() and not added[:, start + old :].any():
            return _zeros(start, new - old)
    if new % old == 0 and torch.allclose(maps.repeat(1, new // old, 1, 1), added, rtol=1e-4):
        return "with the old channels repeated for the new ones"
    return None


def _zeros(before: int, new: int) -> str:
    if new == 0:
        return ""
    places = {new // 2: BOTH, new: "zeros for the new channels in front", 0: END}
    return f"with {places.get(before, f'zeros for the new channels, {before} of them in front')}"

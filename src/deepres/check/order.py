"""Batch normalisation, ReLU and whatever else stands between the layers, in its order."""

from collections import Counter

from .layout import Block, Layout
from .pairs import Pair, Pairs
from .record import Node
from .words import listed, ordinal, sequence, spoken

_NAMES = {"bn": "batch normalisation", "relu": "ReLU"}


def order(theirs: Layout, paper: Layout, pairs: Pairs) -> list[str]:
    """Sentences on what stands before, between and behind the layers of the blocks."""
    if _pre_activation(theirs) and not _pre_activation(paper):
        return [
            "it is a pre-activation network (v2): batch normalisation and ReLU come before each"
            " convolution and nothing after the addition; the paper's come after each convolution,"
            " the last ReLU after the addition"
        ]
    stem = [
        *_apart("before the first convolution", *_unpooled(theirs.stem, paper.stem, 0)),
        *_apart("after the stem's convolution", *_unpooled(theirs.stem, paper.stem, -1)),
    ]
    return [text.replace("{where} ", "") for text in stem] + pairs.grouped(_block)


def _unpooled(theirs: Block, paper: Block, slot: int) -> list[tuple[Node, ...]]:
    """A slot of both stems without the pooling, which counts as the stem's outline."""
    slots = theirs.slots[slot], paper.slots[slot]
    return [tuple(node for node in nodes if "pool" not in node.kind) for nodes in slots]


def _pre_activation(layout: Layout) -> bool:
    """Most identity blocks begin with BN and ReLU, and none follows the addition."""
    kinds = [[node.kind for node in block.slots[0]] for block in layout.blocks]
    begins = sum(slot == ["bn", "relu"] for slot in kinds)
    ends = sum(not block.slots[-1] for block in layout.blocks)
    return begins * 3 > len(kinds) and ends * 2 > len(kinds)


def _block(pair: Pair) -> list[str]:
    """What is missing, too much or exchanged in one block."""
    ours, papers = list(pair.theirs.slots), list(pair.paper.slots)
    if len(ours) != len(papers):  # other blocks: the first gap stands for all inner ones
        papers = [papers[0], *[papers[1]] * (len(ours) - 2), papers[-1]]
    ours, papers = [*ours, pair.theirs.after], [*papers, pair.paper.after]
    found = []
    last, behind = len(ours) - 2, len(ours) - 1
    for kind in ("bn", "relu"):
        if _lacks(ours[last], papers[last], kind) and _lacks(papers[behind], ours[behind], kind):
            found.append(
                f"{{where}} {_NAMES[kind]} comes after the addition, in the paper before it"
            )
            ours = _without(ours, behind, kind)
            papers = _without(papers, last, kind)
        if _lacks(papers[last], ours[last], kind) and _lacks(ours[behind], papers[behind], kind):
            found.append(
                f"{{where}} {_NAMES[kind]} comes before the addition, in the paper after it"
            )
            ours, papers = _without(ours, last, kind), _without(papers, behind, kind)
    for index, (a, b) in enumerate(zip(ours, papers, strict=True)):
        found += _apart(_place(index, len(ours)), a, b)
    return found


def _lacks(a: tuple[Node, ...], b: tuple[Node, ...], kind: str) -> bool:
    """Whether `a` has fewer of a kind than `b`."""
    return sum(node.kind == kind for node in a) < sum(node.kind == kind for node in b)


def _without(slots: list[tuple[Node, ...]], index: int, kind: str) -> list[tuple[Node, ...]]:
    kept = list(slots)
    gone = next(n for n, node in enumerate(slots[index]) if node.kind == kind)
    kept[index] = slots[index][:gone] + slots[index][gone + 1 :]
    return kept


def _place(index: int, total: int) -> str:
    if index == total - 1:
        return "after the addition"
    if index == 0:
        return "before the first convolution"
    return f"after the {ordinal(index)} convolution"


def _apart(place: str, theirs: tuple[Node, ...], paper: tuple[Node, ...]) -> list[str]:
    """One slot against the paper's."""
    ours, papers = [spoken(node) for node in theirs], [spoken(node) for node in paper]
    if ours == papers:
        return []
    extra = list((Counter(ours) - Counter(papers)).elements())
    missing = list((Counter(papers) - Counter(ours)).elements())
    if not extra and not missing:
        return [f"{{where}} {sequence(theirs)} stand {place}, in the paper {sequence(paper)}"]
    if len(extra) == len(missing) == 1:
        return [f"{{where}} {extra[0]} stands {place} instead of {missing[0]}"]
    found = []
    if missing:
        found.append(f"{{where}} {listed(missing)} {_is(missing)} missing {place}")
    if extra:
        none = "; the paper uses no dropout" if extra == ["dropout"] else ", in the paper not"
        found.append(f"{{where}} {listed(extra)} {_stands(extra)} {place}{none}")
    return found


def _is(words: list[str]) -> str:
    return "is" if len(words) == 1 else "are"


def _stands(words: list[str]) -> str:
    return "stands" if len(words) == 1 else "stand"

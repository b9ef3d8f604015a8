"""Which block of somebody's network stands for which of the paper's."""

from collections.abc import Callable

from msgspec import Struct, structs

from .layout import Block, Layout
from .record import Node
from .words import where


class Pair(Struct, frozen=True, eq=False):
    """A block and the paper's block that it is held against."""

    theirs: Block
    paper: Block
    stage: int  # as the labels of all pairs count them


class Pairs(Struct, frozen=True, eq=False):
    """All pairs, with the (stage, number) by which sentences call them."""

    pairs: tuple[Pair, ...]
    labels: tuple[tuple[int, int], ...]
    one_to_one: bool

    def grouped(self, say: Callable[[Pair], list[str]]) -> list[str]:
        """What `say` says of the pairs, each thing once, with the blocks for `{where}`."""
        found: dict[str, list[int]] = {}
        for index, pair in enumerate(self.pairs):
            for text in say(pair):
                found.setdefault(text, []).append(index)
        return [text.replace("{where}", where(at, self.labels)) for text, at in found.items()]


def paired(theirs: Layout, paper: Layout) -> Pairs:
    """One to one where there are as many blocks, else each with one of the same role."""
    moved = len(theirs.depths) == len(paper.depths) and theirs.depths != paper.depths
    same_maps = moved and _stage_maps(theirs) == _stage_maps(paper)
    if len(theirs.blocks) == len(paper.blocks) and not same_maps:
        together = zip(theirs.blocks, paper.blocks, paper.labels, strict=True)
        return Pairs(tuple(_pair(a, b, stage) for a, b, (stage, _) in together), paper.labels, True)
    pairs = tuple(
        _pair(block, _like(paper, *label), label[0])
        for block, label in zip(theirs.blocks, theirs.labels, strict=True)
    )
    return Pairs(pairs, theirs.labels, False)


def _stage_maps(layout: Layout) -> list[tuple[int, ...]]:
    return [layout.stage(n + 1)[0].outputs for n in range(len(layout.depths))]


def _like(paper: Layout, stage: int, number: int) -> Block:
    """The paper's block of the same stage: its first for a first, its second for any other."""
    blocks = paper.stage(min(stage, len(paper.depths)))
    if number > 1 and len(blocks) == 1:  # the one that does not shrink the map is most like it
        return paper.stage(1)[0]
    return blocks[min(number, 2) - 1]


def _pair(theirs: Block, paper: Block, stage: int) -> Pair:
    """Where only one of two adds a shortcut, the other is taken as layers in a row."""
    if (theirs.shortcut is None) != (paper.shortcut is None):
        return Pair(_in_a_row(theirs), _in_a_row(paper), stage)
    return Pair(theirs, paper, stage)


def _in_a_row(block: Block) -> Block:
    last: tuple[Node, ...] = (*block.slots[-1], *block.after)
    return structs.replace(block, slots=(*block.slots[:-1], last), after=())

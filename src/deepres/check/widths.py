"""How many channels the layers give, held against the paper's; one factor is said once."""

from collections import Counter

from .layout import Block, Layout
from .pairs import Pairs
from .words import listed, ordinal

Vector = tuple[int, ...]  # channels that the layers of a block give, in order


def widths(theirs: Layout, paper: Layout, pairs: Pairs) -> list[str]:
    """Sentences on channels: of the whole, of a stage, of a single layer."""
    ours, papers = _usual(theirs, pairs), _usual(paper, pairs)
    if [len(v) for v in ours] != [len(v) for v in papers]:
        return _listed_apart([v[0] for v in ours if v], [v[0] for v in papers if v])
    factors = [
        [a / b for a, b in zip(v, w, strict=True)] for v, w in zip(ours, papers, strict=True)
    ]
    common = {factor for row in factors for factor in row}
    stem = _stem(theirs.stem, paper.stem, common.pop() if len(common) == 1 else 1.0)
    whole = _whole(ours, papers, factors) or _by_stage(ours, papers, factors)
    return whole + stem + pairs.grouped(lambda pair: _single(pair.theirs, ours[pair.stage - 1]))


def _usual(layout: Layout, pairs: Pairs) -> list[Vector]:
    """For each stage the channels that most of its blocks give."""
    stages: dict[int, Counter[Vector]] = {}
    for block, (stage, _) in zip(layout.blocks, _labels(layout, pairs), strict=True):
        stages.setdefault(stage, Counter())[_vector(block)] += 1
    return [counter.most_common(1)[0][0] for _, counter in sorted(stages.items())]


def _labels(layout: Layout, pairs: Pairs) -> tuple[tuple[int, int], ...]:
    """The paper's stages serve for both where the blocks are one to one."""
    return pairs.labels if pairs.one_to_one else layout.labels


def _vector(block: Block) -> Vector:
    return tuple(layer.shape[1] for layer in block.layers)


def _listed_apart(ours: list[int], papers: list[int]) -> list[str]:
    if ours == papers or not ours:
        return []
    return [f"its stages are {listed(ours)} channels wide, the paper's {listed(papers)}"]


def _stem(theirs: Block, paper: Block, factor: float) -> list[str]:
    ours, papers = _vector(theirs)[-1:], _vector(paper)[-1:]
    if not ours or ours[0] == papers[0] * factor:
        return []
    return [f"the stem gives {ours[0]} channels, the paper's {papers[0]}"]


def _whole(ours: list[Vector], papers: list[Vector], factors: list[list[float]]) -> list[str]:
    """One factor for all layers, or one for all layers of the same place in their blocks."""
    if not factors or any(row != factors[0] for row in factors):
        return []
    if len(set(factors[0])) == 1:
        if factors[0][0] == 1:
            return []
        return [
            f"its stages are {listed([v[0] for v in ours])} channels wide, {factors[0][0]:g} times"
            f" the paper's {listed([v[0] for v in papers])}"
        ]
    alike: dict[tuple[float, str, str], list[str]] = {}
    for n, factor in enumerate(factors[0]):
        channels = listed([v[n] for v in ours]), listed([v[n] for v in papers])
        alike.setdefault((factor, *channels), []).append(ordinal(n + 1))
    return [
        f"in every block the {listed(which)} {_give(which)} {factor:g} times the paper's channels:"
        f" {mine} in its stages, the paper's {theirs}"
        for (factor, mine, theirs), which in alike.items()
        if factor != 1
    ]


def _give(which: list[str]) -> str:
    return "convolution gives" if len(which) == 1 else "convolutions give"


def _by_stage(ours: list[Vector], papers: list[Vector], factors: list[list[float]]) -> list[str]:
    found = []
    for stage, (v, w, row) in enumerate(zip(ours, papers, factors, strict=True), 1):
        if len(set(row)) == 1 and v != w:
            found.append(f"stage {stage} is {v[0]} channels wide, the paper's {w[0]}")
            continue
        found += [
            f"in stage {stage} the {ordinal(n)} convolution gives {a} channels, the paper's {b}"
            for n, (a, b) in enumerate(zip(v, w, strict=True), 1)
            if a != b
        ]
    return found


def _single(block: Block, usual: Vector) -> list[str]:
    """A layer whose width is not that of the same layer in the other blocks of its stage."""
    return [
        f"{{where}} the {ordinal(n)} convolution gives {a} channels, not {b} as in its stage"
        for n, (a, b) in enumerate(zip(_vector(block), usual, strict=False), 1)
        if a != b
    ]

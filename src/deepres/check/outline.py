"""Stem, stages, widths, kernels and strides, held against the paper's."""

from math import prod

from .layout import Block, Layout
from .pairs import Pair, Pairs
from .record import Node
from .widths import widths
from .words import listed, ordinal, size, spoken


def outline(theirs: Layout, paper: Layout, pairs: Pairs) -> list[str]:
    """Sentences on what the networks are made of, the largest things first."""
    return [
        *_stages(theirs, paper, pairs),
        *pairs.grouped(_kernels),
        *_stem(theirs.stem, paper.stem),
        *widths(theirs, paper, pairs),
        *_strides(pairs),
        *pairs.grouped(_stride_within),
        *pairs.grouped(_other_facts),
    ]


def _stages(theirs: Layout, paper: Layout, pairs: Pairs) -> list[str]:
    if pairs.one_to_one:
        return []
    if len(theirs.depths) == 1:
        many = "a single stage of one block" if theirs.depths == [1] else "a single stage"
        return [f"it has {many}, the paper's {len(paper.depths)} stages"]
    return [
        f"its stages have {listed(theirs.depths)} blocks, the paper's {listed(paper.depths)}:"
        f" {theirs.layers} layers, the paper's {paper.layers}"
    ]


def _stem(theirs: Block, paper: Block) -> list[str]:
    found = []
    if _stem_words(theirs) != _stem_words(paper):
        found.append(f"the stem is {_stem_words(theirs)}; the paper's is {_stem_words(paper)}")
    elif len(theirs.layers) == len(paper.layers) == 1:
        ours = facts_apart(theirs.layers[0], paper.layers[0])
        found += [f"in the stem the convolution {text}" for text in ours]
    return found


def _stem_words(stem: Block) -> str:
    pools = [node for slot in stem.slots for node in slot if "pool" in node.kind]
    layers = ", then ".join(spoken(layer) for layer in stem.layers) or "no convolution"
    return layers + (f" and {listed([spoken(p) for p in pools])}" if pools else ", not pooled")


def _kernels(pair: Pair) -> list[str]:
    ours = [size(layer.facts["kernel"]) for layer in _convolutions(pair.theirs)]
    papers = [size(layer.facts["kernel"]) for layer in _convolutions(pair.paper)]
    if ours == papers:
        return []
    apart = [n for n, (a, b) in enumerate(zip(ours, papers, strict=False), 1) if a != b]
    if len(ours) == len(papers) and len(apart) == 1:
        n = apart[0]
        return [
            f"{{where}} the {ordinal(n)} convolution is {ours[n - 1]}, the paper's {papers[n - 1]}"
        ]
    return [
        f"{{where}} the branch has {_counted(ours)}{_bottleneck(ours)}; the paper's has"
        f" {_counted(papers)}{_bottleneck(papers)}"
    ]


def _counted(kernels: list[str]) -> str:
    many = "convolution" if len(kernels) == 1 else "convolutions"
    return f"{len(kernels)} {many}, {listed(kernels)}" if kernels else "no convolution"


def _bottleneck(kernels: list[str]) -> str:
    return " (a bottleneck)" if kernels == ["1x1", "3x3", "1x1"] else ""


def _convolutions(block: Block) -> list[Node]:
    return [layer for layer in block.layers if layer.kind == "conv"]


def stride_of(block: Block) -> int:
    """By how much a block shrinks the map."""
    return prod(layer.facts["stride"][0] for layer in _convolutions(block))


def _strides(pairs: Pairs) -> list[str]:
    found = []
    for pair, (stage, number) in zip(pairs.pairs, pairs.labels, strict=True):
        ours, papers = stride_of(pair.theirs), stride_of(pair.paper)
        if ours == papers or len(pair.theirs.outputs) != 4:
            continue
        subject = f"block {number} of stage {stage} has"
        if number == 1:
            subject = f"stage {stage} starts with"
        maps, theirs = size(pair.theirs.outputs[2:]), size(pair.paper.outputs[2:])
        also = "are too" if maps == theirs else f"are {theirs}"
        found.append(f"{subject} stride {ours}: its maps are {maps}, the paper's {also}")
    return found


def _stride_within(pair: Pair) -> list[str]:
    """The stride on another convolution than the paper's: a bottleneck's 3x3, say."""
    ours, papers = _convolutions(pair.theirs), _convolutions(pair.paper)
    if len(ours) != len(papers) or stride_of(pair.theirs) != stride_of(pair.paper):
        return []
    at = [n for n, layer in enumerate(ours) if layer.facts["stride"][0] > 1]
    paper_at = [n for n, layer in enumerate(papers) if layer.facts["stride"][0] > 1]
    if at == paper_at:
        return []
    return [
        f"{{where}} the stride {stride_of(pair.theirs)} is on the {_which(at, ours)}, in the paper"
        f" on the {_which(paper_at, papers)}"
    ]


def _which(at: list[int], layers: list[Node]) -> str:
    names = [f"{ordinal(n + 1)} convolution ({size(layers[n].facts['kernel'])})" for n in at]
    return listed(names)


def _other_facts(pair: Pair) -> list[str]:
    ours, papers = _convolutions(pair.theirs), _convolutions(pair.paper)
    if len(ours) != len(papers):
        return []
    return [
        f"{{where}} the {ordinal(n)} convolution {text}"
        for n, (a, b) in enumerate(zip(ours, papers, strict=True), 1)
        for text in facts_apart(a, b)
    ]


def facts_apart(theirs: Node, paper: Node) -> list[str]:
    """Padding, groups, dilation: what two convolutions of one kernel can still differ in."""
    found = []
    ours, papers = theirs.facts, paper.facts
    alike = all(ours[fact] == papers[fact] for fact in ("kernel", "dilation"))
    if alike and ours["padding"] != papers["padding"]:
        found.append(f"has padding {ours['padding'][0]}, the paper's {papers['padding'][0]}")
    if ours["groups"] != papers["groups"]:
        found.append(f"works in {ours['groups']} groups, the paper's in {papers['groups']}")
    if ours["dilation"] != papers["dilation"]:
        found.append(f"is dilated by {ours['dilation'][0]}, the paper's not")
    if ours["transposed"] != papers["transposed"]:
        found.append("is transposed, the paper's not")
    return found

"""A recorded network in the paper's terms: stem, blocks with branch and shortcut, head."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from .path import Join, Step, nodes, path
from .record import Node, Recording
from .shortcut import Shortcut, shortcut_of
from .tidy import tidy

WEIGHTED = ("conv", "linear")
_POOLING = {"maxpool", "avgpool", "global average pooling", "mean", "amax"}
_BODY = {"bn", "relu", "group normalisation", "layer normalisation", "instance normalisation"}
_BODY |= {"leaky ReLU", "PReLU", "GELU", "SiLU", "ELU", "tanh", "softplus", "ReLU6", "sigmoid"}
DEEPEST_STEM = 3  # convolutions before the first max-pooling that may still be called a stem


class Block(Struct, frozen=True, eq=False):
    """A branch of layers, what is added to it, and what follows; `shortcut` None: nothing added.

    `slots` holds what stands before the first layer, between the layers and after the last one.
    """

    layers: tuple[Node, ...]
    slots: tuple[tuple[Node, ...], ...]
    shortcut: Shortcut | None
    after: tuple[Node, ...]  # behind the addition
    inputs: tuple[int, ...]  # N x C x H x W
    outputs: tuple[int, ...]
    end: Node  # the addition, or the last layer

    @property
    def grows(self) -> bool:
        """Whether dimensions change, so that an identity would not fit (Eqn (2))."""
        return self.inputs != self.outputs

    @property
    def normalisations(self) -> list[Node]:
        """Those of the branch and behind the addition, in order."""
        return [n for slot in (*self.slots, self.after) for n in slot if n.kind == "bn"]


class Layout(Struct, frozen=True, eq=False):
    """Stem, blocks, head, and the number of each block as (stage, block in the stage)."""

    stem: Block
    blocks: tuple[Block, ...]
    head: tuple[Node, ...]
    labels: tuple[tuple[int, int], ...]

    @property
    def layers(self) -> int:
        """Weighted layers as the paper counts them: projections of shortcuts left out."""
        body = sum(len(block.layers) for block in (self.stem, *self.blocks))
        return body + sum(node.kind in WEIGHTED for node in self.head)

    @property
    def additions(self) -> int:
        return sum(block.shortcut is not None for block in self.blocks)

    @property
    def steps(self) -> list[Node]:
        """Everything that has no weights or only scales, in order: what stands in the slots."""
        found: list[Node] = []
        for block in (self.stem, *self.blocks):
            found += [node for slot in (*block.slots, block.after) for node in slot]
            found += block.shortcut.normalisations if block.shortcut else ()
        return found + list(self.head)

    def stage(self, number: int) -> list[Block]:
        return [
            b for b, (stage, _) in zip(self.blocks, self.labels, strict=True) if stage == number
        ]

    @property
    def depths(self) -> list[int]:
        """Blocks of each stage."""
        stages = [stage for stage, _ in self.labels]
        return [stages.count(number) for number in sorted(set(stages))]


def layout(recording: Recording, convolutions: int) -> Layout:
    """The layout of a network; what is added nowhere is cut into blocks of so many layers."""
    steps = tidy(path(recording.input, recording.output))
    parts = [_residual(step) or step for step in steps]
    start, end = _stem_end(parts), _head_start(parts)
    stem = _loose(recording.input, [_node(part) for part in parts[:start]])
    blocks = tuple(_blocks(parts[start:end], convolutions))
    head = tuple(_node(part) for part in parts[end:])
    return Layout(stem, blocks, head, _labels(blocks))


def _residual(step: Step) -> Block | None:
    """A block, where a step joins a branch with layers and something else."""
    if not isinstance(step, Join) or len(step.ways) != 2 or not _joins(step.node):
        return None
    ways = sorted((tidy(way) for way in step.ways), key=_weight)
    if not _weight(ways[1])[0]:
        return None
    branch = _loose(step.fork, [_node(part) for part in ways[1]])
    return Block(
        layers=branch.layers,
        slots=branch.slots,
        shortcut=shortcut_of(step.fork, ways[0], step.node),
        after=(),
        inputs=step.fork.shape,
        outputs=step.node.shape,
        end=step.node,
    )


def _joins(node: Node) -> bool:
    """An addition, or what stands in for one; a gate is part of a branch."""
    if node.kind == "multiplication":
        return all(source.shape == node.shape for source in node.sources)
    return node.kind in ("add", "weighted addition", "subtraction", "concatenation")


def _weight(way: tuple[Step, ...]) -> tuple[int, int]:
    inside = list(nodes(way))
    return sum(node.kind in WEIGHTED for node in inside), len(inside)


def _node(part: Step | Block) -> Node:
    """A join or block that has to pass as one operation."""
    if isinstance(part, Block):
        return part.end
    return part.node if isinstance(part, Join) else part


def _loose(start: Node, steps: Sequence[Node]) -> Block:
    """Layers one behind the other, without an addition, from what they begin with."""
    slots: list[list[Node]] = [[]]
    layers: list[Node] = []
    for node in steps:
        if node.kind in WEIGHTED:
            layers.append(node)
            slots.append([])
        else:
            slots[-1].append(node)
    last = (start, *steps, *layers)[-1]
    return Block(tuple(layers), tuple(map(tuple, slots)), None, (), start.shape, last.shape, last)


def _stem_end(parts: Sequence[Step | Block]) -> int:
    """Behind an early max-pooling, otherwise before the second convolution or the first block."""
    layers = 0
    ends = len(parts)
    for index, part in enumerate(parts):
        layer = isinstance(part, Node) and part.kind == "conv"
        layers += layer
        if isinstance(part, Block) or layers > DEEPEST_STEM or _node(part).kind == "linear":
            return min(ends, index)
        if layer and layers == 2:
            ends = index
        if _node(part).kind == "maxpool" and layers:
            rest = (i for i, p in enumerate(parts) if i > index and _starts(p))
            return next(rest, len(parts))
    return ends


def _starts(part: Step | Block) -> bool:
    return isinstance(part, Block) or _node(part).kind not in _BODY


def _head_start(parts: Sequence[Step | Block]) -> int:
    """Behind the last block or convolution and what normalises and rectifies it."""
    last = max(
        (i for i, p in enumerate(parts) if isinstance(p, Block) or _node(p).kind == "conv"),
        default=-1,
    )
    rest = (i for i, p in enumerate(parts) if i > last and _node(p).kind not in _BODY)
    return next(rest, len(parts))


def _blocks(parts: Sequence[Step | Block], convolutions: int) -> Iterator[Block]:
    waiting: list[Node] = []  # steps that no addition has claimed
    block: Block | None = None
    after: list[Node] = []
    for part in parts:
        if isinstance(part, Block):
            yield from _closed(block, after)
            yield from _chunks(waiting, convolutions)
            block, after, waiting = part, [], []
        elif block is not None and not waiting and _node(part).kind not in WEIGHTED:
            after.append(_node(part))
        else:
            waiting.append(_node(part))
    yield from _closed(block, after)
    yield from _chunks(waiting, convolutions)


def _closed(block: Block | None, after: list[Node]) -> Iterator[Block]:
    if block is not None:
        yield Block(
            **{name: getattr(block, name) for name in block.__struct_fields__ if name != "after"},
            after=tuple(after),
        )


def _chunks(steps: list[Node], convolutions: int) -> Iterator[Block]:
    starts = [i for i, node in enumerate(steps) if node.kind in WEIGHTED][::convolutions]
    cuts = [0, *starts[1:], len(steps)] if starts else []
    for a, b in pairwise(cuts):
        yield _loose(steps[a].sources[0], steps[a:b])


def _labels(blocks: Sequence[Block]) -> tuple[tuple[int, int], ...]:
    """A stage ends where the maps or channels that blocks give change."""
    labels: list[tuple[int, int]] = []
    for index, block in enumerate(blocks):
        same = index > 0 and blocks[index - 1].outputs == block.outputs
        stage, number = labels[-1] if labels else (0, 0)
        labels.append((stage, number + 1) if same else (stage + 1, 1))
    return tuple(labels)

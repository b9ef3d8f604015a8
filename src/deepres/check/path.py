"""The way from the pictures to the scores: a sequence of steps, some of them two ways that join."""

from collections.abc import Iterator

from msgspec import Struct

from .record import Node

DEEPEST = 2  # joins within joins; beyond that a join is one step, lest dense networks never end


class Join(Struct, frozen=True, eq=False):
    """An operation on several tensors, from the last point that all of them pass through."""

    node: Node
    fork: Node
    ways: tuple[tuple["Step", ...], ...]  # in the order of the operation's arguments


Step = Node | Join


def path(start: Node, end: Node) -> tuple[Step, ...]:
    """The steps from `start` (left out) to `end`, in the order in which values flow."""
    above = _dominators(start, end)
    return _path(start, end, above, 0)


def nodes(steps: tuple[Step, ...]) -> Iterator[Node]:
    """Every operation of some steps, those inside joins included."""
    for step in steps:
        if isinstance(step, Join):
            for way in step.ways:
                yield from nodes(way)
            yield step.node
        else:
            yield step


def between(start: Node, end: Node) -> list[Node]:
    """Everything that leads from one node to another, sources first."""
    order: list[Node] = []
    seen, waiting = {start}, [(end, iter(end.sources))]
    while waiting:
        node, sources = waiting[-1]
        following = next((s for s in sources if s not in seen), None)
        if following is not None:
            seen.add(following)
            waiting.append((following, iter(following.sources)))
        else:
            waiting.pop()
            order.append(node)
    return order


def _path(
    start: Node, end: Node, above: dict[Node, tuple[Node, int]], depth: int
) -> tuple[Step, ...]:
    steps: list[Step] = []
    node = end
    while node is not start:
        if len(node.sources) == 1:
            steps.append(node)
            node = node.sources[0]
            continue
        fork = above[node][0]
        inside = depth < DEEPEST
        ways = tuple(_path(fork, s, above, depth + 1) for s in node.sources) if inside else ()
        steps.append(Join(node, fork, ways))
        node = fork
    return tuple(reversed(steps))


def _dominators(start: Node, end: Node) -> dict[Node, tuple[Node, int]]:
    """For each operation the last one that every way to it passes, and how deep that lies."""
    above: dict[Node, tuple[Node, int]] = {start: (start, 0)}
    for node in between(start, end):
        meeting = node.sources[0]
        for source in node.sources[1:]:
            meeting = _meeting(meeting, source, above)
        above[node] = (meeting, above[meeting][1] + 1)
    return above


def _meeting(a: Node, b: Node, above: dict[Node, tuple[Node, int]]) -> Node:
    while a is not b:
        if above[a][1] >= above[b][1]:
            a = above[a][0]
        else:
            b = above[b][0]
    return a

"""What a network computes, recorded while it runs: operations, and where their values flow.

The record is taken below autograd, where torch has reduced every way of writing a network to a few
operations. Control flow, closures, in-place work and reused modules need no special care there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from msgspec import Struct, field
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from .operations import MAKERS, RANDOM, ROLES, TRANSPARENT, facts_of, kind_of


class Node(Struct, eq=False):
    """One operation as it ran, or a tensor that was there before."""

    kind: str
    sources: tuple["Node", ...] = ()  # its inputs that depend on the pictures, in order
    value: Tensor | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)  # names of its parameters, by role
    origins: frozenset[str] = frozenset()  # names of all it reads, computed weights included
    constant: bool = False  # does not depend on the pictures
    random: bool = False

    @property
    def name(self) -> str:
        """Of a parameter or buffer."""
        return next(iter(self.origins))

    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.shape = self.shape or tuple(self.tensor.shape)

    @property
    def tensor(self) -> Tensor:
        assert self.value is not None
        return self.value


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down every operation while it is entered; each node keeps its value of that time."""

    def __init__(self, network: nn.Module, pictures: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.nodes: list[Node] = []
        self._of: dict[int, Node] = {}
        self._alive: list[Tensor] = []  # an id says nothing once its tensor is gone
        self._sharing: dict[int, list[Tensor]] = {}
        self._holding: dict[int, list[Node]] = {}
        self.input = Node("input", value=pictures)
        self._bind(pictures, self.input)
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            self._bind(
                tensor, Node("weight", value=tensor, constant=True, origins=frozenset([name]))
            )

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; to guard against it torch would import its compiler (1.4 s)."""
        return False

    def node(self, tensor: Tensor) -> Node:
        """What made a tensor; one that nobody saw being made is a constant."""
        if id(tensor) not in self._of:
            twins = (t for t in self._sharing.get(_storage(tensor), ()) if _same_place(t, tensor))
            twin = next(twins, None)
            known = self._of[id(twin)] if twin is not None else None
            self._bind(tensor, known or Node("constant", value=tensor, constant=True))
        return self._of[id(tensor)]

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        arguments = func._schema.arguments
        given = dict(zip((a.name for a in arguments), args, strict=False)) | dict(kwargs or {})
        name = func.overloadpacket.__name__
        in_place = name.endswith("_") and not name.endswith("__")
        written = [
            tensor
            for a in arguments
            if a.alias_info is not None and a.alias_info.is_write
            for tensor in _tensors(given.get(a.name))
        ]
        read = [self.node(tensor) for value in given.values() for tensor in _tensors(value)]
        if name == "copy_":
            read = [self.node(given["src"])]  # what was there before is gone
        for tensor in written:
            self._keep_values(tensor)
        result = func(*args, **(kwargs or {}))
        results = _tensors(result)
        if not results:
            return result
        made = self._made(name.rstrip("_") if in_place else name, given, read, results)
        for tensor, node in zip(results, made, strict=True):
            if tensor not in written:
                self._bind(tensor, node)
        for tensor in written:
            self._overwrite(tensor, made[0])
        return result

    def _made(
        self, name: str, given: Mapping[str, Any], read: list[Node], results: list[Tensor]
    ) -> list[Node]:
        sources = () if name in MAKERS else tuple(node for node in read if not node.constant)
        random = name in RANDOM or any(node.constant and node.random for node in read)
        if len(read) == 1 and name in TRANSPARENT:
            return [read[0]] * len(results)
        origins = frozenset().union(*(node.origins for node in read if node.constant))
        if not sources:
            return [Node(name, (), r, {}, {}, origins, True, random) for r in results]
        kind = kind_of(name, given, len(sources), random)
        facts = facts_of(kind, name, given, results[0])
        weights = {
            ROLES.get(name, {}).get(role, role): node.name
            for role, value in given.items()
            if isinstance(value, Tensor) and (node := self.node(value)).kind == "weight"
        }
        made = [
            Node(kind, sources, r, facts | ({"part": n} if n else {}), weights, origins)
            for n, r in enumerate(results)
        ]
        self.nodes.append(made[0])
        return made

    def _bind(self, tensor: Tensor, node: Node) -> None:
        self._of[id(tensor)] = node
        self._alive.append(tensor)
        self._sharing.setdefault(_storage(tensor), []).append(tensor)
        self._holding.setdefault(_storage(tensor), []).append(node)

    def _keep_values(self, tensor: Tensor) -> None:
        """Copies what nodes hold in a storage that is about to be written."""
        for node in self._holding.pop(_storage(tensor), ()):
            if node.value is not None and _storage(node.value) == _storage(tensor):
                node.value = node.value.clone()

    def _overwrite(self, tensor: Tensor, node: Node) -> None:
        """After an in-place operation every view of the memory holds something new."""
        for other in list(self._sharing[_storage(tensor)]):
            if _same_place(other, tensor):
                self._of[id(other)] = node
            elif (before := self._of[id(other)]) is not node:
                sources = tuple(n for n in (before, node) if not n.constant)
                kind, constant = "assignment", not sources
                self._of[id(other)] = Node(kind, sources, other, constant=constant)
                self._holding.setdefault(_storage(other), []).append(self._of[id(other)])
        self._holding.setdefault(_storage(tensor), []).append(node)


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _same_place(a: Tensor, b: Tensor) -> bool:
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    return []


class Recording(Struct, frozen=True, eq=False):
    """One forward pass: every operation, and the path from the pictures to the scores."""

    nodes: tuple[Node, ...]
    input: Node
    output: Node
    classes: int
    returned: str | None  # what came back, where it was not simply a tensor

    def forget(self) -> None:
        """Lets go of all values, once they have told what they had to."""
        for node in (self.input, *self.nodes):
            node.value = None

    @property
    def multiply_adds(self) -> int:
        """Of one picture, projections and all."""
        return sum(node.facts.get("work", 0) for node in self.nodes) // self.input.shape[0]


@torch.no_grad()
def record(network: nn.Module, pictures: Tensor) -> Recording:
    """Runs a network once, in the mode it is in."""
    with Recorder(network, pictures) as recorder:
        answer = network(pictures)
    scores, returned = scores_of(answer)
    assert scores is not None
    return Recording(
        tuple(recorder.nodes), recorder.input, recorder.node(scores), scores.shape[1], returned
    )


def scores_of(answer: Any) -> tuple[Tensor | None, str | None]:
    """The N x classes among what a network returns, and in what it came."""
    if isinstance(answer, Tensor):
        return answer, None
    values = list(answer.values()) if isinstance(answer, Mapping) else answer
    tensors = _tensors(values)
    name = type(answer).__name__
    article = "an" if name[0] in "AEIOU" else "a"
    if not tensors:
        return None, f"{article} {name} without tensors"
    many = "1 tensor" if len(tensors) == 1 else f"{len(tensors)} tensors"
    flat = [tensor for tensor in tensors if tensor.ndim == 2] or tensors
    return flat[0], f"{article} {name} with {many}"

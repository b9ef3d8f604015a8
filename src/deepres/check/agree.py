"""Outputs and gradients of two networks that hold the same weights."""

import contextlib
from collections.abc import Iterator

import torch
from msgspec import Struct
from torch import Tensor, nn

from .carry import Carried, carry, stirred
from .layout import Layout
from .record import scores_of
from .words import ordinal

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-3}
Tail = tuple[str, ...]  # of "softmax" and "log-softmax"


class Agreement(Struct, frozen=True, kw_only=True):
    """The largest differences, each relative to the largest value of its tensor."""

    outputs: float  # in evaluation mode
    outputs_training: float
    gradients: float
    last: str  # of those whose gradients differ, the one nearest to the output
    failure: str  # why theirs has no gradients
    bound: float

    @property
    def agrees(self) -> bool:
        worst = max(self.outputs, self.outputs_training, self.gradients)
        return worst <= self.bound and not self.failure

    @property
    def said(self) -> str:
        """How far apart they are, the plainest difference first."""
        if self.outputs > self.bound:
            return f"outputs differ, by {self.outputs:.2g} of the largest"
        if self.outputs_training > self.bound:
            return f"outputs differ in training mode, by {self.outputs_training:.2g} of the largest"
        if self.failure:
            return f"outputs agree, but no gradients can be computed: {self.failure}"
        return (
            f"outputs agree, but gradients do not, by up to {self.gradients:.2g} of a tensor's"
            f" largest: from the output back, first that of {self.last}"
        )


def agreement(
    theirs: nn.Module, paper: nn.Module, carried: Carried, images: Tensor, tail: Tail
) -> Agreement:
    """Carries weights over and compares; `tail` is what theirs does to its scores at the end."""
    stirred_alike((theirs, paper), carried, images)
    with torch.no_grad():
        outputs = apart(_scores(theirs.eval(), images), _ended(paper.eval()(images), tail))
    mine, yours = [b for _, b in carried.tensors], [a for a, _ in carried.tensors]
    ours, slopes = _trained(theirs.train(), images, (), yours)
    papers, rights = _trained(paper.train(), images, tail, mine)
    assert not isinstance(rights, str)
    failure, slopes = (slopes, []) if isinstance(slopes, str) else ("", slopes)
    floor = 1e-8 * max(
        (float(slope.abs().max()) for slope in rights if slope is not None), default=1
    )
    bound = TOLERANCE[images.dtype]
    errors = {
        name: apart(a, b.view_as(a), floor)
        for (name, _), a, b in zip(carried.tensors, slopes, rights, strict=not failure)
        if a is not None and b is not None
    }
    return Agreement(
        outputs=outputs,
        outputs_training=apart(ours, papers),
        gradients=max(errors.values(), default=0.0),
        last=next((name for name in reversed(errors) if errors[name] > bound), ""),
        failure=failure,
        bound=bound,
    )


def stirred_alike(networks: tuple[nn.Module, nn.Module], carried: Carried, images: Tensor) -> None:
    """Both hold the same arbitrary weights, scales and statistics afterwards."""
    theirs, paper = networks
    stirred(paper, images)
    carry(carried, theirs, paper)


def _trained(
    network: nn.Module, pictures: Tensor, tail: Tail, names: list[str]
) -> tuple[Tensor, list[Tensor | None] | str]:
    """Scores in training mode and the gradient for each parameter; None for a statistic.

    Where code forbids it, by writing over what the way back needs, say, the reason instead.
    """
    parameters = dict(network.named_parameters())
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    scores = _ended(_scores(network, pictures), tail)
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn(scores.shape, generator=generator, dtype=scores.dtype)
    wanted = [parameters[name] for name in names if name in parameters]
    try:
        slopes = torch.autograd.grad((scores * direction).sum(), wanted, materialize_grads=True)
    except RuntimeError as error:
        return scores.detach(), str(error).split(": [")[0].split(". ")[0].split("\n")[0]
    by_name = dict(zip((name for name in names if name in parameters), slopes, strict=True))
    return scores.detach(), [by_name.get(name) for name in names]


def _scores(network: nn.Module, pictures: Tensor) -> Tensor:
    with contextlib.redirect_stdout(None):
        scores, _ = scores_of(network(pictures.clone()))
    assert scores is not None
    return scores


def _ended(scores: Tensor, tail: Tail) -> Tensor:
    for kind in tail:
        scores = scores.softmax(1) if kind == "softmax" else scores.log_softmax(1)
    return scores


def apart(a: Tensor, b: Tensor, floor: float = 0.0) -> float:
    """The largest difference over the largest value of `b`; infinite where a value is missing."""
    difference = float((a - b).abs().max()) / max(float(b.abs().max()), floor, 1e-300)
    return difference if difference == difference else float("inf")


@contextlib.contextmanager
def default(dtype: torch.dtype) -> Iterator[None]:
    """Tensors that a network makes while it runs have the type of its pictures."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def parting(theirs: Layout, paper: Layout, bound: float) -> str | None:
    """The first place at which the activations of two recorded networks differ."""
    ours = dict(_places(theirs))
    for place, value in _places(paper):
        other = ours.get(place)
        if other is not None and (other.shape != value.shape or apart(other, value) > bound):
            return place
    return None


def _places(layout: Layout) -> Iterator[tuple[str, Tensor]]:
    for block, label in zip((layout.stem, *layout.blocks), (None, *layout.labels), strict=True):
        of = f"of block {label[1]} of stage {label[0]}" if label else "of the stem"
        for number, (layer, slot) in enumerate(zip(block.layers, block.slots[1:], strict=True), 1):
            yield f"in the {ordinal(number)} convolution {of}", layer.tensor
            yield f"behind the {ordinal(number)} convolution {of}", (layer, *slot)[-1].tensor
        if block.shortcut is not None and block.shortcut.end is not None:
            yield f"in the shortcut {of}", block.shortcut.end.tensor
        yield f"in the addition {of}", block.end.tensor
        yield f"at the end {of}", (block.end, *block.after)[-1].tensor
    for node in layout.head:
        yield f"in the {node.kind} of the head", node.tensor

"""Steps that compute the same under other names, brought under one."""

import torch
from msgspec import structs

from .path import Join, Step
from .record import Node

GLOBAL = "global average pooling"
_ARITHMETIC = {"add", "subtraction", "multiplication", "div"}
_POOLINGS = {"maxpool", "avgpool", "mean"}


def tidy(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """One name for one computation: repeated ReLU, padding apart, the many global averages."""
    return _classifier(_averages(_paddings(_once(steps))))


def _once(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Without what changes nothing: a ReLU of what is not negative, zero added, times one."""
    return tuple(
        step
        for step in steps
        if not (_is(step, "relu") and _rectified(step)) and not _neutral(step)
    )


def _neutral(step: Step) -> bool:
    if not isinstance(step, Node) or step.kind not in _ARITHMETIC or step.origins:
        return False
    return torch.equal(step.sources[0].tensor, step.tensor)


def _rectified(step: Step) -> bool:
    node = step.node if isinstance(step, Join) else step
    source = node.sources[0]
    while source.kind in _POOLINGS:
        source = source.sources[0]
    return source.kind == "relu"


def _paddings(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Zeros put around a map before a convolution are that convolution's padding."""
    kept: list[Step] = []
    for step in steps:
        before = kept[-1] if kept else None
        if isinstance(step, Node) and isinstance(before, Node) and _pads(before, step):
            edge = before.facts["pad"][0]
            padding = tuple(p + edge for p in step.facts["padding"])
            kept[-1] = structs.replace(step, facts=step.facts | {"padding": padding})
        else:
            kept.append(step)
    return tuple(kept)


def _pads(padding: Node, layer: Node) -> bool:
    if padding.kind != "padding" or padding.facts["value"] != 0:
        return False
    pad = padding.facts["pad"]
    even = len(pad) == 4 and len(set(pad)) == 1
    harmless = layer.kind == "maxpool" and bool((padding.sources[0].tensor >= 0).all())
    return even and (layer.kind == "conv" or harmless)


def _averages(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Whatever gives every channel's mean is global average pooling: judged by its values."""
    kept: list[Step] = []
    maps: torch.Tensor | None = None  # what entered the pooling
    begun = 0  # where in `kept`
    for step in steps:
        node = step.node if isinstance(step, Join) else step
        value = node.tensor
        trivial = node.kind in _POOLINGS and node.sources[0].shape[2:] == (1, 1)
        if trivial and value.numel() == node.sources[0].tensor.numel():
            kept.append(Node(GLOBAL, node.sources, value))
            continue
        if isinstance(step, Node) and maps is not None and _mean_of(maps, value):
            kept[begun:] = [Node(GLOBAL, step.sources, value)]
            maps = None
            continue
        kept.append(step)
        if value.ndim == 4 and node.kind not in _POOLINGS and value[0, 0].numel() > 1:
            maps, begun = value, len(kept)
    return tuple(kept)


def _mean_of(maps: torch.Tensor, value: torch.Tensor) -> bool:
    if value.numel() != maps.shape[0] * maps.shape[1]:
        return False
    means = maps.mean((2, 3))
    return torch.allclose(value.reshape(means.shape), means, rtol=1e-4, atol=1e-5)


def _classifier(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """A 1x1 convolution behind the global average is a linear layer."""
    kept: list[Step] = []
    pooled = False
    for step in steps:
        pooled = pooled or _is(step, GLOBAL)
        if pooled and isinstance(step, Node) and step.kind == "conv":
            facts = {key: step.facts[key] for key in ("inputs", "outputs", "bias")}
            step = structs.replace(step, kind="linear", facts=facts)
        kept.append(step)
    return tuple(kept)


def _is(step: Step, kind: str) -> bool:
    return isinstance(step, Node) and step.kind == kind

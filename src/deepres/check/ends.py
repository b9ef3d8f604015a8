"""Head, biases, and how parameters and outputs are used, held against the paper's."""

from collections import Counter

from torch import nn

from .layout import Layout
from .path import between
from .record import Node, Recording
from .words import among, sequence

_OUTPUTS = ("softmax", "log-softmax")


def head(theirs: Layout, paper: Layout) -> list[str]:
    """Sentences on what follows the last block."""
    found = []
    kept = theirs.head[:-1] if tail(theirs) else theirs.head
    ours = [node for node in kept if node.kind != "dropout"]
    if any(node.kind == "dropout" for node in theirs.head):
        found.append("dropout stands before the classifier; the paper uses no dropout")
    if [_mark(node) for node in ours] != [_mark(node) for node in paper.head]:
        found.append(
            f"behind the last block stand {sequence(ours)}; in the paper {sequence(paper.head)}"
        )
    return found


def returned(recording: Recording, theirs: Layout) -> list[str]:
    """Sentences on outputs that are not simply the scores."""
    found = [
        f"it ends with {kind}, the paper's with the scores before it, which is where the two were"
        " compared"
        for kind in tail(theirs)
    ]
    if recording.returned:
        found.append(f"it returns {recording.returned}, the paper's the scores alone")
    return found


def tail(layout: Layout) -> tuple[str, ...]:
    """The softmax or log-softmax at the very end."""
    return tuple(node.kind for node in layout.head[-1:] if node.kind in _OUTPUTS)


def _mark(node: Node) -> tuple[object, ...]:
    """A linear layer by its bias alone: its width follows from the stages and the classes."""
    if node.kind == "linear":
        return node.kind, node.facts["bias"]
    return node.kind, *node.facts.items()


def biases(theirs: Layout, paper: Layout) -> list[str]:
    """Convolutions with biases, which the paper leaves to batch normalisation."""
    layers, papers = _convolutions(theirs), _convolutions(paper)
    ours = [layer for layer in layers if layer.facts["bias"]]
    if not ours or any(layer.facts["bias"] for layer in papers):
        return []
    which = "all" if len(ours) == len(layers) else str(len(ours))
    names = among([n.weights.get("bias", "a computed one") for n in ours])
    have = "has a bias" if len(ours) == 1 else "have biases"
    return [f"{which} of its {len(layers)} convolutions {have}, {names}; the paper's have none"]


def _convolutions(layout: Layout) -> list[Node]:
    found = list(layout.stem.layers)
    for block in layout.blocks:
        found += [*block.layers, *(block.shortcut.layers if block.shortcut else ())]
    return [layer for layer in found if layer.kind == "conv"]


def usage(network: nn.Module, recording: Recording) -> list[str]:
    """Sentences on parameters that serve nothing."""
    used = _used(recording)
    parameters = dict(network.named_parameters())
    unused = [name for name in parameters if name not in used]
    frozen = [name for name, parameter in parameters.items() if not parameter.requires_grad]
    found = []
    if unused:
        total = sum(parameters[name].numel() for name in unused)
        found.append(f"{total:,} of its parameters take no part in the scores: {among(unused)}")
    if frozen:
        found.append(f"{among(frozen)} would not train: requires_grad is False")
    return found


def sharing(network: nn.Module, recording: Recording) -> list[str]:
    """A sentence on parameters that serve several layers at once."""
    used = _used(recording)
    shared = [name for name, _ in network.named_parameters() if used[name] > 1]
    if not shared:
        return []
    return [
        f"layers share weights, {among(shared)} (the first serves in {used[shared[0]]} places);"
        " the paper's layers each have their own"
    ]


def one_by_one(network: nn.Module, recording: Recording) -> bool:
    """Whether each layer runs as often as there are pictures, on one of them each time."""
    used = _used(recording)
    times = {used[name] for name, _ in network.named_parameters()}
    return times == {recording.input.shape[0]}


def _used(recording: Recording) -> Counter[str]:
    """In how many operations on the way to the scores each parameter takes part."""
    steps = between(recording.input, recording.output)
    return Counter(name for node in steps for name in node.origins)

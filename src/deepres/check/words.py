"""Operations and places in plain words."""

from collections.abc import Sequence
from typing import Any

from .operations import KINDS
from .record import Node

ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth")
NAMES = {
    "bn": "batch normalisation",
    "relu": "ReLU",
    "add": "an addition",
    "detach": "detach, which stops the gradient",
    "multiplication": "a multiplication",
    "subtraction": "a subtraction",
    "weighted addition": "an addition with weights",
}
CONSTANTS = {
    "add": "an addition of",
    "subtraction": "a subtraction of",
    "multiplication": "a multiplication by",
    "div": "a division by",
}
KNOWN = {
    "random noise",
    *KINDS.values(),
    "global average pooling",
    "instance normalisation",
    "ReLU6",
}


def ordinal(number: int) -> str:
    return ORDINALS[number] if number < len(ORDINALS) else f"{number}th"


def listed(words: Sequence[object]) -> str:
    """`a, b and c`."""
    texts = [str(word) for word in words]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else "nothing"


def size(pair: Sequence[int]) -> str:
    return "x".join(map(str, pair))


def spoken(node: Node) -> str:
    """What an operation is, with what sets it apart from others of its kind."""
    facts = node.facts
    if node.kind == "conv":
        return f"a {_convolution(facts)}"
    if node.kind in ("maxpool", "avgpool"):
        name = {"maxpool": "max-pooling", "avgpool": "average pooling"}[node.kind]
        text = f"{size(facts['kernel'])} {name}{_stride(facts['stride'])}"
        padding = f" and padding {facts['padding'][0]}" if any(facts["padding"]) else ""
        return text + padding + (" and sizes rounded up" if facts["ceil"] else "")
    if node.kind == "linear":
        bias = "" if facts["bias"] else " without bias"
        return f"a linear layer of {facts['inputs']} to {facts['outputs']}{bias}"
    if node.kind == "multiplication" and len(node.sources) > 1:
        return "a gate (squeeze and excitation, or the like)"
    if node.kind in CONSTANTS and (node.origins or "other" in facts):
        constant = f"{facts['other']:g}" if "other" in facts else f"the weight {min(node.origins)}"
        return f"{CONSTANTS[node.kind]} {constant}"
    return NAMES.get(node.kind) or (
        node.kind if node.kind in KNOWN else f"the operation {node.kind}"
    )


def _convolution(facts: dict[str, Any]) -> str:
    text = f"{size(facts['kernel'])} convolution{_stride(facts['stride'])}"
    if facts["groups"] != 1:
        text += f" in {facts['groups']} groups"
    if any(d != 1 for d in facts["dilation"]):
        text += f" dilated by {facts['dilation'][0]}"
    return f"transposed {text}" if facts["transposed"] else text


def _stride(stride: Sequence[int]) -> str:
    if len(set(stride)) > 1:
        return f" with stride {size(stride)}"
    return f" with stride {stride[0]}" if stride[0] != 1 else ""


def sequence(steps: Sequence[Node]) -> str:
    """`batch normalisation, then ReLU`."""
    return ", then ".join(spoken(node) for node in steps) or "nothing"


def where(chosen: Sequence[int], labels: Sequence[tuple[int, int]]) -> str:
    """Which blocks, said briefly: `in every block`, `in the first block of stages 2 and 3`."""
    picked = [labels[index] for index in chosen]
    stages = sorted({stage for stage, _ in labels})
    if len(picked) == len(labels) > 1:
        return "in every block"
    firsts = [stage for stage, number in picked if number == 1]
    if len(picked) == 1:
        return f"in block {picked[0][1]} of stage {picked[0][0]}"
    if len(firsts) == len(picked):
        which = "every stage" if firsts == stages else f"stages {listed(firsts)}"
        return f"in the first block of {which}"
    rest = [label for label in labels if label not in picked]
    if all(number == 1 for _, number in rest):
        begun = [stage for stage, _ in rest]
        those = "every stage" if begun == stages else _stages(begun)
        return f"in every block but the first of {those}"
    touched = sorted({stage for stage, _ in picked})
    if len(picked) == sum(stage in touched for stage, _ in labels):
        return f"in every block of {_stages(touched)}"
    if len(picked) <= 3:
        return "in " + listed([f"block {number} of stage {stage}" for stage, number in picked])
    return (
        f"in {len(picked)} of {len(labels)} blocks, first in block {picked[0][1]} of stage"
        f" {picked[0][0]}"
    )


def _stages(numbers: Sequence[int]) -> str:
    return f"stage{'s' if len(numbers) > 1 else ''} {listed(numbers)}"


def among(names: Sequence[str]) -> str:
    """The first of some tensors, and how many more there are."""
    more = len(names) - 1
    if not more:
        return names[0]
    return f"{names[0]} and {more} more {'tensor' if more == 1 else 'tensors'}"

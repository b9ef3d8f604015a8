"""Normalisation and dropout in training and in evaluation, held against the paper's."""

from collections.abc import Callable

from .layout import Layout
from .record import Node
from .words import listed

EPS, MOMENTUM = 1e-5, 0.1  # ours: torch's, and Caffe's eps


def modes(training: Layout, evaluation: Layout, paper: Layout) -> list[str]:
    """Sentences on what batch normalisation uses and on what changes between the modes."""
    mine, papers = normalisations(training), normalisations(paper)
    found = []
    checks: tuple[tuple[list[Node], Callable[[Node], bool], str], ...] = (
        (mine, lambda n: not n.facts["affine"], "have no scale and shift, the paper's have"),
        (mine, lambda n: not n.facts["training"], "use running statistics in training, the paper's"
         " those of the batch"),
        (normalisations(evaluation), lambda n: n.facts["training"], "use the batch's statistics in"
         " evaluation too, the paper's fixed ones"),
    )  # fmt: skip
    for nodes, wrong, text in checks:
        number = sum(wrong(node) for node in nodes)
        if number and papers:
            which = "all" if number == len(nodes) else str(number)
            said = text.replace("have", "has", 1).replace("use ", "uses ", 1)
            said = text if number > 1 else said
            found.append(f"{which} of its {len(nodes)} batch normalisations {said}")
    for kind in ("dropout", "random noise"):
        if any(node.kind == kind for node in evaluation.steps):
            found.append(f"{kind} stays on in evaluation mode")
    if not found and _kinds(training) != _kinds(evaluation):
        found.append("it computes something else in evaluation mode than in training mode")
    return found


def open_constants(layout: Layout) -> list[str]:
    """Remarks on what the paper does not say of batch normalisation and others choose otherwise."""
    found = []
    for fact, ours, name in (("eps", EPS, "epsilon"), ("momentum", MOMENTUM, "momentum")):
        values = {node.facts[fact] for node in normalisations(layout)} - {ours}
        if values:
            found.append(
                f"batch normalisation has {name} {listed(sorted(values))}; the paper does not say,"
                f" ours is {ours:g}, and they were compared with its own"
            )
    return found


def normalisations(layout: Layout) -> list[Node]:
    """Every batch normalisation on the way to the scores."""
    return [node for node in layout.steps if node.kind == "bn"]


def _kinds(layout: Layout) -> list[str]:
    return [node.kind for node in layout.steps if node.kind != "dropout"]

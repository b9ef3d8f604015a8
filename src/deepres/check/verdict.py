"""Somebody's network held against the paper's: what is the same, what differs, and where."""

import torch
from msgspec import Struct
from torch import nn

from ..models.initialise import created
from ..models.named import own
from ..models.zoo import arch, name_of
from ..spec import CONVOLUTIONS, Arch
from .compared import compared
from .ends import biases, head, returned, usage
from .layout import Layout, layout
from .modes import modes, open_constants
from .options import shortcuts
from .order import order
from .outline import outline
from .pairs import Pairs, paired
from .resemble import resembled
from .start import Start, start_of, start_remarks, starts
from .trace import Trace, fitting_size, traced


class Numbers(Struct, frozen=True):
    """What is counted of a network."""

    layers: int
    parameters: int
    multiply_adds: int


class Verdict(Struct, frozen=True, kw_only=True):
    """What `deepres check` prints; the differences come in the order of their weight."""

    network: str
    against: str
    same: bool
    differences: list[str]
    remarks: list[str]
    resembles: str | None  # the zoo's name for it, where that is another one
    size: int  # edge of the pictures that both ran on
    yours: Numbers
    paper: Numbers
    compared: str  # what became of the paper's weights in it


class Side(Struct, frozen=True, eq=False):
    """One of the two networks, with all that was measured on it before its weights change."""

    network: nn.Module
    trace: Trace
    start: Start
    numbers: Numbers


def check(name: str, against: str, classes: int | None = None) -> Verdict:
    """Holds the user's `module:callable` against a network of the zoo."""
    made = arch(against, classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _bare(own(name, classes)).float()
        size = fitting_size(name, network, made.input_size)
        theirs = _side(network, size, made)
        made = arch(against, classes or theirs.trace.recording.classes)
        paper = _side(created(made), size, made)
        return _verdict(name, against, (theirs, paper), made, size)


def _bare(network: nn.Module) -> nn.Module:
    """Without what compiling or spreading over devices has put around it, on the CPU."""
    while isinstance(inner := getattr(network, "_orig_mod", None), nn.Module):
        network = inner
    while isinstance(network, nn.DataParallel):
        network = network.module
    return network.cpu()


def _side(network: nn.Module, size: int, made: Arch) -> Side:
    trace = traced(network, size, CONVOLUTIONS[made.block])
    parameters = sum(parameter.numel() for parameter in network.parameters())
    numbers = Numbers(trace.layout.layers, parameters, trace.recording.multiply_adds)
    return Side(network, trace, start_of(network, trace.layout), numbers)


def _verdict(name: str, against: str, sides: tuple[Side, Side], made: Arch, size: int) -> Verdict:
    theirs, paper = sides
    layouts = theirs.trace.layout, paper.trace.layout
    pairs = paired(*layouts)
    computation = _computation(theirs.trace, layouts, pairs)
    rest = [*_formalities(theirs, layouts), *_size(size, made)]
    resembles, alike = _resemblance(theirs, against, size) if computation else (None, [])
    starting = starts(theirs.start, paper.start)
    values = compared((theirs.network, paper.network), layouts, pairs, size)
    unexplained = [values.said] if values.same is not True and not computation else []
    counts = _counts(theirs.numbers, paper.numbers, against)
    differences = [*alike, *computation, *rest, *unexplained, *counts, *starting]
    return Verdict(
        network=name,
        against=against,
        same=not differences,
        differences=differences,
        remarks=[*open_constants(layouts[0]), *start_remarks(theirs.start, paper.start)],
        resembles=resembles,
        size=size,
        yours=theirs.numbers,
        paper=paper.numbers,
        compared=values.said,
    )


def _computation(trace: Trace, layouts: tuple[Layout, Layout], pairs: Pairs) -> list[str]:
    """What makes other outputs of the same weights, or needs other weights."""
    return [
        *outline(*layouts, pairs),
        *shortcuts(*layouts, pairs),
        *order(*layouts, pairs),
        *head(*layouts),
        *modes(layouts[0], trace.evaluation, layouts[1]),
    ]


def _formalities(theirs: Side, layouts: tuple[Layout, Layout]) -> list[str]:
    """What differs around the same computation."""
    return [
        *returned(theirs.trace.recording, layouts[0]),
        *biases(*layouts),
        *usage(theirs.network, theirs.trace.recording),
    ]


def _size(size: int, made: Arch) -> list[str]:
    if size == made.input_size:
        return []
    return [
        f"it does not take the paper's {made.input_size}x{made.input_size} pictures; both ran on"
        f" {size}x{size}"
    ]


def _counts(theirs: Numbers, paper: Numbers, against: str) -> list[str]:
    names = {"layers": "layers", "parameters": "parameters", "multiply_adds": "multiply-adds"}
    apart = [f for f in names if getattr(theirs, f) != getattr(paper, f)]
    if not apart:
        return []
    ours = ", ".join(f"{getattr(theirs, field):,} {names[field]}" for field in apart)
    papers = ", ".join(f"{getattr(paper, field):,}" for field in apart)
    return [f"it has {ours}; the paper's {against} has {papers}"]


def _resemblance(theirs: Side, against: str, size: int) -> tuple[str | None, list[str]]:
    """The network of the zoo that it is in every step, where it is not the one asked for."""
    recording = theirs.trace.recording
    plain = layout(recording, CONVOLUTIONS["basic"])  # where nothing is added, blocks are a guess
    laid = theirs.trace.layout if theirs.trace.layout.additions else plain
    made = resembled(laid, recording.classes)
    if made is None or name_of(made) == against:
        return None, []
    name = name_of(made)
    twin = _side(created(made), size, made)
    layouts = laid, twin.trace.layout
    if _computation(theirs.trace, layouts, paired(*layouts)) or _formalities(theirs, layouts):
        return None, []
    other = " but for its initialisation" if starts(theirs.start, twin.start) else ""
    return name, [f"this is {name} to the letter{other}, not {against}"]

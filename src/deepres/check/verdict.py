"""Somebody's network held against the paper's: what is the same, what differs, and where."""

import torch
from msgspec import Struct
from torch import nn

from ..models.count import Count
from ..models.initialise import created
from ..models.named import own
from ..models.zoo import arch, name_of
from ..spec import CONVOLUTIONS, Arch
from .compared import compared
from .ends import biases, head, one_by_one, returned, sharing, usage
from .layout import Layout
from .modes import modes, open_constants
from .numbers import numbers_of
from .options import shortcuts
from .order import order
from .outline import outline
from .pairs import Pairs, paired
from .resemble import resembled
from .start import Start, start_of, start_remarks, starts
from .trace import SIZES, Trace, bare, fitting_size, one_thread, traced
from .words import listed

MOST = 8  # sentences on the computation; beyond that details only hide that all is different


class Verdict(Struct, frozen=True, kw_only=True):
    """What `deepres check` prints; the differences come in the order of their weight."""

    network: str
    against: str
    same: bool
    differences: list[str]
    remarks: list[str]
    resembles: str | None  # the zoo's name for it, where that is another one
    size: int  # edge of the pictures that both ran on
    yours: Count
    paper: Count
    compared: str  # what became of the paper's weights in it


class Side(Struct, frozen=True, eq=False):
    """One of the two networks, with all that was measured on it before its weights change."""

    network: nn.Module
    trace: Trace
    start: Start
    numbers: Count


def check(name: str, against: str, classes: int | None = None) -> Verdict:
    """Holds the user's `module:callable` against a network of the zoo."""
    arch(against, classes)  # a wrong name shows before the user's code runs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return held(own(name, classes), name, against, classes)


def held(network: nn.Module, name: str, against: str, classes: int | None = None) -> Verdict:
    """Holds a network, called `name`, against one of the zoo; its weights are changed by it."""
    made = arch(against, classes)
    network = bare(name, network)
    with one_thread():
        size = fitting_size(name, network, (made.input_size, *SIZES))
        theirs = _side(name, network, size, made)
        made = arch(against, classes or theirs.trace.recording.classes)
        paper = _side(against, created(made), size, made)
        return _verdict(name, against, (theirs, paper), made, size)


def _side(name: str, network: nn.Module, size: int, made: Arch) -> Side:
    trace = traced(name, network, size, CONVOLUTIONS[made.block])
    return Side(network, trace, start_of(network, trace.layout), numbers_of(network, trace))


def _verdict(name: str, against: str, sides: tuple[Side, Side], made: Arch, size: int) -> Verdict:
    theirs, paper = sides
    layouts = theirs.trace.layout, paper.trace.layout
    pairs = paired(*layouts)
    if not pairs.one_to_one:  # then the paper's blocks are no measure for layers in a row
        layouts = theirs.trace.basic, paper.trace.layout
        pairs = paired(*layouts)
    computation = _computation(theirs, layouts, pairs)
    rest = [*_formalities(theirs, layouts), *_size(size, made)]
    resembles, alike = _resemblance(theirs, against, size) if computation else (None, [])
    starting = starts(theirs.start, paper.start)
    values = compared((theirs.network, paper.network), layouts, pairs, size)
    unexplained = [values.said] if values.same is not True and not computation else []
    where = f" on {size}x{size} pictures" if size != made.input_size else ""
    counts = _counts(theirs.numbers, paper.numbers, against, where)
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


def _computation(theirs: Side, layouts: tuple[Layout, Layout], pairs: Pairs) -> list[str]:
    """What makes other outputs of the same weights, or needs other weights."""
    trace = theirs.trace
    if not layouts[0].blocks and one_by_one(theirs.network, trace.recording):
        return [
            "pictures pass through it one at a time, in a loop: in training each is normalised by"
            " its own statistics, where the paper's share theirs; nothing more can be compared"
            " until it takes a whole batch"
        ]
    if not layouts[0].blocks:
        return ["behind its first layer are no blocks of convolutions: it is no such network"]
    found = [
        *outline(*layouts, pairs),
        *shortcuts(*layouts, pairs),
        *order(*layouts, pairs),
        *head(*layouts),
        *modes(layouts[0], trace.evaluation, layouts[1]),
        *sharing(theirs.network, trace.recording),
    ]
    if len(found) <= MOST:
        return found
    rest = f"{len(found) - MOST // 2} more things differ in what it computes"
    return [*found[: MOST // 2], f"{rest}: it is another kind of network"]


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


def _counts(theirs: Count, paper: Count, against: str, where: str) -> list[str]:
    names = {"layers": "layers", "parameters": "parameters", "multiply_adds": "multiply-adds"}
    apart = [f for f in names if getattr(theirs, f) != getattr(paper, f)]
    if not theirs.layers:  # nothing was found to be counted, and that is said
        apart.remove("layers")
    if not apart:
        return []
    ours = listed([f"{getattr(theirs, field):,} {names[field]}" for field in apart])
    papers = listed([f"{getattr(paper, field):,}" for field in apart])
    return [f"it has {ours}; the paper's {against} has {papers}{where}"]


def _resemblance(theirs: Side, against: str, size: int) -> tuple[str | None, list[str]]:
    """The network of the zoo that it is in every step, where it is not the one asked for."""
    laid = theirs.trace.basic
    made = resembled(laid, theirs.trace.recording.classes)
    if made is None or name_of(made) == against:
        return None, []
    name = name_of(made)
    twin = _side(name, created(made), size, made)
    layouts = laid, twin.trace.layout
    if _computation(theirs, layouts, paired(*layouts)) or _formalities(theirs, layouts):
        return None, []
    other = " but for its initialisation" if starts(theirs.start, twin.start) else ""
    return name, [f"this is {name} to the letter{other}, not {against}"]

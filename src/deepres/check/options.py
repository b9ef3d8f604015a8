"""The shortcuts of a network held against the paper's options A, B and C (Sec. 3.3)."""

from ..spec import Shortcut as Option
from .layout import Block, Layout
from .outline import stride_of
from .pairs import Pair, Pairs
from .shortcut import BOTH, END, IDENTITY, PROJECTION, SLICED

NAMES: dict[Option, str] = {
    "A": "option A, zeros for the new channels at the end",
    "A-both": "option A with half of the zeros on each side",
    "B": "option B, projections where dimensions grow",
    "C": "option C, a projection in every block",
}


_BARE = {IDENTITY, SLICED}


def option(layout: Layout) -> Option | None:
    """The paper's letter for the shortcuts of a network, or None where no letter fits."""
    words = [_words(block) for block in layout.blocks]
    if not any(words):
        return "none"
    if all(word == PROJECTION for word in words):
        return "C"
    growing = {_words(block) for block in layout.blocks if block.grows}
    others = {_words(block) for block in layout.blocks if not block.grows}
    letters: dict[str, Option] = {
        PROJECTION: "B",
        f"{SLICED} with {END}": "A",
        f"{SLICED} with {BOTH}": "A-both",
    }
    if others - {IDENTITY} or len(growing) != 1:
        return None
    return letters.get(growing.pop())


def shortcuts(theirs: Layout, paper: Layout, pairs: Pairs) -> list[str]:
    """Sentences on what is added to the branches."""
    if not theirs.additions and paper.additions:
        stacked = any(node.kind == "concatenation" for node in theirs.steps)
        plain = "" if stacked else ": it is a plain network"
        return [f"nothing is added anywhere{plain}; the paper's has {paper.additions} shortcuts"]
    if theirs.additions and not paper.additions:
        return [f"it has {theirs.additions} shortcuts; the paper's is plain and has none"]
    ours, papers = option(theirs), option(paper)
    joined = pairs.grouped(_joined)
    if ours == papers:
        return joined
    if ours in NAMES and papers in NAMES:
        return [*joined, f"its shortcuts are {NAMES[ours]}; the paper's are {NAMES[papers]}"]
    unpaired = zip(theirs.blocks, pairs.pairs, strict=True)
    lacking = {id(pair) for block, pair in unpaired if block.shortcut is None}
    return joined + pairs.grouped(lambda pair: _apart(pair, id(pair) in lacking))


def _joined(pair: Pair) -> list[str]:
    ours, papers = pair.theirs, pair.paper
    if ours.shortcut is None or papers.shortcut is None or ours.end.kind == papers.end.kind:
        return []
    how, usual = (block.end.kind.removeprefix("add") or "addition" for block in (ours, papers))
    return [f"{{where}} branch and shortcut meet in a {how}, in the paper in an {usual}"]


def _words(block: Block) -> str:
    """A shortcut's description; a stage that only widens takes every pixel of option A."""
    words = block.shortcut.words if block.shortcut else ""
    return words.replace("all pixels with", f"{SLICED} with")


def _apart(pair: Pair, lacking: bool) -> list[str]:
    if lacking:
        return ["{where} nothing is added: the shortcut is missing"]
    ours, papers = _words(pair.theirs), _words(pair.paper)
    fits = ours == IDENTITY and not pair.theirs.grows  # where it does not grow, nothing is needed
    moved = stride_of(pair.theirs) != stride_of(pair.paper)  # said already
    if ours == papers or (fits and pair.paper.grows) or (moved and {ours, papers} <= _BARE):
        return []
    return [f"{{where}} the shortcut is {ours or 'missing'}; the paper's is {papers or 'missing'}"]

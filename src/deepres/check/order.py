"""Batch normalisation, ReLU and whatever else stands between the layers, in its order."""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from .layout import Block, Layout
from .pairs import Pair, Pairs
from .record import Node
from .words import listed, ordinal, spoken

BN, RELU = "batch normalisation", "ReLU"
Slot = tuple[str, ...]  # the words for the operations between two layers


def order(theirs: Layout, paper: Layout, pairs: Pairs) -> list[str]:
    """Sentences on what stands before, between and behind the layers of the blocks."""
    if _pre_activation(theirs) and not _pre_activation(paper):
        return [
            "it is a pre-activation network (v2): batch normalisation and ReLU come before each"
            " convolution and nothing after the addition; the paper's come after each convolution,"
            " the last ReLU after the addition"
        ]
    exchanged = {word: _wholesale(theirs, paper, word) for word in (BN, RELU)}
    taken = {other: word for word, other in exchanged.items() if other}
    found = [
        f"it has {other} where the paper has {word}" if other else f"there is no {word} anywhere"
        for word, other in exchanged.items()
        if other is not None
    ]
    gone = {word for word, other in exchanged.items() if other == ""}
    reading = Reading(taken, gone)
    places = ("before the first convolution", "after the stem's convolution")
    for place, slot in zip(places, (0, -1), strict=True):
        ours, papers = (reading.stem(layout.stem.slots[slot]) for layout in (theirs, paper))
        found += [text.replace("{where} ", "") for text in _apart(place, ours, papers)]
    return found + pairs.grouped(lambda pair: _block(pair, reading))


class Reading(Struct, frozen=True):
    """Slots in words, with what was exchanged or left out everywhere said once and for all."""

    taken: dict[str, str]
    gone: set[str]

    def slot(self, nodes: tuple[Node, ...]) -> Slot:
        words = (self.taken.get(word, word) for word in map(spoken, nodes))
        return tuple(word for word in words if word not in self.gone)

    def stem(self, nodes: tuple[Node, ...]) -> Slot:
        """Without the pooling, which is told with the stem's convolution."""
        return self.slot(tuple(node for node in nodes if "pool" not in node.kind))


def _pre_activation(layout: Layout) -> bool:
    """Many blocks begin with BN and ReLU, and most end with a bare convolution."""
    kinds = [[node.kind for node in block.slots[0]] for block in layout.blocks]
    begins = sum(slot == ["bn", "relu"] for slot in kinds)
    ends = sum(not block.slots[-1] for block in layout.blocks)
    return 0 < len(kinds) <= begins * 3 and ends * 2 > len(kinds)


def _wholesale(theirs: Layout, paper: Layout, word: str) -> str | None:
    """What a network has everywhere for `word`; empty for nothing; None where it has the thing."""
    ours, papers = Counter(_words(theirs)), Counter(_words(paper))
    if ours[word] or not papers[word]:
        return None
    others = [w for w in ours if w not in papers and 2 * ours[w] > papers[word]]
    alike = [w for w in others if ("normalisation" in w) == (word == BN)]
    return alike[0] if alike else ""


def _words(layout: Layout) -> Iterator[str]:
    for block in (layout.stem, *layout.blocks):
        for slot in (*block.slots, block.after):
            yield from map(spoken, slot)


def _block(pair: Pair, reading: Reading) -> list[str]:
    """What is missing, too much or exchanged in one block."""
    ours, papers = (_slots(block, reading) for block in (pair.theirs, pair.paper))
    if len(ours) != len(papers):  # other blocks: the paper's first gap stands for all inner ones
        inner = [papers[1]] * (len(ours) - 3)
        papers = [papers[0], *inner, *papers[-2:]]
    found = []
    for word in (BN, RELU):
        for here, there, text in ((-2, -1, "after"), (-1, -2, "before")):
            moved = _more(papers[here], ours[here], word) and _more(
                ours[there], papers[there], word
            )
            if moved:
                other = "before" if text == "after" else "after"
                found.append(f"{{where}} {word} comes {text} the addition, in the paper {other} it")
                ours[there] = _without(ours[there], word)
                papers[here] = _without(papers[here], word)
    if any(BN in slot for slot in papers) and not any(BN in slot for slot in ours):
        found.append(f"{{where}} there is no {BN}")
        papers = [_without(slot, BN) for slot in papers]
    for index, (a, b) in enumerate(zip(ours, papers, strict=True)):
        found += _apart(_place(index, len(ours), pair.theirs), a, b)
    return found


def _slots(block: Block, reading: Reading) -> list[Slot]:
    return [reading.slot(slot) for slot in (*block.slots, block.after)]


def _more(a: Slot, b: Slot, word: str) -> bool:
    return a.count(word) > b.count(word)


def _without(slot: Slot, word: str) -> Slot:
    at = slot.index(word) if word in slot else len(slot)
    return slot[:at] + slot[at + 1 :]


def _place(index: int, total: int, block: Block) -> str:
    if index == total - 1:
        return "after the addition"
    if index == 0:
        return "before the first convolution"
    if index == total - 2 and block.shortcut is not None:
        return f"between the {ordinal(index)} convolution and the addition"
    return f"after the {ordinal(index)} convolution"


def _apart(place: str, ours: Slot, papers: Slot) -> list[str]:
    """One slot against the paper's."""
    if ours == papers:
        return []
    extra = list((Counter(ours) - Counter(papers)).elements())
    missing = list((Counter(papers) - Counter(ours)).elements())
    if not extra and not missing and len(ours) == 2:
        return [f"{{where}} {ours[0]} comes before {ours[1]} {place}, in the paper after it"]
    if not extra and not missing:
        return [f"{{where}} {listed(ours)} stand {place} in this order, in the paper"
                f" {listed(papers)}"]  # fmt: skip
    if len(extra) == len(missing) == 1:
        return [f"{{where}} {extra[0]} stands {place} instead of {missing[0]}"]
    found = []
    if missing:
        are = "is" if len(missing) == 1 else "are"
        found.append(f"{{where}} {listed(missing)} {are} missing {place}")
    if extra:
        none = "; the paper uses no dropout" if extra == ["dropout"] else ", in the paper not"
        stand = "stands" if len(extra) == 1 else "stand"
        found.append(f"{{where}} {listed(extra)} {stand} {place}{none}")
    return found

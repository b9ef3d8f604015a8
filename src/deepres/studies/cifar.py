"""What the CIFAR studies share: rows of Sec. 4.2 and the paper's numbers for them."""

from ..paper import FIGURE_6_PLAIN_ABOUT, TABLE_6, Cifar
from .study import Claim, Measure, Printed, Row, row

SEEDS = 3  # the fewest with which differences of half a point can be told from chance
PAPERS_SEEDS = 5  # of 110 layers


def plain(layers: int, seeds: int = SEEDS) -> Row:
    """A plain network; the paper prints its error nowhere but in Fig. 6."""
    about = FIGURE_6_PLAIN_ABOUT.get(layers)
    paper = Printed(error=about, note="about, read off Fig. 6") if about else None
    return row(f"plain-{layers}", f"plain{layers}", seeds=seeds, paper=paper)


def residual(layers: int, seeds: int | None = None) -> Row:
    """A residual network with its row of Table 6."""
    count = seeds or {110: PAPERS_SEEDS, 1202: 1}.get(layers, SEEDS)
    name = f"residual-{layers}"
    return row(name, f"resnet{layers}", seeds=count, paper=of_table_6(layers))


def of_table_6(layers: int) -> Printed:
    """The paper's number; of 110 layers the best of five with their mean and deviation."""
    found = next(one for one in TABLE_6 if (one.method, one.layers) == ("ResNet", layers))
    return printed(found)


def printed(found: Cifar) -> Printed:
    """A row of Table 6."""
    spread = (found.spread.mean, found.spread.deviation) if found.spread else None
    return Printed(error=found.error, note="best of 5" if spread else "", spread=spread)


def larger(worse: str, better: str, measure: Measure, words: str, margin: float = 3.0) -> Claim:
    """An inequality in the paper's words."""
    return Claim(claim=words, larger=worse, smaller=better, measure=measure, margin=margin)


def trains_worse(worse: str, better: str) -> Claim:
    """Of clean training error: the degradation of Sec. 1."""
    words = f"{worse} trains worse than {better} (clean training error)"
    return larger(worse, better, "clean training error", words)


def worse_throughout(worse: str, better: str) -> Claim:
    """Of the error as it was, over the whole of training."""
    words = f"{worse} lies above {better} throughout training"
    return larger(worse, better, "training error as it was, mean of all steps", words)


def tests_better(better: str, worse: str) -> Claim:
    """Of test error."""
    return larger(worse, better, "test error", f"{better} tests better than {worse}")

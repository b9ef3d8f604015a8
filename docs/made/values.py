"""The numbers that stand in sentences, by name: printed by the paper, counted, or run.

A page writes `{paper}`TABLE_2/plain34``, `{ours}`parameters resnet20`` or `{result}`...`` and never
a number. What cannot be found is an error; what was not run says so.
"""

import statistics
from collections.abc import Callable
from functools import cache
from typing import Any

from deepres import paper as printed
from deepres.models.zoo import TABLE_1, arch
from deepres.spec import CIFAR, IMAGENET

from . import moved
from .pictures import blocks, measured, networks, traced
from .results import NOT_YET, ROOT, as_the_paper, lines, told


def paper(words: str) -> str:
    """A number of `deepres.paper`: `TABLE_3/resnet50/top1`; `|` gives a form of our own.

    A row of Table 6 is named by its method and layers: `TABLE_6/ResNet-110/spread/mean`.
    """
    path, _, form = words.partition("|")
    found: Any = getattr(printed, path.split("/")[0])
    for step in path.split("/")[1:]:
        found = _within(found, step)
    if found is None or not isinstance(found, int | float | str):
        raise KeyError(f"{words}: {found!r} is no number")
    if form == "e9":
        return f"{found / 1e9:.1f}e9"
    if form:
        return format(found, form)
    if isinstance(found, float) and path.startswith(TWO_DIGITS):
        return as_printed(found, path.split("/")[1])
    return f"{found:,}" if isinstance(found, int) else str(found)


TWO_DIGITS = ("TABLE_2/", "TABLE_3/", "TABLE_4/", "TABLE_5/", "TABLE_6/")


def as_printed(value: float, row: str) -> str:
    """A number of Tables 2 to 6 with as many digits as the paper gives in that row."""
    return f"{value:.{1 if row == printed.ONE_DIGIT else 2}f}"


def _within(found: Any, step: str) -> Any:
    if isinstance(found, dict):
        return found[step] if step in found else found[int(step)]
    if step.isdigit():
        return found[int(step)]
    if isinstance(found, tuple) and found and isinstance(found[0], printed.Cifar):
        return next(row for row in found if step in (row.method, f"{row.method}-{row.layers}"))
    return getattr(found, step)


@cache
def parameters(name: str) -> str:
    """Learned numbers, counted on the network."""
    return f"{_counted(name).parameters:,}"


@cache
def multiply_adds(name: str) -> str:
    """Measured by running: 3.86e9, or 40.6e6 for small ones."""
    total = _counted(name).multiply_adds
    return f"{total / 1e9:.2f}e9" if total >= 1e9 else f"{total / 1e6:.1f}e6"


@cache
def _counted(name: str) -> Any:
    from deepres.models.count import count
    from deepres.models.named import named

    return count(named(name, None, device="meta"), arch(name).input_size)


def layers(name: str) -> str:
    """Weighted layers, counted on the network."""
    return f"{_counted(name).layers}"


def shortcuts(name: str) -> str:
    """Additions that happen while it runs."""
    return str(sum(one.what == "add" for one in traced.operations(name)))


def _apart() -> str:
    apart = networks.construction()[1]
    return "nothing at all" if apart == 0 else f"at most {apart:.0e}"


def _statistics_noise() -> str:
    batches, _, true = measured.statistics_seen()
    return f"{100 * statistics.pstdev(batches) / abs(true):.0f} %"


def _epochs() -> str:
    return f"{CIFAR.steps * CIFAR.batch / printed.CIFAR_IMAGES[0]:.0f}"


def _coco_gain() -> str:
    before, after = printed.TABLE_8["VGG-16"][1], printed.TABLE_8["ResNet-101"][1]
    return f"{100 * (after - before) / before:.0f} %"


def _localisation_gain() -> str:
    before, after = printed.TABLE_14["VGG"][1], printed.TABLE_14["ResNet"][1]
    assert before is not None and after is not None
    return f"{100 * (before - after) / before:.0f} %"


def _share_of_vgg() -> str:
    return f"{100 * printed.TABLE_1_MULTIPLY_ADDS[34] / printed.VGG_MULTIPLY_ADDS[19]:.0f} %"


def _gap_option(better: str, worse: str) -> str:
    a, b = printed.TABLE_3[better].top1, printed.TABLE_3[worse].top1
    assert a is not None and b is not None
    return f"{b - a:.2f}"


COUNTED: dict[str, Callable[[str], str]] = {
    "parameters": parameters,
    "multiply-adds": multiply_adds,
    "layers": layers,
    "shortcuts": shortcuts,
    "projections": lambda name: str(sum(blocks.projections(name))),
    "blocks": lambda name: str(sum(arch(name).depths)),
    "n": lambda name: str(arch(name).depths[0]),
    "first gamma": lambda name: f"{moved.rms(name, 'bn1'):.1f}",
    "second gamma": lambda name: f"{moved.rms(name, 'layer1.0.bn1'):.1f}",
    "short error": lambda name: f"{moved.error(name):.1f}",
    "last gammas": lambda name: f"{moved.gamma(name, 'layer3'):.3f}",
    "first cosine": lambda name: f"{moved.cosine(name, ''):.2f}",
    "last cosine": lambda name: f"{moved.cosine(name, 'layer3'):.2f}",
    "norm ratio": lambda name: _two_digits(measured.norms(name)[0] / measured.norms(name)[-1]),
}

COMPUTED: dict[str, Callable[[], str]] = {
    "cifar steps": lambda: f"{CIFAR.steps:,}",
    "cifar first drop": lambda: f"{CIFAR.drops[0]:,}",
    "cifar second drop": lambda: f"{CIFAR.drops[1]:,}",
    "cifar batch": lambda: str(CIFAR.batch),
    "cifar replicas": lambda: str(CIFAR.replicas),
    "cifar share": lambda: str(CIFAR.share),
    "cifar rate": lambda: f"{CIFAR.lr:g}",
    "cifar warm-up rate": lambda: f"{CIFAR.warm_up_lr:g}",
    "cifar momentum": lambda: f"{CIFAR.momentum:g}",
    "cifar decay": lambda: f"{CIFAR.decay:.4f}",
    "cifar shift": lambda: str(CIFAR.shift),
    "cifar windows": lambda: str((2 * CIFAR.shift + 1) ** 2),
    "cifar epochs": _epochs,
    "cifar layers": lambda: ", ".join(str(6 * n + 2) for n in (3, 5, 7, 9)),
    "cifar widths": lambda: ", ".join(map(str, arch("resnet20").widths)),
    "drop factor": lambda: f"{CIFAR.rate(0) / CIFAR.rate(CIFAR.drops[0]):g}",
    "imagenet batch": lambda: str(IMAGENET.batch),
    "imagenet replicas": lambda: str(IMAGENET.replicas),
    "imagenet share": lambda: str(IMAGENET.share),
    "imagenet steps": lambda: f"{IMAGENET.steps:,}",
    "imagenet rate": lambda: f"{IMAGENET.lr:g}",
    "imagenet decay": lambda: f"{IMAGENET.decay:.4f}",
    "decayed gamma": lambda: f"{moved.decayed():.3f}",
    "short steps": lambda: f"{moved.STEPS:,}",
    "table1 depths": lambda: ", ".join(map(str, TABLE_1)),
    "identity distance": _apart,
    "identity layers": lambda: str(sum(networks.construction()[0])),
    "statistics noise": _statistics_noise,
    "vgg share": _share_of_vgg,
    "vgg times": lambda: f"{152 / printed.VGG_LAYERS:.0f}",
    "coco gain": _coco_gain,
    "localisation gain": _localisation_gain,
    "shared layers": lambda: str(
        sum(o.place in ("stem", "layer1", "layer2", "layer3") for o in traced.layers("resnet101"))
    ),
    "b over a": lambda: _gap_option("resnet34", "resnet34-a"),
    "c over b": lambda: _gap_option("resnet34-c", "resnet34"),
    "basic block": lambda: _block_cost("resnet34-a", 1),
    "narrow block": lambda: _block_cost("resnet50", 1),
    "wide block": lambda: f"{2 * 9 * 256 * 256:,}",
}


def _block_cost(name: str, number: int) -> str:
    return f"{sum(o.parameters for o in traced.block(name, number)):,}"


def _two_digits(value: float) -> str:
    """What is sure of a number that rounding moves: 1,300 or 4.1."""
    return f"{float(f'{value:.2g}'):,g}"


def ours(words: str) -> str:
    """Counted on a network (`parameters resnet20`) or computed (`cifar steps`)."""
    if words in COMPUTED:
        return COMPUTED[words]()
    what, _, name = words.rpartition(" ")
    return COUNTED[what](name)


def checkpoint(file: str, what: str) -> str:
    """A published checkpoint as evaluated here: its errors."""
    for line in lines(ROOT / "results" / "published"):
        if line["file"].startswith(file) and (line["claimed"] == "(misread)") == (
            what == "misread"
        ):
            return f"{line['top1_error']:.2f} % ({line['top1_errors']:,} of {line['seen']:,})"
    return NOT_YET


def _error(network: str, which: str) -> str:
    mine = as_the_paper().get(network)
    if not mine:
        return NOT_YET
    values = [getattr(run, which) for run in mine]
    mean = f"{statistics.fmean(values):.2f}"
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean}{spread} % ({_times(len(values))}, {told(mine[0])})"


def _times(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _by_statistics(words: str) -> str:
    """What a published network errs on, by the statistics that it is tested with."""
    which, _, file = words.partition(" ")
    for line in lines(ROOT / "bench"):
        if line["bench"].startswith("errors by statistics") and line["file"].startswith(file):
            return f"{line['top1_errors'][which]:,} of {line['seen']:,}"
    return NOT_YET


RESULTS: dict[str, Callable[[str], str]] = {
    "statistics": _by_statistics,
    "test": lambda name: _error(name, "test_error"),
    "training": lambda name: _error(name, "training_error"),
    "checkpoint": lambda file: checkpoint(file, "read"),
    "error": lambda file: checkpoint(file, "read").partition(" (")[0],
    "misread": lambda file: checkpoint(file, "misread"),
}


def result(words: str) -> str:
    """From a committed line: `test resnet20`, `checkpoint akamaster-resnet20`; or not run yet."""
    what, _, name = words.partition(" ")
    return RESULTS[what](name)


ROLES: dict[str, Callable[[str], str]] = {"paper": paper, "ours": ours, "result": result}


OTHERS = ("FIGURE_6_PLAIN_ABOUT", "REPRODUCTION_", "TABLE_1_ON_CIFAR")


def source_of(role: str, words: str = "") -> str:
    """Where a number comes from, for whoever points at it."""
    if role == "paper" and words.startswith(OTHERS):
        return "reported by others"
    return {
        "paper": "printed by the paper",
        "ours": "computed while this page was built",
        "result": "from a committed line of results",
    }[role]

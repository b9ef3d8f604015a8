"""Result tables, made while the pages are built: the paper's column, and ours beside it."""

from collections.abc import Callable, Sequence

from deepres import paper
from deepres.models.zoo import CIFAR_NAMES, TABLE_1
from deepres.paper import Error
from deepres.spec import CIFAR
from deepres.studies.catalogue import STUDIES
from deepres.studies.outcome import gathered as outcomes
from deepres.studies.rows import largest

from . import moved
from .results import NOT_YET, ROOT, as_the_paper
from .values import _error, as_printed, multiply_adds, ours, parameters, result

Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def shown(value: float | None, row: str = "") -> str:
    """A number of Tables 2 to 6 as the paper prints it in this row, a dash where it prints one."""
    return "–" if value is None else as_printed(value, row)


def tenths(value: float | None) -> str:
    """A number of Tables 7 to 14, which have one digit behind the point."""
    return "–" if value is None else f"{value:.1f}"


def table_1() -> Table:
    """Multiply-adds: printed, and measured by running."""
    rows = []
    for depth in TABLE_1:
        name = f"resnet{depth}" + ("-a" if depth < 50 else "")
        printed = f"{paper.TABLE_1_MULTIPLY_ADDS[depth] / 1e9:.1f}e9"
        rows.append((name, printed, multiply_adds(name), parameters(name)))
    return ("network", "the paper prints", "measured", "parameters"), rows


def table_2() -> Table:
    """Plain and residual, 18 and 34."""
    t = paper.TABLE_2
    rows = [
        ("18 layers", shown(t["plain18"]), shown(t["resnet18-a"])),
        ("34 layers", shown(t["plain34"]), shown(t["resnet34-a"])),
    ]
    return ("top-1 error, %", "plain", "residual"), rows


def ten_classes() -> Table:
    """Table 2's networks on ten classes, as run here."""
    study = STUDIES["table2-on-imagenette"]
    found = largest(study, outcomes(sorted(ROOT.glob("results/*.jsonl"))), "paper")
    rows = []
    for row in found.rows:
        scales = [one.views.get("multi-scale") for one in row.outcomes]
        each = (
            row.values("clean training error"),
            [one.test.top1_error for one in row.outcomes],
            row.errors,
            [test.top1_error for test in scales if test is not None],
        )
        rows.append((row.row.name, *(f"{errors[0]:.2f}" if errors else "–" for errors in each)))
    head = ("network", "clean training error", "test error, one crop", "ten crops", "five scales")
    return head, rows


def _errors(table: dict[str, Error], on_test: str = "") -> Table:
    """Errors of the validation set; one row may be the test set's."""
    rows = [
        (name, shown(e.top1, name), shown(e.top5, name) + " (test set)" * (name == on_test))
        for name, e in table.items()
    ]
    return ("network", "top-1 error, %", "top-5 error, %"), rows


def table_5() -> Table:
    """Ensembles."""
    rows = [(name, shown(value, name)) for name, value in paper.TABLE_5.items()]
    return ("method", "top-5 error on the test set, %"), rows


def table_6() -> Table:
    """CIFAR-10: the paper's, and ours of whole schedules, which alone may stand beside them."""
    rows = []
    for row in paper.TABLE_6:
        error = shown(row.error)
        if row.spread:
            error += f" ({row.spread.mean:.2f} ± {row.spread.deviation:.2f})"
        mine = whole(f"resnet{row.layers}") if row.method == "ResNet" else "–"
        rows.append((row.method, str(row.layers or ""), row.parameters or "", error, mine))
    own = f"ours, all {CIFAR.steps:,} iterations"
    return ("method", "layers", "parameters", "the paper's error, %", own), rows


def whole(network: str) -> str:
    """Our test error, if the network was trained for as long as the paper's."""
    mine = as_the_paper().get(network)
    return _error(network, "test_error") if mine and mine[0].steps == mine[0].full else NOT_YET


def kept_and_moved() -> Table:
    """How far the layers of our two short plain networks are from where they started."""
    rows = []
    for part, words in moved.PARTS.items():
        rows.append(
            (
                words,
                *(f"{moved.gamma(name, part):.2f}" for name in moved.NAMES),
                *(f"{moved.cosine(name, part):.2f}" for name in moved.NAMES),
            )
        )
    head = [f"{what}, {name}" for what in ("gammas", "cosine") for name in moved.NAMES]
    return ("layers", *head), rows


def plain_and_residual() -> Table:
    """Training and test error of both kinds, as run here."""
    rows = []
    for name in CIFAR_NAMES:
        found = [_error(name, f"{which}_error") for which in ("training", "test")]
        if found != [NOT_YET, NOT_YET]:
            rows.append((name, *found))
    return ("network", "clean training error", "test error"), rows or [
        ("all of them", NOT_YET, NOT_YET)
    ]


def reproduction() -> Table:
    """What one reproduction prints beside the paper: the lowest test error over epochs."""
    printed = {row.layers: row.error for row in paper.TABLE_6 if row.method == "ResNet"}
    rows = [
        (str(n), str(plain), str(paper.REPRODUCTION_RESIDUAL[n]), shown(printed[n]))
        for n, plain in paper.REPRODUCTION_PLAIN.items()
    ]
    return ("layers", "plain, theirs", "residual, theirs", "residual, the paper's"), rows


def cifar_sizes() -> Table:
    """Parameters of Sec. 4.2's networks: printed, and counted with each option."""
    rows = []
    for row in paper.TABLE_6:
        if row.method == "ResNet":
            name = f"resnet{row.layers}"
            counted = [parameters(f"{name}{option}") for option in ("", "-b", "-c")]
            rows.append((name, ours(f"n {name}"), row.parameters or "", *counted))
    return ("network", "n", "the paper prints", "option A", "option B", "option C"), rows


def released() -> Table:
    """The released models, from the authors' notes."""
    rows = [
        (name, f"{one.top1} / {one.top5}", f"{ten.top1} / {ten.top5}")
        for name, (one, ten) in paper.RELEASED.items()
    ]
    return ("model", "one crop, top-1 / top-5", "ten crops"), rows


def table_7() -> Table:
    """VOC: VGG-16 and ResNet-101 in the same detector."""
    rows = [(name, tenths(a), tenths(b)) for name, (a, b) in paper.TABLE_7.items()]
    return ("mAP, %", "VGG-16", "ResNet-101"), rows


def table_8() -> Table:
    """COCO."""
    rows = [(name, tenths(a), tenths(b)) for name, (a, b) in paper.TABLE_8.items()]
    return ("mAP on COCO val, %", "at .5", "mean of .5 to .95"), rows


def table_9() -> Table:
    """COCO, step by step."""

    def two(pair: tuple[float, float] | None) -> str:
        return "–" if pair is None else f"{pair[0]} / {pair[1]}"

    rows = [(f"+ {name}", two(val), two(test)) for name, (val, test) in paper.TABLE_9.items()]
    return ("mAP at .5 / mean of .5 to .95, %", "val", "test-dev"), rows


def tables_10_and_11() -> Table:
    """VOC with all improvements."""
    return ("VOC test", "mAP, %"), [(n, str(v)) for n, v in paper.TABLES_10_AND_11.items()]


def table_12() -> Table:
    """ImageNet detection."""
    rows = [(n, tenths(a), tenths(b)) for n, (a, b) in paper.TABLE_12.items()]
    return ("mAP, %", "val", "test"), rows


def table_13() -> Table:
    """Localisation errors, step by step."""
    steps = (
        "VGG, one crop, true class given",
        "ResNet-101, one crop, true class given",
        "ResNet-101, whole pictures, true class given",
        "ResNet-101, whole pictures, class predicted",
        "and a second stage on each region",
        "ensemble",
    )
    rows = [(s, tenths(value)) for s, value in zip(steps, paper.TABLE_13, strict=True)]
    return ("step", "localisation error, %"), rows


def table_14() -> Table:
    """Top-5 localisation."""
    rows = [(n, tenths(a), tenths(b)) for n, (a, b) in paper.TABLE_14.items()]
    return ("top-5 localisation error, %", "val", "test"), rows


def checkpoints() -> Table:
    """Published files, read rightly and wrongly."""
    files = ("akamaster-resnet20", "akamaster-resnet56", "a-martyn-resnet20", "a-martyn-plainnet20")
    rows = []
    for file in files:
        rows.append((file, result(f"checkpoint {file}"), result(f"misread {file}")))
    shown_rows = [(a, b, "–" if c == NOT_YET else c) for a, b, c in rows]
    return ("file", "test error", "run as its twin with equal keys"), shown_rows


TABLES: dict[str, Callable[[], Table]] = {
    "table1": table_1,
    "table2": table_2,
    "ten-classes": ten_classes,
    "table3": lambda: _errors(paper.TABLE_3),
    "table4": lambda: _errors(paper.TABLE_4, paper.TABLE_4_ON_TEST),
    "table5": table_5,
    "table6": table_6,
    "plain-and-residual": plain_and_residual,
    "kept-and-moved": kept_and_moved,
    "cifar-sizes": cifar_sizes,
    "reproduction": reproduction,
    "released": released,
    "table7": table_7,
    "table8": table_8,
    "table9": table_9,
    "tables10and11": tables_10_and_11,
    "table12": table_12,
    "table13": table_13,
    "table14": table_14,
    "checkpoints": checkpoints,
}

"""Pictures of results: the paper's printed numbers, and ours where they were run."""

import statistics
from collections.abc import Sequence
from html import escape

from deepres import paper
from deepres.report.chart import Axes, Series, chart
from deepres.report.panels import top_for

from ..results import NOT_YET, Finished, as_the_paper, told
from .canvas import Canvas, Picture


def degradation() -> Picture:
    """Table 2 as two slopes: what depth does to plain networks, and to residual ones."""
    t = paper.TABLE_2
    pairs = (
        ("plain", t["plain18"], t["plain34"], "s2"),
        ("residual", t["resnet18-a"], t["resnet34-a"], "s1"),
    )
    canvas, left, right = Canvas(220), 110.0, 250.0
    low, high, top, bottom = 24.5, 29.0, 34.0, 190.0

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)

    for x, words in ((left, "18 layers"), (right, "34 layers")):
        canvas.path(f"M{x} {top - 8}V{bottom}", "line", "thin")
        canvas.text(x, bottom + 18, words, kind="strong")
    canvas.text(4, 16, "ImageNet top-1 error, ten crops", "start", "soft small")
    for at, (kind, shallow, deep, colour) in enumerate(pairs):
        canvas.path(f"M{left} {y(shallow):.1f}L{right} {y(deep):.1f}", colour, "thick")
        canvas.dot(left, y(shallow), 4, colour)
        canvas.dot(right, y(deep), 4, colour)
        canvas.text(
            left - 10,
            y(shallow) + (-4 if at == 0 else 13),
            f"{kind} {shallow}",
            "end",
            f"{colour} small",
        )
        canvas.text(right + 10, y(deep) + 4, f"{kind} {deep}", "start", f"{colour} small")
    return canvas.done(
        "Two lines from 18 to 34 layers. The plain networks' error rises from"
        f" {t['plain18']} to {t['plain34']} percent; the residual networks' falls from"
        f" {t['resnet18-a']} to {t['resnet34-a']}."
    )


def table_6() -> Picture:
    """Table 6 as dots: error over depth, the paper's and ours."""
    mine = [row for row in paper.TABLE_6 if row.method == "ResNet" and row.layers]
    printed = [(float(at), row.error) for at, row in enumerate(mine)]
    canvas, left, right, top, bottom = Canvas(236), 34.0, 350.0, 30.0, 176.0
    low, high = 6.0, 9.5

    def x(at: float) -> float:
        return left + 20 + at / (len(mine) - 1) * (right - left - 40)

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)

    for value in range(6, 10):
        canvas.path(f"M{left} {y(value):.1f}H{right}", "line", "thin")
        canvas.text(left - 6, y(value) + 4, str(value), "end", "soft small")
    canvas.text(4, 16, "CIFAR-10 test error, %", "start", "soft small")
    way = "M" + "L".join(f"{x(a):.1f} {y(v):.1f}" for a, v in printed)
    canvas.path(way, "s1", "thin dashed")
    for (at, value), row in zip(printed, mine, strict=True):
        canvas.dot(x(at), y(value), 4, "s1", f"ResNet-{row.layers}: {value}")
        canvas.text(x(at), y(value) - 9, f"{value:.2f}", kind="small")
        canvas.text(x(at), bottom + 17, str(row.layers), kind="strong small")
    canvas.text((left + right) / 2, bottom + 36, "layers", kind="soft small")
    said = ours_over(mine, canvas, x, y, (low, high))
    canvas.box(left + 10, 218, 10, 10, "s1")
    canvas.text(left + 25, 227, "the paper's", "start", "small")
    canvas.box(left + 120, 218, 10, 10, "s2")
    canvas.text(left + 135, 227, f"ours: {said}", "start", "small")
    values = ", ".join(f"{row.layers}: {row.error}" for row in mine)
    return canvas.done(f"The paper's test errors by number of layers: {values}. Ours: {said}.")


def ours_over(mine, canvas, x, y, ends) -> str:  # type: ignore[no-untyped-def]
    """Puts our whole schedules beside the paper's; says how many there are."""
    runs = as_the_paper()
    count = 0
    for at, row in enumerate(mine):
        whole = [r for r in runs.get(f"resnet{row.layers}", []) if r.steps == r.full]
        for run in whole:
            if ends[0] <= run.test_error <= ends[1]:
                canvas.dot(
                    x(at) + 9, y(run.test_error), 3.5, "s2", f"{run.network}: {run.test_error:.2f}"
                )
                count += 1
    return f"{count} whole schedules" if count else NOT_YET


def detection() -> Picture:
    """Table 7 and 8: what changes when only the network is exchanged."""
    rows = [(name, *pair) for name, pair in paper.TABLE_7.items()]
    (a, strict_a), (b, strict_b) = paper.TABLE_8.values()
    rows += [("COCO val, .5", a, b), ("COCO val, .5 to .95", strict_a, strict_b)]
    canvas = Canvas(34 + len(rows) * 46)
    canvas.text(4, 16, "mAP, %: VGG-16 (grey) and ResNet-101", "start", "soft small")
    for at, (name, before, after) in enumerate(rows):
        y = 30 + at * 46
        canvas.text(4, y + 12, name, "start", "small")
        for dy, value, colour in ((16, before, "soft"), (28, after, "s1")):
            canvas.box(4, y + dy, value * 3.6, 10, colour, kind="layer")
            canvas.text(10 + value * 3.6, y + dy + 9, f"{value}", "start", "small")
    return canvas.done(
        "Bars of mean average precision before and after VGG-16 was replaced by ResNet-101: "
        + "; ".join(f"{n} {v} and {w}" for n, v, w in rows)
    )


def figure_1() -> Picture:
    """Fig. 1 as we ran it."""
    return curves("Fig. 1, ours", ("plain20", "plain56"), "figure1")


def figure_6() -> Picture:
    """Fig. 6, left and middle, as we ran it."""
    if not as_the_paper():
        return missing("Fig. 6, ours", "figure6")
    plain, residual = (tuple(f"{k}{n}" for n in (20, 32, 44, 56)) for k in ("plain", "resnet"))
    left = curves("Plain networks", plain, "figure6", residual)
    middle = curves("Residual networks", residual, "figure6", plain)
    return Picture(f'<div class="pair">{left.svg}{middle.svg}</div>', f"{left.alt} {middle.alt}")


def curves(title: str, names: Sequence[str], study: str, beside: Sequence[str] = ()) -> Picture:
    """Training error thin and test error bold, a colour for each network, seeds averaged.

    The axis is that of what stands beside it, too.
    """
    runs = {n: as_the_paper()[n] for n in names if n in as_the_paper()}
    if not runs:
        return missing(title, study)
    series, end = [], max(r.steps for rs in runs.values() for r in rs)
    for colour, (name, mine) in enumerate(runs.items(), 1):
        series.append(
            Series(f"{name}, training", joined([r.training for r in mine]), "dashed", colour)
        )
        tests = [[*r.watched, (r.steps, r.test_error)] for r in mine]
        series.append(Series(f"{name}, test", joined(tests), "bold", colour))
    shown = [r for n, rs in as_the_paper().items() if n in (*names, *beside) for r in rs]
    worst = max(e for r in shown for e in (r.test_error, *(e for _, e in r.training[-1:])))
    axes = Axes("iteration", "error, %", end, 0, top_for(worst, 20))
    absent = [n for n in names if n not in runs]
    stamps = {told(r) for rs in runs.values() for r in rs}
    note = "; ".join(sorted(stamps)) + (f"; {NOT_YET}: {', '.join(absent)}" if absent else "")
    alt = f"{title}: training and test error of {', '.join(runs)}. {note}."
    drawn = chart(title, axes, [one for one in series if one.points])
    return Picture(f'{drawn}<p class="stamp">{escape(note)}</p>', alt)


def joined(many: Sequence[Sequence[tuple[float, float]]]) -> list[tuple[float, float]]:
    """The mean over seeds, at the steps that all of them looked at."""
    maps = [dict(one) for one in many if one]
    steps = sorted(set.intersection(*(set(m) for m in maps))) if maps else []
    return [(s, statistics.fmean(m[s] for m in maps)) for s in steps]


def figure_7() -> Picture:
    """Fig. 7 as we ran it: deviations of the layers' responses."""
    wanted = ("plain20", "plain56", "resnet20", "resnet56", "resnet110")
    runs: dict[str, Finished] = {}
    for name, mine in as_the_paper().items():
        with_responses = [run for run in mine if run.responses]
        if name in wanted and with_responses:
            runs[name] = with_responses[0]
    if not runs:
        return missing("Fig. 7, ours", "figure7")
    series = [
        Series(name, list(enumerate(run.responses, 1)), "thin", 1 + at % 4)
        for at, (name, run) in enumerate(sorted(runs.items()))
    ]
    longest = max(len(run.responses) for run in runs.values())
    top = 1.1 * max(max(run.responses) for run in runs.values())
    drawn = chart("Fig. 7, ours", Axes("layer", "deviation", longest, 0, top), series)
    note = "; ".join(sorted({f"{n}: {told(r)}" for n, r in runs.items()}))
    alt = f"Deviation of each layer's responses for {', '.join(runs)}."
    return Picture(f'{drawn}<p class="stamp">{escape(note)}</p>', alt)


def missing(title: str, study: str) -> Picture:
    """A frame that says plainly that nothing was run."""
    alt = f"{title}: {NOT_YET}. The command is deepres run {study}."
    return Picture(
        f'<div class="missing"><strong>{escape(title)}: {NOT_YET}</strong>'
        f"<span>The command is <code>deepres run {escape(study)}</code>; once its results are"
        " committed, the figure stands here.</span></div>",
        alt,
    )

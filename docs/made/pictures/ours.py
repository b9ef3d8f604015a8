"""Pictures of what was run here: Figs. 1, 6 and 7, as far as they have been."""

import re
import statistics
from collections.abc import Sequence
from html import escape

from deepres.report.chart import Axes, Series, Style, chart
from deepres.report.panels import joint, top_for

from ..results import NOT_YET, Finished, as_the_paper, told
from .canvas import Picture, listed

# A colour for each depth, the same in every figure; the last two are the page's grey tones.
COLOURS = {20: 1, 56: 2, 110: 3, 32: 4, 44: 5, 1202: 6}
STYLE = "display:grid;gap:.7rem;grid-template-columns:100%"
PLAIN = tuple(f"plain{layers}" for layers in (20, 32, 44, 56))
RESIDUAL = tuple(f"resnet{layers}" for layers in (20, 32, 44, 56, 110))
# Fig. 6: title, what is drawn, what shares its axis.
PANELS = (
    ("Plain networks", PLAIN, RESIDUAL),
    ("Residual networks", RESIDUAL, PLAIN),
    ("110 and 1202 layers", ("resnet110", "resnet1202"), ()),
)
MEASURED = ("plain20", "plain56", "resnet20", "resnet56", "resnet110")  # Fig. 7


def figure_1() -> Picture:
    """Fig. 1 as we ran it."""
    return curves("Fig. 1, ours", ("plain20", "plain56"), "figure1")


def figure_6() -> Picture:
    """Fig. 6 as we ran it: its panels, but for those of which nothing was run."""
    runs = as_the_paper()
    there = [panel for panel in PANELS if any(name in runs for name in panel[1])]
    if not there:
        return missing("Fig. 6, ours", "figure6")
    drawn = [curves(title, names, "figure6", beside) for title, names, beside in there]
    gone = [title for title, names, _ in PANELS if not any(name in runs for name in names)]
    notes = [f"left out, {NOT_YET}: the panel “{title}”" for title in gone]
    return together([one.svg for one in drawn], [one.alt for one in drawn], notes)


def curves(title: str, names: Sequence[str], study: str, beside: Sequence[str] = ()) -> Picture:
    """Training error dashed and test error bold, a colour for each depth, seeds averaged.

    The axis is that of the panels beside it, too. Where nothing was looked at on the way, the
    test error is a dot at the end.
    """
    runs = {n: as_the_paper()[n] for n in names if n in as_the_paper()}
    if not runs:
        return missing(title, study)
    series, end = [], max(r.steps for rs in runs.values() for r in rs)
    for name, mine in runs.items():
        series.append(Series("", means([r.training for r in mine]), "dashed", colour(name)))
        tests = means([[*r.watched, (r.steps, r.test_error)] for r in mine])
        style: Style = "bold" if len(tests) > 1 else "dots"
        series.append(Series(name, tests, style, colour(name)))
    shown = [r for n, rs in as_the_paper().items() if n in (*names, *beside) for r in rs]
    worst = max(e for r in shown for e in (r.test_error, *(e for _, e in r.training[-1:])))
    axes = Axes("iteration", "error, %", end, 0, top_for(worst, 20))
    absent = [n for n in names if n not in runs]
    note = stamps(runs) + (f"; {NOT_YET}: {', '.join(absent)}" if absent else "")
    alt = f"{title}: training and test error of {listed(runs)}. {note}."
    drawn = chart(title, axes, [one for one in series if one.points])
    return together([f"{drawn}{stamp(note)}"], [alt])


def means(many: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[float, float]]:
    """Over the seeds that were looked at, at any step."""
    return [(at.step, at.mean) for at in joint(many)]


def figure_7() -> Picture:
    """Fig. 7 as we ran it: deviations of the layers' responses, as they come and by size."""
    runs = {n: [r for r in as_the_paper().get(n, []) if r.responses] for n in MEASURED}
    runs = {name: mine for name, mine in runs.items() if mine}
    if not runs:
        return missing("Fig. 7, ours", "figure7")
    layers = {n: mean_by_layer([r.responses for r in mine]) for n, mine in runs.items()}
    every = [value for values in layers.values() for value in values]
    low, high = min(every) / 1.3, max(every) * 1.3
    axes = Axes("layer", "deviation", max(map(len, layers.values())), low, high, True)
    in_order = [line(name, values) for name, values in layers.items()]
    by_size = [line(name, sorted(values, reverse=True)) for name, values in layers.items()]
    drawn = [
        chart("Fig. 7, ours", axes, in_order),
        chart("The same, largest first", axes, by_size),
    ]
    absent = [name for name in MEASURED if name not in runs]
    notes = [stamps(runs)] + ([f"not measured here: {', '.join(absent)}"] if absent else [])
    alt = (
        f"Deviation of each layer's responses for {listed(runs)}, first layer first and then in"
        " order of size, on a logarithmic axis."
    )
    return together(drawn, [alt], notes)


def mean_by_layer(many: Sequence[Sequence[float]]) -> list[float]:
    """Over seeds."""
    return [statistics.fmean(layer) for layer in zip(*many, strict=True)]


def line(name: str, values: Sequence[float]) -> Series:
    """The deviations of a network, dashed if it is plain."""
    style: Style = "dashed" if name.startswith("plain") else "bold"
    return Series(name, list(enumerate(values, 1)), style, colour(name))


def colour(name: str) -> int:
    """Of a network's depth."""
    return COLOURS[int(re.sub(r"\D", "", name))]


def stamps(runs: dict[str, list[Finished]]) -> str:
    """How long the runs were: once if all were as long, else of each network."""
    each = {name: told(mine[0]) for name, mine in runs.items()}
    if len(set(each.values())) == 1:
        return next(iter(each.values()))
    return "; ".join(f"{name}: {words}" for name, words in each.items())


def stamp(words: str) -> str:
    """Small print under a chart."""
    return f'<p class="stamp" style="margin:0">{escape(words)}</p>'


def together(charts: Sequence[str], alts: Sequence[str], notes: Sequence[str] = ()) -> Picture:
    """Charts one below the other, with what is to be said of all of them."""
    body = "".join([*charts, *map(stamp, notes)])
    return Picture(f'<div style="{STYLE}">{body}</div>', " ".join([*alts, *notes]))


def missing(title: str, study: str) -> Picture:
    """A frame that says plainly that nothing was run."""
    alt = f"{title}: {NOT_YET}. The command is deepres run {study}."
    return Picture(
        f'<div class="missing"><strong>{escape(title)}: {NOT_YET}</strong>'
        f"<span>The command is <code>deepres run {escape(study)}</code>; once its results are"
        " committed, the figure stands here.</span></div>",
        alt,
    )

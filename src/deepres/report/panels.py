"""Figures in the paper's manner: training dashed, test bold, seeds as bands."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..spec import Recipe
from ..studies.outcome import Outcome, Point
from ..studies.rows import Results
from ..studies.study import Panel, Study, at_scale
from ..studies.told import Told
from .blocks import Charts, Figure
from .chart import Axes, Level, Series, chart

UNIT = 10_000  # iterations, as the paper's axes have them
TOP = 20.0
COLOURS = 6


def panels(found: Results) -> Charts:
    """The study's panels."""
    return Charts([panel(found, one) for one in found.study.panels])


def panel(found: Results, one: Panel) -> Figure:
    """One of them, with what has been run; the paper's final values only beside full runs."""
    rows = [found.row(name) for name in one.rows]
    axes = Axes("iterations (1e4)", "error, %", _end(found, rows), 0, _top(found, one.top))
    colours = _colours(found.study)
    series = [line for row in rows for line in lines(row, colours[row.row.name])]
    levels = list(_levels(rows, colours)) if found.comparable or not found.runs else []
    return Figure(one.title, chart(one.title, axes, series, _marks(found, rows), levels))


def _marks(found: Results, rows: Sequence[Told]) -> list[tuple[float, str]]:
    """Where the rate drops: at the same steps for all rows, or where a run had its plateaus."""
    drops = _recipe(found, rows[0]).drops
    if drops != "plateau":
        return [(drop / UNIT, "") for drop in drops]
    return [
        (step / UNIT, "")
        for row in rows
        for run in row.outcomes
        for step, event in run.events
        if event == "plateau"
    ]


def _recipe(found: Results, row: Told) -> Recipe:
    return at_scale(found.study, row.row, found.scale)


def _end(found: Results, rows: Sequence[Told]) -> float:
    return max(_recipe(found, row).steps for row in rows) / UNIT


def _top(found: Results, top: float) -> float:
    """The paper's axis, the same in all panels that share it, unless what was run ends above it."""
    names = {name for one in found.study.panels if one.top == top for name in one.rows}
    runs = [one for name in names for one in found.row(name).outcomes]
    ends = [one.test.top1_error for one in runs] + [one.while_training.top1_error for one in runs]
    return top_for(max(ends, default=0.0), top)


def top_for(worst: float, top: float) -> float:
    """Of an axis that shows the worst end, and no more than `top` where that is enough."""
    return top if worst < 0.95 * top else min(100.0, 10 * math.ceil(1.25 * worst / 10))


def _levels(rows: Sequence[Told], colours: Mapping[str, int]) -> Iterator[Level]:
    for row in rows:
        if row.row.paper is not None and row.row.paper.error is not None:
            error, note = row.row.paper.error, row.row.paper.note
            if row.row.paper.spread is not None:  # of means, as ours are
                error, note = row.row.paper.spread[0], "mean of its runs"
            words = f"paper, {row.row.name}: {error:g} %" + (f" ({note})" if note else "")
            yield Level(error, colours[row.row.name], words)


def _colours(study: Study) -> dict[str, int]:
    """Of a row the same in every panel: its place in the first that shows it."""
    colours: dict[str, int] = {}
    for one in study.panels:
        for n, name in enumerate(one.rows):
            colours.setdefault(name, 1 + n % COLOURS)
    return colours


def lines(row: Told, colour: int) -> Iterator[Series]:
    """Training and test error of a row, means over its seeds within what they span."""
    if not row.outcomes:
        return
    for name, style, curves in (
        ("training", "dashed", [one.training for one in row.outcomes]),
        ("test", "bold", [_with_end(one) for one in row.outcomes]),
    ):
        joined = joint(curves)
        yield Series(
            row.row.name if name == "test" else "",
            [(at.step / UNIT, at.mean) for at in joined],
            style if len(joined) > 1 else "dots",  # type: ignore[arg-type]
            colour,
            [(at.step / UNIT, at.low, at.high) for at in joined] if len(curves) > 1 else (),
            [
                f"{row.row.name}, {name} error after {at.step:,} steps: {at.mean:.2f} %"
                + (f" ({at.low:.2f} to {at.high:.2f}, {at.seeds} seeds)" if at.seeds > 1 else "")
                for at in joined
            ],
        )


def _with_end(one: Outcome) -> tuple[Point, ...]:
    """The looks on the way and the final error, which is the only one that counts."""
    return (*one.watched, (one.run.recipe.steps, one.test.top1_error))


class Joint(NamedTuple):
    """What seeds say of a step."""

    step: int
    mean: float
    low: float
    high: float
    seeds: int


def joint(curves: Sequence[Sequence[Point]]) -> list[Joint]:
    """Every step that a seed looked at, by all seeds that looked before and after it or then."""
    told = []
    for step in sorted({step for curve in curves for step, _ in curve}):
        values = [value for curve in curves if (value := between(curve, step)) is not None]
        told.append(Joint(step, statistics.fmean(values), min(values), max(values), len(values)))
    return told


def between(curve: Sequence[Point], step: int) -> float | None:
    """A curve's value at any step, on the straight line between its points; none beyond them."""
    if not curve or not curve[0][0] <= step <= curve[-1][0]:
        return None
    steps, values = zip(*curve, strict=True)
    return float(np.interp(step, steps, values))


def responses(found: Results) -> Charts:
    """Fig. 7 of a study's own runs, seeds averaged layer by layer."""
    told = {}
    for row in found.rows:
        each = [one.responses for one in row.outcomes if one.responses]
        if each:
            told[row.row.name] = [statistics.fmean(layer) for layer in zip(*each, strict=True)]
    return response_charts(told)


def response_charts(told: Mapping[str, Sequence[float]]) -> Charts:
    """Deviations by layer, as they come and in order of size."""
    layers = max((len(values) for values in told.values()), default=110)
    highest = max((max(values) for values in told.values()), default=1.0)
    figures = []
    for title, in_order in (
        ("Standard deviation of each layer's response", False),
        ("The same, largest first", True),
    ):
        axes = Axes("layer index", "standard deviation", layers, 0, 1.08 * highest)
        series = [
            _response_line(name, sorted(values, reverse=True) if in_order else values, n)
            for n, (name, values) in enumerate(told.items())
        ]
        figures.append(Figure(title, chart(title, axes, series)))
    return Charts(figures)


def _response_line(name: str, values: Sequence[float], n: int) -> Series:
    style = "dashed" if name.startswith("plain") else "thin"
    points = [(float(layer), value) for layer, value in enumerate(values, 1)]
    said = [f"{name}, layer {layer:g}: {value:.3f}" for layer, value in points]
    return Series(name, points, style, 1 + n % COLOURS, said=said)  # type: ignore[arg-type]

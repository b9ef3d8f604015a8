"""Line charts as inline SVG, drawn by a few lines of arithmetic: no library, no script."""

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

Style = Literal["thin", "bold", "dashed", "dots"]
WIDTH, HEIGHT = 520, 320
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 14, 40
STROKES = {"thin": 'stroke-width="1.3"', "bold": 'stroke-width="2.6"'}
STROKES["dashed"] = 'stroke-width="1.6" stroke-dasharray="5 3"'


@dataclass(frozen=True)
class Series:
    """One line: where it goes and how it is drawn."""

    name: str
    points: Sequence[tuple[float, float]]
    style: Style
    colour: int  # 1 to 4, of the page's palette; a study's page has 6
    band: Sequence[tuple[float, float, float]] = ()  # x, low, high: what seeds span
    said: Sequence[str] = ()  # of each point, where a pointer rests on it


@dataclass(frozen=True)
class Level:
    """A value that somebody printed: a tick at the right edge."""

    value: float
    colour: int
    said: str


@dataclass(frozen=True)
class Axes:
    """What the edges of a chart stand for."""

    x_name: str
    y_name: str
    x_end: float
    y_low: float
    y_high: float
    logarithmic: bool = False

    def x(self, value: float) -> float:
        """Where a value lies, in the chart's own units."""
        return LEFT + value / self.x_end * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """The same upwards."""
        low, high = self.y_low, self.y_high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, low / 2))
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def chart(
    title: str,
    axes: Axes,
    series: Sequence[Series],
    marks: Iterable[tuple[float, str]] = (),
    levels: Iterable[Level] = (),
) -> str:
    """A figure: axes, bands, lines, vertical marks, ticks at the right, and a legend below."""
    clip = f"clip-{zlib.crc32(repr((title, axes, series)).encode()):x}"
    drawn = [_band(axes, one) for one in series if one.band]
    drawn += [_line(axes, one) for one in series if one.points]
    drawn += [spot for one in series for spot in _spots(axes, one)]
    body = [
        f'<clipPath id="{clip}"><rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT + 6}"'
        f' height="{HEIGHT - TOP - BOTTOM + 6}"/></clipPath>',
        *_grid(axes),
        *(_mark(axes, at, text) for at, text in marks),
        f'<g clip-path="url(#{clip})">{"".join(drawn)}</g>',
        *(_level(axes, one) for one in levels),
    ]
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(body)}</svg>{legend(series)}</figure>"
    )


def legend(series: Sequence[Series]) -> str:
    """A sample of each line that has a name."""
    frame = '<svg viewBox="0 0 26 10" aria-hidden="true">'
    samples = [
        f"<li>{frame}{_sample(one)}</svg>{escape(one.name)}</li>"
        for one in series
        if one.points and one.name
    ]
    return f'<ul class="legend">{"".join(samples)}</ul>'


def _sample(one: Series) -> str:
    colour = f"var(--s{one.colour})"
    if one.style == "dots":
        return f'<circle cx="13" cy="5" r="4" fill="{colour}"/>'
    return f'<path d="M0 5H26" stroke="{colour}" fill="none" {STROKES[one.style]}/>'


def _line(axes: Axes, one: Series) -> str:
    places = [(f"{axes.x(x):.1f}", f"{axes.y(y):.1f}") for x, y in one.points]
    colour = f"var(--s{one.colour})"
    if one.style == "dots":
        return "".join(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in places)
    path = "M" + "L".join(f"{x} {y}" for x, y in places)
    how = f'stroke="{colour}" stroke-linejoin="round" {STROKES[one.style]}'
    return f'<path d="{path}" fill="none" {how}/>'


def _band(axes: Axes, one: Series) -> str:
    there = [f"{axes.x(x):.1f} {axes.y(high):.1f}" for x, _, high in one.band]
    back = [f"{axes.x(x):.1f} {axes.y(low):.1f}" for x, low, _ in reversed(one.band)]
    return f'<path class="band" d="M{"L".join(there + back)}Z" fill="var(--s{one.colour})"/>'


def _spots(axes: Axes, one: Series) -> Iterable[str]:
    """What a pointer rests on: without a script, the browser's own."""
    for (x, y), text in zip(one.points, one.said, strict=False):
        yield (
            f'<circle class="hot" cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="5"'
            f' color="var(--s{one.colour})"><title>{escape(text)}</title></circle>'
        )


def _level(axes: Axes, one: Level) -> str:
    y, right = axes.y(one.value), WIDTH - RIGHT
    return (
        f'<path d="M{right - 14} {y:.1f}H{right + 8}" stroke="var(--s{one.colour})"'
        f' stroke-width="3"><title>{escape(one.said)}</title></path>'
    )


def _grid(axes: Axes) -> Iterable[str]:
    for value in (decades if axes.logarithmic else ticks)(axes.y_low, axes.y_high):
        y = axes.y(value)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="var(--line)"/>'
        yield f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>'
    for value in ticks(0, axes.x_end):
        x, anchor = axes.x(value), "middle"
        if x > WIDTH - RIGHT - 14:
            x, anchor = WIDTH - RIGHT, "end"
        place = f'x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="{anchor}"'
        yield f"<text {place}>{short(value)}</text>"
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 5}" text-anchor="middle">{escape(axes.x_name)}</text>'
    height = (TOP + HEIGHT - BOTTOM) / 2
    yield (
        f'<text transform="translate(12 {height}) rotate(-90)" text-anchor="middle">'
        f"{escape(axes.y_name)}</text>"
    )


def _mark(axes: Axes, at: float, text: str) -> str:
    x = axes.x(at)
    return (
        f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="var(--soft)" stroke-dasharray="2 3"/>'
        f'<text x="{x + 4:.1f}" y="{TOP + 11}">{escape(text)}</text>'
    )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from low to high, some `about` of them."""
    step = 10 ** math.floor(math.log10((high - low) / about))
    step *= next(n for n in (1, 2, 2.5, 5, 10) if (high - low) / (n * step) <= about + 0.5)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [min(max(step * n, low), high) for n in range(first, last + 1)]  # never past an end


def decades(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten; the powers alone where these are many; else round numbers."""
    if high < 5 * low:
        return ticks(low, high)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) < 4 else (1,)
    every = [f * 10.0**p for p in powers for f in factors]
    return [value for value in every if low <= value * 1.0001 and value <= high * 1.0001]


def short(value: float) -> str:
    """A number for an axis: 16k, 0.05, 20."""
    if abs(value) >= 1_000:
        return f"{value / 1_000:g}k"
    return f"{value:.10g}"

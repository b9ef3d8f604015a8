"""A study's declaration as text: what is run, what it costs, what is claimed."""

import textwrap
from collections.abc import Iterator

from msgspec import Struct, structs

from ..models.zoo import arch
from ..spec import Recipe
from .cost import ARITHMETIC, told
from .study import SCALES, Printed, Row, Study, source_of, usual

WIDTH, NAME = 96, 26


def declaration(study: Study) -> str:
    """For a terminal."""
    return "\n".join(_lines(study))


def _lines(study: Study) -> Iterator[str]:
    yield study.title
    for text in study.text:
        yield ""
        yield from textwrap.wrap(text, WIDTH)
    where = source_of(study, study.data)
    yield ""
    yield f"    deepres run {study.name}" + ("" if study.kind == "counted" else f" --data {where}")
    yield ""
    if study.kind != "counted":
        for scale in reversed(SCALES):
            yield from _wrapped(f"{scale:<6} {told(study, scale)}", "       ")
        yield from textwrap.wrap(ARITHMETIC, WIDTH)
        yield ""
    for row in study.rows:
        yield from _wrapped(f"  {row.name:<{NAME}} {_row(row, study.data)}", " " * (NAME + 3))
    for name, printed in study.beside:
        yield f"  {name:<{NAME}} the paper prints {_printed(printed)}"
    if study.claims or study.deeper:
        yield ""
        yield "Claims:"
    for layers in study.deeper:
        yield f"  - a plain-{layers} with the very outputs of {study.rows[0].name} exists"
    for claim in study.claims:
        yield f"  - {claim.claim}  [{claim.measure}]"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, drop_whitespace=True)


def _row(row: Row, data: str) -> str:
    parts = [f"{row.network}, {arch(row.network).layers} layers"]
    parts.append(f"{row.seeds} seed{'s' if row.seeds > 1 else ''}")
    changed = _changed(row.recipe, data)
    parts += [changed] if changed else []
    parts += [f"{row.held_out:,} images held out"] if row.held_out else []
    parts += [f"grown from {row.grown_from}"] if row.grown_from else []
    parts += [f"tested by {row.views.views} views"] if row.views.views != "one" else []
    parts += [row.measure] if row.measure != "test error" else []
    if row.paper is not None:
        who = "the paper has" if row.paper.about else "the paper prints"
        parts.append(f"{who} {_printed(row.paper)}")
    parts += [f"{who} prints {_printed(theirs)}" for who, theirs in row.others]
    return "; ".join(parts)


def _changed(recipe: Recipe, data: str) -> str:
    """What differs from the recipe of Sec. 4.2, or from that of Sec. 3.4."""
    base = usual(data)[1]
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(getattr(recipe, name))}"
        for name in recipe.__struct_fields__
        if getattr(recipe, name) != getattr(base, name)
    )


def _value(value: object) -> str:
    """As a person writes it."""
    if isinstance(value, Struct):
        told_ = structs.asdict(value).items()
        return f"({', '.join(f'{name} {_value(one)}' for name, one in told_)})"
    whole = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if whole else str(value)


def _printed(one: Printed) -> str:
    places = 1 if one.about else one.digits
    told_ = ["-" if one.error is None else f"{one.error:.{places}f} %"]
    told_ += [] if one.top5 is None else [f"{one.top5:.{places}f} %"]
    if told_ == ["-"]:
        return one.note
    text = " / ".join(told_)
    if one.spread is not None:
        text += f", {one.spread[0]:.2f} ± {one.spread[1]:.2f} %"
    return f"{text} ({one.note})" if one.note else text

"""Exactly what was run, where and how: the tables at the end of a run's page."""

from collections.abc import Collection, Iterator
from html import escape
from typing import Any

import msgspec
from msgspec import Struct, structs

from ..runs.declare import ANY_SIZE
from ..runs.provenance import Provenance
from ..spec import Run
from ..studies.study import usual
from .page import columns, facts, heading, paragraph, subheading


def recipe(run: Run) -> Iterator[str]:
    digests = {"train": run.data.train[:12], "test": run.data.test[:12]}
    data = structs.replace(run.data, **digests)
    network = _fields(run.arch) if run.arch else [("module", run.network)]
    unused = _unused(run)
    yield heading("Exactly what was run")
    yield from columns(
        [subheading("Recipe"), facts(_fields(run.recipe, usual(run.data.name), unused))],
        [subheading("Network"), facts(network)]
        + [subheading("Data, with digests"), facts(_fields(data, unused=unused))]
        + [subheading("Test"), facts(_fields(run.protocol))],
    )
    yield "<p><code>deepres train --spec run.json</code> repeats it.</p>"


def _unused(run: Run) -> set[str]:
    """Settings that had no part in a run."""
    recipe, names = run.recipe, set()
    if recipe.drops != "plateau":
        names.add("plateau")
    if recipe.warm_up == "none":
        names.add("warm_up_lr")
    if run.data.name not in ANY_SIZE:
        names |= {"crop", "shorter", "colour", "bad"}
    return names | {name for name in ("train_images", "test_images") if not getattr(run.data, name)}


def _fields(
    value: Struct, paper: tuple[str, Struct] | None = None, unused: Collection[str] = ()
) -> list[tuple[str, str]]:
    told = []
    for field in structs.fields(value):
        here = getattr(value, field.name)
        if field.name in unused or field.name == "scaled_from" or here == ():
            continue
        text = said(here)
        if paper is not None and here != getattr(paper[1], field.name):
            text += f" ({paper[0]}: {said(getattr(paper[1], field.name))})"
        told.append((field.name.replace("_", " "), text))
    return told


def said(value: Any) -> str:
    """A setting as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple | list):
        return ", ".join(said(item) for item in value) or "none"
    return str(value)


def made(told: Provenance | None) -> Iterator[str]:
    if told is None:
        return
    commit = [("commit", told.commit)] if told.commit else []
    plan = msgspec.to_builtins(told.plan).items()
    machine = [(name.replace("_", " "), said(value)) for name, value in told.machine.items()]
    yield heading("Where and how")
    yield from columns(
        [subheading("Machine"), facts(machine)]
        + [subheading("Versions"), facts([*told.versions.items(), *commit])],
        [subheading("Plan"), facts((name, said(value)) for name, value in plan)],
    )
    count = len(told.sessions)
    yield paragraph(f"{count} session{'s' if count != 1 else ''}, the last one by:")
    yield f"<p><code>{escape(' '.join(told.sessions[-1].command))}</code></p>"

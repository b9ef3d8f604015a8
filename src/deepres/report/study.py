"""The page of a study: the paper's table and ours, verdicts, figures, how each run was made."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from .. import __file__ as package
from ..spec import Recipe
from ..studies.claims import METHOD
from ..studies.cost import ARITHMETIC, told
from ..studies.rows import Results, Told, shown_power
from ..studies.study import Printed, Study, at_scale, source_of
from .as_html import html
from .as_markdown import markdown
from .blocks import Block, Code, Heading, Raw, Table, Text
from .counted import counted_blocks
from .made import made
from .panels import panels, responses


def page_of(found: Results) -> str:
    """One HTML file."""
    return html(found.study.title, content(found))


def markdown_of(found: Results, stem: str) -> tuple[str, dict[str, str]]:
    """The same as Markdown, and the files that it shows."""
    return markdown(content(found), stem)


def results_markdown(found: Results, stem: str) -> tuple[str, dict[str, str]]:
    """Figures, tables and verdicts of what was run, as a README has them, and its charts."""
    return markdown([*results_block(_run_only(found)), *_missing(found)], stem)


def counted_page(study: Study, rows: Sequence[dict[str, object]]) -> str:
    """The page of a study that trains nothing."""
    return html(study.title, [*counted_blocks(study, rows), *differences()])


def content(found: Results) -> list[Block]:
    """All of it, in order."""
    return [*top(found), *results_block(found), *made(found), *differences()]


def top(found: Results) -> Iterator[Block]:
    """What the paper shows, what is typed, what it costs, and how much of it is here."""
    study = found.study
    yield Heading(study.title, 1)
    for text in study.text:
        yield Text(text)
    where = source_of(study, found.data.name)
    asked = "" if found.scale == "paper" else f" --scale {found.scale}"
    precision = found_recipe(found).precision
    asked += "" if precision == "fp32" else f" --precision {precision}"
    yield Code(f"deepres run {study.name}{asked} --data {where}")
    yield Text(f"Cost at this scale: {told(study, found.scale)}. {ARITHMETIC}", "soft")
    yield state(found)


def state(found: Results) -> Text:
    """How much of the study has been run, and whether it may be compared."""
    study = found.study
    if not found.runs:
        text = "Nothing of it has been run here: below are the declaration and the paper's values."
        return Text(text, "note")
    text = f"{found.runs} runs on {found.data.name}, {found.scale} scale."
    if found.comparable:
        return Text(text)
    recipe = found_recipe(found)
    if recipe.scaled_from is not None:
        full = recipe.scaled_from
        text += (
            f" They take {recipe.steps:,} of {full.steps:,} steps: rate x decay x steps is"
            f" {recipe.shrinkage:.4f} instead of {full.shrinkage:.4f}, so they are hardly"
            " regularised, and their errors do not compare with the paper's."
        )
    if found.scale == "smoke":
        text += " Smoke runs show that everything works and nothing else."
    if not found.as_declared:
        text += f" The paper's numbers are of {study.data}."
    return Text(text, "note")


def found_recipe(found: Results) -> Recipe:
    """Of the first row."""
    return at_scale(found.study, found.study.rows[0], found.scale)


def results_block(found: Results) -> Iterator[Block]:
    """Figures, tables and verdicts: what a README shows of a study."""
    if found.study.panels and (found.runs or any(row.row.paper for row in found.rows)):
        yield Heading("Error while they train")
        yield panels(found)
        yield Text(_explained(found), "soft")
    if found.study.responses:
        yield Heading("Responses, layer by layer")
        yield responses(found)
    yield Heading("At the end")
    yield from main_tables(found)
    yield from _deeper(found)
    if found.study.claims or found.study.deeper:
        yield Heading("What the paper claims")
        yield from claims_table(found)


def _run_only(found: Results) -> Results:
    """Without the rows of which nothing has been run, and what rests on them."""
    rows = tuple(row for row in found.rows if row.outcomes or found.study.deeper)
    there = {row.row.name for row in rows}
    if not there:
        return found
    kept = ((one, tuple(name for name in one.rows if name in there)) for one in found.study.panels)
    study = structs.replace(
        found.study,
        panels=tuple(structs.replace(one, rows=names) for one, names in kept if names),
        claims=tuple(one for one in found.study.claims if one.named <= there),
    )
    return replace(found, study=study, rows=rows)


def _missing(found: Results) -> Iterator[Text]:
    """What of the declaration is not shown, because it has not been run."""
    shown = _run_only(found)
    if missing := [row.row.name for row in found.rows if row not in shown.rows]:
        claims = len(found.study.claims) - len(shown.study.claims)
        text = f"Declared and not run yet: {', '.join(missing)}"
        yield Text(f"{text}, and {claims} claims about them." if claims else f"{text}.", "soft")


def main_tables(found: Results) -> Iterator[Table | Text]:
    """Ours and the paper's, in one table where they may be compared."""
    if found.comparable or not found.runs:
        yield Table(*_side_by_side(found))
    else:
        yield Table(*_ours(found))
        theirs = [(row.row.name, row.row.paper) for row in found.rows if row.row.paper]
        if theirs or found.study.beside:
            yield Text(f"What the paper prints, on {found.study.data} at its full schedule:")
            yield Table(*_theirs([*theirs, *found.study.beside]))
    for one in found.ensembles():
        yield Text(
            f"All {len(one.members)} averaged: top-1 {one.test}, top-5 {one.test.top5_error:.2f} %."
        )
    if found.study.baseline:
        yield Text(shown_power())
        yield Table(*_ablation(found))


def _side_by_side(found: Results) -> tuple[list[str], list[list[str]]]:
    """Ours, the paper's and the difference come first: a phone shows these."""
    head, rows = _ours(found)
    if not found.study.beside and all(row.row.paper is None for row in found.rows):
        return head, rows
    head[2:2] = ["paper", "difference"]
    for row, cells in zip(found.rows, rows, strict=True):
        difference = row.difference if found.comparable else None
        cells[2:2] = [printed(row.row.paper), "-" if difference is None else f"{difference:+.2f}"]
    blank = [""] * (len(head) - 3)
    rows += [[name, "", printed(theirs), *blank] for name, theirs in found.study.beside]
    return head, rows


def _ours(found: Results) -> tuple[list[str], list[list[str]]]:
    measure = found.rows[0].row.measure
    head = ["network", f"{measure}, mean ± std (n)", "best", "± test set", "training, clean"]
    others = any(row.row.others for row in found.rows)
    head += ["lowest seen on the way", "a reproduction"] if others else []
    head += ["mean response"] if found.study.responses else []
    return [*head, "schedule"], [_cells(found, row, others) for row in found.rows]


def _cells(found: Results, row: Told, others: bool) -> list[str]:
    recipe = at_scale(found.study, row.row, found.scale)
    ours = spread(row.errors, row.seeds)
    if found.study.size > 32 and row.top5_errors:
        ours += f"; top-5 {spread(row.top5_errors, row.seeds)}"
    cells = [row.row.name, ours, number(row.best)]
    cells += ["-" if row.binomial is None else f"{row.binomial:.2f}"]
    cells += [spread(row.values("clean training error"), row.seeds)]
    if others:
        theirs = row.row.others[0][1] if row.row.others else None
        cells += [number(row.lowest_seen), printed(theirs)]
    if found.study.responses:
        cells.append(spread(row.values("deviation of responses"), row.seeds))
    scale = f", {found.scale}" if found.scale != "paper" else ""
    return [*cells, f"{recipe.steps:,} steps{scale}"]


def number(value: float | None) -> str:
    """Two digits, or a dash."""
    return "-" if value is None else f"{value:.2f}"


def spread(values: Sequence[float], declared: int) -> str:
    """Mean ± deviation (n); what is missing of the declared seeds is said."""
    if not values:
        return f"- (0 of {declared})"
    text = f"{statistics.fmean(values):.2f}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):.2f}"
    count = f"{len(values)} of {declared}" if len(values) < declared else str(len(values))
    return f"{text} ({count})"


def printed(theirs: Printed | None) -> str:
    """As a table prints it."""
    if theirs is None:
        return "-"
    if theirs.error is None and theirs.top5 is None:
        return theirs.note or "-"
    text = "-" if theirs.error is None else f"{theirs.error:.2f}"
    if theirs.top5 is not None:
        text += f" / {theirs.top5:.2f}"
    if theirs.spread is not None:
        return f"{text} ({theirs.spread[0]:.2f} ± {theirs.spread[1]:.2f})"
    if theirs.note.startswith("about"):
        return f"about {theirs.error:g}"
    return text


def _theirs(rows: Sequence[tuple[str, Printed]]) -> tuple[list[str], list[list[str]]]:
    return ["network", "paper, %"], [[name, printed(theirs)] for name, theirs in rows]


def _ablation(found: Results) -> tuple[list[str], list[list[str]]]:
    base = found.study.baseline
    head = ["arm", "n", f"difference from {base}", "smallest shown", "p, two-sided"]
    rows = []
    for row in found.rows:
        test = found.against_baseline(row)
        if test is not None:
            both = 2 * min(test.p, 1 - test.p)
            told_ = [f"{test.difference:+.2f}", f"{test.smallest:.2f}", f"{both:.3f}"]
        else:
            told_ = ["-", "the baseline" if row.row.name == base else "takes 2 seeds an arm", "-"]
        rows.append([row.row.name, str(len(row.errors)), *told_])
    return head, rows


def claims_table(found: Results) -> Iterator[Table | Text]:
    """Each claim with what was found and what that makes of it."""
    findings = found.findings()
    if not findings:
        return
    rows = [(one.claim, one.found, "-" if one.undecided else one.verdict) for one in findings]
    yield Table(["the paper's claim", "found", "verdict"], rows, frozenset({0, 1, 2}))
    yield Text(METHOD, "soft")


def _explained(found: Results) -> str:
    text = "Dashed: error on the training pictures as it was. Bold: test error, which was only"
    text += " watched on the way and chose nothing; its last point is the final one. Dotted"
    text += " lines: the rate divided by 10."
    if any(len(row.outcomes) > 1 for row in found.rows):
        text += " Bands span the seeds, lines are their means."
    if not any(row.row.paper for row in found.rows):
        return text
    if found.comparable or not found.runs:
        return f"{text} Ticks at the right are the paper's final values."
    return f"{text} The paper's final values are of another schedule and are not drawn."


def _deeper(found: Results) -> Iterator[Block]:
    rows = [
        (
            f"seed {one.run.seed}, {one.run.arch.layers if one.run.arch else '-'} -> {d.layers}",
            f"{d.largest_difference:.1e}",
            str(d.test[0]),
            str(d.test[1]),
        )
        for one in found.rows[0].outcomes
        for d in one.deeper
    ]
    if rows:
        yield Heading("With identity layers added")
        head = ["network", "largest difference of logits", "test error before", "after"]
        yield Table(head, rows)


def differences() -> list[Block]:
    """Every decision that the paper left open, from the package's own page."""
    here = Path(package).parent
    for path in (here / "DIFFERENCES.md", here.parent.parent / "DIFFERENCES.md"):
        if path.is_file():
            return [Raw("#" + path.read_text(encoding="utf-8"))]
    return []

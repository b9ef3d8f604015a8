"""The page of a study: the paper's table and ours, verdicts, figures, how each run was made."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from .. import __file__ as package
from ..spec import Recipe
from ..studies.claims import BRIEFLY, METHOD, Finding
from ..studies.cost import ARITHMETIC, told
from ..studies.rows import Results, Told, shown_power
from ..studies.study import Printed, Row, Study, at_scale, source_of
from .as_html import html
from .as_markdown import markdown
from .blocks import Block, Code, Heading, Raw, Table, Text
from .counted import counted_blocks
from .made import made
from .panels import panels, responses

VIEWS = {"one": "", "ten": " by ten crops", "multi-scale": " at five scales"}


def page_of(found: Results) -> str:
    """One HTML file."""
    return html(found.study.title, content(found))


def results_markdown(found: Results, stem: str) -> tuple[str, dict[str, str]]:
    """Figures, tables and verdicts of what was run, as a README has them, and its charts."""
    shown = _run_only(found)
    told_ = [*_figures(shown), *_verdicts(found, shown, BRIEFLY), *_missing(found, shown)]
    return markdown(told_, stem)


def counted_content(study: Study, rows: Sequence[dict[str, object]]) -> list[Block]:
    """The page of a study that trains nothing."""
    return [*counted_blocks(study, rows), *differences()]


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
    return Text(" ".join(_state(found)), "note" if not (found.runs and found.comparable) else "")


def _state(found: Results) -> Iterator[str]:
    if not found.runs:
        yield "Nothing of it has been run here: below are the declaration and the paper's values."
    else:
        runs = "1 run" if found.runs == 1 else f"{found.runs} runs"
        yield f"{runs} on {found.data.name}, {found.scale} scale."
    recipe = found_recipe(found)
    if found.runs and recipe.scaled_from is not None:
        full = recipe.scaled_from
        yield (
            f"They take {recipe.steps:,} of {full.steps:,} steps: rate x decay x steps is"
            f" {recipe.shrinkage:.4f} instead of {full.shrinkage:.4f}, so they are hardly"
            " regularised, and their errors do not compare with the paper's."
        )
    if found.runs and found.scale == "smoke":
        yield "Smoke runs show that everything works and nothing else."
    if not found.as_declared:
        yield f"The paper's numbers are of {found.study.data}."
    if found.left_out:
        yield (
            f"{found.left_out} of other pictures under the same name are left out: a study is of"
            " one set of them."
        )


def found_recipe(found: Results) -> Recipe:
    """Of the first row."""
    return at_scale(found.study, found.study.rows[0], found.scale)


def results_block(found: Results) -> Iterator[Block]:
    """Figures, tables and verdicts."""
    yield from _figures(found)
    yield from _verdicts(found, found, METHOD)


def _figures(found: Results) -> Iterator[Block]:
    """Curves, responses and the tables of errors."""
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


def _verdicts(found: Results, shown: Results, method: str) -> Iterator[Block]:
    """What became of the claims that are shown; the whole study is what corrects them."""
    if not found.study.claims and not found.study.deeper:
        return
    claims = {claim.claim for claim in found.study.claims}
    left = claims - {claim.claim for claim in shown.study.claims}
    yield Heading("What the paper claims")
    told_ = [one for one in found.findings() if one.claim not in left]
    yield from claims_table(found, told_, method)


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


def _missing(found: Results, shown: Results) -> Iterator[Text]:
    """What of the declaration is not shown, because it has not been run."""
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
        theirs = [row.row for row in found.rows if row.row.paper or row.row.others]
        if theirs or found.study.beside:
            others = any(row.others for row in theirs)
            who = "the paper and a reproduction print" if others else "the paper prints"
            yield Text(f"What {who}, on {found.study.data} at the full schedule:")
            yield Table(*_theirs(theirs, found.study.beside))
    for one in found.ensembles():
        yield Text(
            f"{len(one.members)} networks averaged: top-1 {one.test},"
            f" top-5 {one.test.top5_error:.2f} %."
        )
    if found.study.baseline:
        yield Text(shown_power())
        yield Table(*_ablation(found))


def _side_by_side(found: Results) -> tuple[list[str], list[list[str]]]:
    """Ours, the paper's and the difference come first: a phone shows these."""
    head, rows = _ours(found)
    theirs = [row.row.paper for row in found.rows]
    if not found.study.beside and not any(theirs):
        return head, rows
    sizes = any(one and one.parameters for one in theirs)
    head[2:2] = ["paper", "difference"] + (["parameters, paper"] if sizes else [])
    for row, cells in zip(found.rows, rows, strict=True):
        difference = row.difference if found.comparable else None
        cells[2:2] = [printed(row.row.paper), "-" if difference is None else f"{difference:+.2f}"]
        if sizes:
            cells[4:4] = [row.row.paper.parameters if row.row.paper else ""]
    for name, one in found.study.beside:
        told_ = [name, "", printed(one), ""] + ([one.parameters] if sizes else [])
        rows.append(told_ + [""] * (len(head) - len(told_)))
    return head, rows


def _ours(found: Results) -> tuple[list[str], list[list[str]]]:
    first = found.rows[0].row
    head = ["network", f"{first.measure}{VIEWS[first.views.views]}, mean ± std (n)", "best"]
    head += ["± test set", "training, clean"]
    others = _beside_a_reproduction(found)
    head += ["lowest test error", "a reproduction"] if others else []
    head += ["mean response"] if found.study.responses else []
    return [*head, "schedule"], [_cells(found, row, others) for row in found.rows]


def _beside_a_reproduction(found: Results) -> bool:
    """Whether others' numbers may stand in our rows."""
    return any(row.row.others for row in found.rows) and (found.comparable or not found.runs)


def _cells(found: Results, row: Told, others: bool) -> list[str]:
    recipe = at_scale(found.study, row.row, found.scale)
    ours = spread(row.errors, row.seeds)
    if _has_top5(found) and row.top5_errors:
        ours += f"; top-5 {spread(row.top5_errors, row.seeds)}"
    cells = [row.row.name, ours, number(row.best)]
    cells += ["-" if row.binomial is None else f"{row.binomial:.2f}"]
    cells += [spread(row.values("clean training error"), row.seeds)]
    if others:
        theirs = row.row.others[0][1] if row.row.others else None
        cells += [number(row.lowest_seen), numbers(theirs)]
    if found.study.responses:
        cells.append(spread(row.values("deviation of responses"), row.seeds))
    scale = f", {found.scale}" if found.scale != "paper" else ""
    return [*cells, f"{recipe.steps:,} steps{scale}"]


def _has_top5(found: Results) -> bool:
    """Whether top-5 errors are of interest: on large pictures, or where one is printed."""
    theirs = [one for row in found.study.rows for _, one in row.others]
    return found.study.size > 32 or any(one.top5 is not None for one in theirs)


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
    """As a table prints it, with what is said of it."""
    text = numbers(theirs)
    if theirs is None or not theirs.note:
        return text
    if theirs.about:
        return theirs.note.replace("about", f"about {theirs.error:g}", 1)
    if theirs.spread is not None:
        return f"{text} ({theirs.spread[0]:.2f} ± {theirs.spread[1]:.2f})"
    return theirs.note if text == "-" else f"{text} ({theirs.note})"


def numbers(theirs: Printed | None) -> str:
    """Top-1 and top-5 error, with as many digits as were printed."""
    if theirs is None or (theirs.error is None and theirs.top5 is None):
        return "-"
    text = "-" if theirs.error is None else f"{theirs.error:.{theirs.digits}f}"
    return text if theirs.top5 is None else f"{text} / {theirs.top5:.{theirs.digits}f}"


def _theirs(
    rows: Sequence[Row], beside: Sequence[tuple[str, Printed]]
) -> tuple[list[str], list[list[str]]]:
    others = any(row.others for row in rows)
    told_ = [
        [row.name, printed(row.paper)] + ([numbers(row.others[0][1])] if row.others else [])
        for row in rows
    ]
    told_ += [[name, printed(theirs)] + ([""] if others else []) for name, theirs in beside]
    return ["network", "paper, %"] + (["a reproduction, %"] if others else []), told_


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


def claims_table(
    found: Results, findings: Sequence[Finding] | None = None, method: str = METHOD
) -> Iterator[Table | Text]:
    """Each claim with what was found and what that makes of it."""
    findings = found.findings() if findings is None else findings
    if not findings:
        return
    rows = [(one.claim, one.found, "-" if one.undecided else one.verdict) for one in findings]
    yield Table(["the paper's claim", "found", "verdict"], rows, frozenset({0, 1, 2}))
    if found.runs and not found.comparable:
        yield Text("Verdicts are of these runs; the paper's own schedule and data are not judged.")
    yield Text(method, "soft")


def _explained(found: Results) -> str:
    return " ".join(_of_curves(found))


def _of_curves(found: Results) -> Iterator[str]:
    yield (
        "Dashed: error on the training pictures as it was. Bold: test error, which was only"
        " watched on the way and chose nothing; its last point is the final one. Dotted"
        " lines: the rate divided by 10."
    )
    if any(row.row.views.views != "one" for row in found.rows):
        yield "Curves are of one crop in the centre, to their end; the table is not."
    if any(len(row.outcomes) > 1 for row in found.rows):
        yield "Bands span the seeds, lines are their means."
    if not any(row.row.paper for row in found.rows):
        return
    if found.runs and not found.comparable:
        yield "The paper's final values are of another schedule and are not drawn."
        return
    yield "Ticks at the right are the paper's final values."
    if any(row.row.paper and row.row.paper.about for row in found.rows):
        yield "Those of plain networks were read off its Fig. 6."


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

"""The tables of a study: its rows beside what the paper printed, arms, claims, identities added."""

import statistics
from collections.abc import Iterator, Sequence

from ..studies.claims import METHOD, Finding
from ..studies.rows import Results
from ..studies.student import ALPHA, POWER
from ..studies.study import Printed, at_scale
from ..studies.told import Told
from .blocks import Block, Heading, Table, Text

VIEWS = {"one": "", "ten": " by ten crops", "multi-scale": " at five scales"}


def main_tables(found: Results) -> Iterator[Table | Text]:
    """Ours and the paper's; nothing is subtracted where they may not be compared."""
    compared = found.comparable or not found.runs
    yield Table(*_side_by_side(found, compared))
    others = [(row.row.name, numbers(row.row.others[0][1])) for row in found.rows if row.row.others]
    if others and not compared:
        yield Text(f"What a reproduction prints, on {found.study.data} by a schedule of its own:")
        yield Table(["network", "a reproduction, %"], others)
    for one in found.ensembles():
        yield Text(
            f"{len(one.members)} networks averaged: top-1 {one.test},"
            f" top-5 {one.test.top5_error:.2f} %."
        )
    if found.study.baseline:
        yield Text(_power())
        yield Table(*_ablation(found))


def _side_by_side(found: Results, compared: bool) -> tuple[list[str], list[list[str]]]:
    """Ours, the paper's and the difference come first: a phone shows these.

    Where they may not be compared, the head names the paper's schedule or data.
    """
    head, rows = _ours(found)
    theirs = [row.row.paper for row in found.rows]
    if not found.study.beside and not any(theirs):
        return head, rows
    sizes = compared and any(one and one.parameters for one in theirs)
    where = "whole schedule" if found.as_declared else found.study.data
    head[2:2] = ["paper", "difference"] if compared else [f"paper, {where}"]
    head[4:4] = ["parameters, paper"] if sizes else []
    for row, cells in zip(found.rows, rows, strict=True):
        cells[2:2] = [printed(row.row.paper), *([_difference(found, row)] if compared else [])]
        if sizes:
            cells[4:4] = [row.row.paper.parameters if row.row.paper else ""]
    for name, one in found.study.beside:
        told_ = [name, "", printed(one), *(["", one.parameters] if sizes else [])]
        rows.append(told_ + [""] * (len(head) - len(told_)))
    return head, rows


def _difference(found: Results, row: Told) -> str:
    difference = row.difference if found.comparable else None
    return "-" if difference is None else f"{difference:+.2f}"


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
    population = row.row.measure != "test error with running statistics"
    cells += [spread(row.values("clean training error"), row.seeds) if population else "-"]
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


def _power() -> str:
    """What "smallest difference" means, for pages."""
    return (
        "The smallest difference that could have been shown is one that a two-sided Welch test at"
        f" {100 * ALPHA:g} % would have shown with a chance of {100 * POWER:.0f} %, given the"
        " deviations between these seeds; arms that are the same runs, tested in two ways, are"
        " compared run by run. No direction was stated"
        " beforehand, so p is two-sided; it is of each arm alone, not corrected for their number."
    )


def claims_table(
    found: Results, findings: Sequence[Finding] | None = None, method: str = METHOD
) -> Iterator[Table | Text]:
    """Each claim with what was found and what that makes of it."""
    findings = found.findings() if findings is None else findings
    if not findings:
        return
    rows = [(one.claim, one.found, "-" if one.undecided else one.verdict) for one in findings]
    head = [f"{found.study.claimed_by}'s claim", "found", "verdict"]
    yield Table(head, rows, frozenset({0, 1, 2}))
    if found.runs and not found.comparable:
        yield Text("Verdicts are of these runs; the paper's own schedule and data are not judged.")
    yield Text(method, "soft")


def deeper_tables(found: Results) -> Iterator[Block]:
    """What identity layers changed, in the study that asks for it."""
    if not found.study.deeper:
        return
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

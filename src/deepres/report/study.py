"""The page of a study: the paper's table and ours, verdicts, figures, how each run was made."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from .. import __file__ as package
from ..spec import Recipe
from ..studies.claims import BRIEFLY, METHOD
from ..studies.cost import ARITHMETIC, told
from ..studies.rows import Results
from ..studies.study import Study, at_scale, source_of
from .as_html import html
from .as_markdown import markdown
from .blocks import Block, Code, Heading, Raw, Text
from .counted import counted_blocks
from .made import made
from .panels import panels, responses
from .tables import claims_table, deeper_tables, main_tables


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
        scale = (
            "as declared" if found.study.own and found.scale == "paper" else f"{found.scale} scale"
        )
        yield f"{runs} on {found.data.name}, {scale}."
    if found.study.own:
        yield "Data and schedule are ours: no number here compares with the paper's."
    recipe = found_recipe(found)
    if found.runs and recipe.scaled_from is not None:
        full = recipe.scaled_from
        pull = f" rate x decay x steps is {recipe.shrinkage:.2g} instead of {full.shrinkage:.2g},"
        told_ = "" if full.drops == "plateau" else f":{pull}"  # where nobody knows it beforehand
        yield (
            f"They take {recipe.steps:,} of {full.steps:,} steps{told_ or ','} so they are hardly"
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
    """Figures, tables and verdicts; beside the paper's whole tables, or of what was run alone."""
    shown = found if found.comparable else _run_only(found)
    yield from _figures(shown)
    yield from _verdicts(found, shown, METHOD)
    yield from _missing(found, shown)


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
    yield from deeper_tables(found)


def _verdicts(found: Results, shown: Results, method: str) -> Iterator[Block]:
    """What became of the claims that are shown; the whole study is what corrects them."""
    if not found.study.claims and not found.study.deeper:
        return
    claims = {claim.claim for claim in found.study.claims}
    left = claims - {claim.claim for claim in shown.study.claims}
    yield Heading(f"What {found.study.claimed_by} claims")
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


def _explained(found: Results) -> str:
    return " ".join(_of_curves(found))


def _of_curves(found: Results) -> Iterator[str]:
    yield (
        "Dashed: error on the training pictures as it was. Bold: test error, which was only"
        " watched on the way and chose nothing; its last point is the final one."
    )
    if found_recipe(found).drops:
        yield "Dotted lines: the rate divided by 10."
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
        yield "Those of plain networks were read off its Fig. 6 by others."


def differences() -> list[Block]:
    """Every decision that the paper left open, from the package's own page."""
    here = Path(package).parent
    for path in (here / "DIFFERENCES.md", here.parent.parent / "DIFFERENCES.md"):
        if path.is_file():
            return [Raw("#" + path.read_text(encoding="utf-8"))]
    return []

"""The page of the demo: Fig. 6's left and middle panels on digits, and what follows from them."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from ..runs import log
from ..runs.folder import Folder, read
from ..runs.log import Evaluated, Report
from ..runs.provenance import machine, versions
from ..spec import Recipe, Run
from ..studies.claims import Finding
from ..studies.demo import (
    CAUTION,
    DEPTHS,
    Existence,
    Gradients,
    Row,
    down,
    existence_said,
    gradients_said,
    mean,
    seen,
)
from .chart import Axes, Series, chart
from .page import columns, facts, heading, page, paragraph, subheading, table
from .settings import said

TITLE = "Plain and residual networks on digits"


def demo_page(
    folders: Mapping[str, Folder],
    rows: Mapping[str, Row],
    claims: Sequence[Finding],
    found: Existence,
    gradients: Sequence[Gradients],
    seconds: float,
) -> str:
    """The whole page; `folders` are of the first seed's runs, by name."""
    seeds = len(next(iter(rows.values())).test)
    recipe = read(next(iter(folders.values())).run, Run).recipe
    body = [
        f"<h1>{TITLE}</h1>",
        paragraph(
            "The left and middle panels of Fig. 6 of Deep Residual Learning for Image Recognition,"
            " in miniature.",
            "soft",
        ),
        *(paragraph(sentence) for sentence in seen(rows)),
        paragraph(CAUTION, "note"),
        *_panels(folders, recipe, seeds),
        *_table(rows),
        *_claims(claims),
        heading("A deeper plain network that is as good exists"),
        paragraph(existence_said(found, rows[f"plain-{found.deep}"])),
        *_gradients(gradients),
        *_how(recipe, seconds, seeds),
    ]
    return page(TITLE, body)


def _panels(folders: Mapping[str, Folder], recipe: Recipe, seeds: int) -> Iterator[str]:
    yield heading("Error while they train")
    yield '<div class="charts">'
    for kind in ("plain", "residual"):
        series = []
        for colour, depth in enumerate(DEPTHS, 1):
            lines = list(log.read(folders[f"{kind}-{depth}"].log))
            training = [(x.step, x.training_error) for x in lines if isinstance(x, Report)]
            tests = {
                x.step: x.top1_error
                for x in lines
                if isinstance(x, Evaluated) and x.pictures == "test" and x.statistics_images
            }
            series.append(Series("", training, "thin", colour))
            series.append(Series(f"{kind}-{depth}", sorted(tests.items()), "bold", colour))
        axes = Axes("step", "error, %", recipe.steps, 0, 100)
        drops = [] if recipe.drops == "plateau" else [(drop, "rate / 10") for drop in recipe.drops]
        yield chart(f"{kind.capitalize()} networks", axes, series, drops)
    yield "</div>"
    yield paragraph(
        "Thin: error on the training pictures as it was during training (shifted, training mode)."
        " Bold: error on the test pictures, only watched: it chose nothing."
        + (
            f" Drawn is the first of {seeds} seeds; the table below is of all." if seeds > 1 else ""
        ),
        "soft",
    )


def _table(found: Mapping[str, Row]) -> Iterator[str]:
    yield heading("At the end")
    seeds = len(next(iter(found.values())).test)
    rows = "".join(
        f"<tr><td>{row.name}</td>{_cell(row.training_errors, [e.top1 for e in row.trained_on])}"
        f"{_cell(row.test_errors, [e.top1 for e in row.test])}</tr>"
        for row in found.values()
    )
    first = next(iter(found.values()))
    head = "".join(
        f'<th scope="col" class="number">{text}<small>wrong of {count:,}</small></th>'
        for text, count in (
            ("training error, clean", first.trained_on[0].seen),
            ("test error", first.test[0].seen),
        )
    )
    yield (
        f'<div class="wide"><table><thead><tr><th scope="col">network</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    if seeds > 1:
        yield paragraph(f"Mean and standard deviation over {seeds} seeds.", "soft")


def _cell(errors: Sequence[float], wrong: Sequence[int]) -> str:
    counts = ", ".join(map(str, wrong))
    return f'<td class="number">{mean(errors)}<small>{counts}</small></td>'


def _claims(claims: Sequence[Finding]) -> Iterator[str]:
    yield heading("What the paper claims, and what digits say")
    rows = "".join(
        f'<tr><td>{escape(c.claim)}</td><td class="text">{escape(c.found)}</td>'
        f'<td class="verdict {c.verdict.split()[0]}">{c.verdict}</td></tr>'
        for c in claims
    )
    yield f'<div class="wide"><table><tbody>{rows}</tbody></table></div>'


def _gradients(gradients: Sequence[Gradients]) -> Iterator[str]:
    yield heading("Gradients, layer by layer")
    yield '<div class="charts">'
    for which, title in (("first", "At the start"), ("last", "After training")):
        norms = {g.name: getattr(g, which) for g in gradients}
        values = [v for one in norms.values() for v in one]
        axes = Axes(
            "depth, from the first layer (0) to the last convolution (1)",
            "norm of the gradient",
            1,
            min(values) / 1.3,
            max(values) * 1.3,
            logarithmic=True,
        )
        series = [
            Series(name, _over_depth(one), "bold" if n % 2 else "thin", 1 + n // 2)
            for n, (name, one) in enumerate(norms.items())
        ]
        yield chart(title, axes, series)
    yield "</div>"
    yield paragraph(gradients_said(gradients))
    yield table(
        ["first layer's, in multiples of the last convolution's", "at the start", "afterwards"],
        [(g.name, f"{down(g.first):.3g}", f"{down(g.last):.2g}") for g in gradients],
    )


def _over_depth(norms: Sequence[float]) -> list[tuple[float, float]]:
    return [(n / (len(norms) - 1), norm) for n, norm in enumerate(norms)]


def _how(recipe: Recipe, seconds: float, seeds: int) -> Iterator[str]:
    rows = [
        ("pictures", "1,297 digits of 8 x 8 to train on, 500 to test with, in the package"),
        ("steps", f"{recipe.steps} of {recipe.batch} pictures"),
        ("rate", f"{recipe.lr}, divided by 10 at {said(recipe.drops)}"),
        ("momentum, decay", f"{recipe.momentum}, {recipe.decay:g}"),
        ("augmentation", f"a shift by at most {recipe.shift} pixel, no mirror"),
        ("seeds", str(seeds)),
        ("this took", f"{seconds:.0f} s"),
    ]
    told = machine()
    yield heading("How")
    yield from columns(
        [subheading("Recipe"), facts(rows)],
        [subheading("Machine"), facts((n.replace("_", " "), said(v)) for n, v in told.items())]
        + [facts(versions().items())],
    )

"""The page of one run: its curves, its numbers, where it goes wrong, exactly how it was made."""

from collections.abc import Iterator, Sequence
from html import escape

from ..errors import UserError
from ..runs import log
from ..runs.folder import Folder, read
from ..runs.log import Evaluated, Found, Line, Report, Skipped
from ..runs.provenance import Provenance
from ..runs.result import Mistake, Result
from ..spec import Recipe, Run
from . import settings
from .chart import Axes, Series, chart
from .page import cards, columns, heading, page, paragraph, table

MATRIX_AT_MOST = 20  # classes; more make a list of the pairs that are confused most
PAIRS = 20


def run_page(folder: Folder) -> str:
    """The page of a run that is finished or under way."""
    run = read(folder.run, Run)
    if not folder.log.exists():
        raise UserError(f"{folder.path} has no log.jsonl: nothing was trained there yet.")
    lines, result = list(log.read(folder.log)), folder.finished()
    body = [*_top(run, lines, result), *_curves(run, lines)]
    if result is not None:
        body += [*columns(_numbers(result), _confusion(result)), *_mistakes(result.mistakes)]
    body += _skipped(lines)
    provenance = read(folder.provenance, Provenance) if folder.provenance.exists() else None
    return page(run.name, [*body, *settings.recipe(run), *settings.made(provenance)])


def _top(run: Run, lines: Sequence[Line], result: Result | None) -> Iterator[str]:
    layers = f"{run.arch.layers} layers, " if run.arch else ""
    yield f"<h1>{escape(run.name)}</h1>"
    yield paragraph(f"{layers}{run.recipe.steps:,} steps, seed {run.seed}, key {run.key}", "soft")
    if run.recipe.scaled_from is not None:
        full = run.recipe.scaled_from
        yield paragraph(
            f"A short form of {full.steps:,} steps: rate x decay x steps is"
            f" {run.recipe.shrinkage:.4f} instead of {full.shrinkage:.4f}, so it is hardly"
            " regularised and its errors do not stand beside the full schedule's.",
            "note",
        )
    if result is None:
        done = max((line.step for line in lines), default=0)
        yield paragraph(f"Under way: step {done:,} of {run.recipe.steps:,}.", "note")
        return
    held = result.held_out
    told = [
        ("test error, top 1", percent(result.test.top1_error), of(result.test.top1, result)),
        ("test error, top 5", percent(result.test.top5_error), of(result.test.top5, result)),
        (
            "training error, clean",
            percent(result.trained_on.top1_error),
            f"{result.trained_on.top1:,} of {result.trained_on.seen:,}",
        ),
        ("training time", time(result.seconds), f"{result.images_per_second:,.0f} images/s"),
    ]
    if held is not None:
        told.insert(1, ("held-out error", percent(held.top1_error), f"{held.top1} of {held.seen}"))
    yield cards(told)


def percent(value: float) -> str:
    """Two digits behind the point, as the paper prints them."""
    return f"{value:.2f} %"


def of(wrong: int, result: Result) -> str:
    """So many of the test pictures."""
    return f"{wrong:,} of {result.test.seen:,}"


def time(seconds: float) -> str:
    """45 s, 12 min 3 s, 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _curves(run: Run, lines: Sequence[Line]) -> Iterator[str]:
    reports = [line for line in lines if isinstance(line, Report)]
    if not reports:
        return
    series = [
        Series(
            "training error as it was: augmented, training mode",
            [(r.step, r.training_error) for r in reports],
            "thin",
            1,
        ),
        Series("clean training error", looked(lines, "trained on", False), "dashed", 2),
        Series("held-out error", looked(lines, "held out", False), "bold", 3),
        Series("test error, only watched", looked(lines, "test", True), "bold", 4),
        Series("test error, at the end", looked(lines, "test", False), "dots", 4),
    ]
    end = run.recipe.steps
    marks = _marks(run.recipe, lines)
    axes = Axes("step", "error, %", end, 0, worth_seeing(series))
    losses = [r.loss for r in reports if r.loss > 0]
    low, high = min(losses, default=0.1) / 1.15, max(losses, default=1) * 1.15
    loss = Series("mean loss of each report", [(r.step, r.loss) for r in reports], "thin", 1)
    yield heading("Curves")
    yield '<div class="charts">'
    yield chart("Error", axes, series, marks)
    yield chart("Loss in training", Axes("step", "loss", end, low, high, True), [loss], marks)
    yield "</div>"
    yield paragraph(_explained(run, lines), "soft")


def looked(lines: Sequence[Line], pictures: str, watching: bool) -> list[tuple[float, float]]:
    """The errors at population statistics of one kind of look, by step."""
    found = [
        line
        for line in lines
        if isinstance(line, Evaluated) and line.pictures == pictures and line.watching == watching
    ]
    best = {line.step: line for line in sorted(found, key=lambda line: line.statistics_images)}
    return [(step, line.top1_error) for step, line in sorted(best.items())]


def worth_seeing(series: Sequence[Series]) -> float:
    """The top of an error chart: where the curves run, not where they begin."""
    values = [y for one in series for _, y in one.points]
    late = [y for one in series for _, y in one.points[len(one.points) // 10 :]]
    return min(100.0, max(5.0, 1.1 * max(late, default=max(values, default=100.0))))


def _marks(recipe: Recipe, lines: Sequence[Line]) -> Sequence[tuple[float, str]]:
    drops = () if recipe.drops == "plateau" else recipe.drops
    events = [e for e in lines if isinstance(e, Found) and e.event != "overflow"]  # many, of fp16
    return [(drop, "rate / 10") for drop in drops] + [(e.step, e.event) for e in events]


def _explained(run: Run, lines: Sequence[Line]) -> str:
    looks = [line for line in lines if isinstance(line, Evaluated) and line.statistics_images]
    images = looks[0].statistics_images if looks else 0
    text = "Dotted lines mark where the rate was divided by 10."
    if any(line.step < run.recipe.steps for line in looks):
        text += (
            f" On the way, clean errors are of the first {looks[0].seen:,} images trained on, with"
            f" population statistics of {images:,} of them; at the end, of all."
        )
    if any(line.watching for line in looks):
        text += " Test errors on the way were only watched: they chose nothing."
    return text


def _numbers(result: Result) -> Iterator[str]:
    rows = [
        ("test, population statistics", result.test),
        ("test, running statistics", result.test_running),
        ("held out, population statistics", result.held_out),
        ("trained on, clean, population statistics", result.trained_on),
        ("last report of training: augmented", result.while_training),
    ]
    yield heading("Final errors")
    yield table(
        ["pictures", "top 1", "wrong", "of"],
        [
            (name, percent(e.top1_error), f"{e.top1:,}", f"{e.seen:,}")
            for name, e in rows
            if e is not None
        ],
    )


def _confusion(result: Result) -> Iterator[str]:
    names, counts = result.classes, result.confusion
    yield heading("What is taken for what")
    if len(names) > MATRIX_AT_MOST:
        pairs = [
            (counts[a][b], names[a], names[b])
            for a in range(len(names))
            for b in range(len(names))
            if a != b and counts[a][b]
        ]
        pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
        rows = [(f"{was} taken for {taken}", str(n)) for n, was, taken in pairs[:PAIRS]]
        yield table(["confused most often", "times"], rows)
        return
    wrong = [counts[a][b] for a in range(len(names)) for b in range(len(names)) if a != b]
    worst = max(wrong, default=0)
    turned = ("<span>", "</span>") if max(map(len, names)) > 2 else ("", "")
    head = "".join(f'<th scope="col">{escape(name).join(turned)}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row" class="row">{escape(name)}</th>'
        + "".join(_cell(n, a == b, sum(row), worst) for b, n in enumerate(row))
        + "</tr>"
        for a, (name, row) in enumerate(zip(names, counts, strict=True))
    )
    yield paragraph("A row for each true class, a column for each answer, on the test set.", "soft")
    yield (
        f'<div class="wide"><table class="matrix"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(number: int, right: bool, total: int, worst: int) -> str:
    if not number:
        return '<td class="soft">·</td>'
    colour, share = ("--heat", number / total) if right else ("--bad", number / max(worst, 1))
    return f'<td style="background:rgba(var({colour}),{0.08 + 0.42 * share:.2f})">{number}</td>'


def _skipped(lines: Sequence[Line]) -> Iterator[str]:
    """The pictures that were left out: none is in silence."""
    found = [line for line in lines if isinstance(line, Skipped)]
    if found:
        yield heading("Pictures left out")
        yield paragraph(f"{len(found):,} could not be used and were skipped, as was asked for.")
        yield table(("picture", "why"), [(line.picture, line.reason) for line in found])


def _mistakes(mistakes: Sequence[Mistake]) -> Iterator[str]:
    if not mistakes:
        return
    yield heading("The most confident mistakes")
    yield '<div class="pictures">'
    for mistake in mistakes:
        sure = f"{100 * mistake.probability:.0f} % sure"
        words = f"{escape(mistake.label)}<br><small>{escape(mistake.guess)}, {sure}</small>"
        said = f"test picture {mistake.index}: {mistake.label}, taken for {mistake.guess}"
        yield (
            f'<figure><img alt="{escape(said)}" title="{escape(said)}"'
            f' src="data:image/png;base64,{mistake.png}"><figcaption>{words}</figcaption></figure>'
        )
    yield "</div>"

"""How a study's runs were made: recipes, curves, counts, machines."""

from collections.abc import Iterator

from ..cores import counted
from ..models.zoo import arch
from ..spec import Plan, Recipe
from ..studies.rows import Results
from ..studies.study import Row, at_scale, usual
from ..studies.told import Told
from .blocks import Block, Charts, Facts, Figure, Heading, Table
from .chart import Axes, chart
from .panels import UNIT, lines
from .run import time
from .settings import said

# Of a recipe, what Sec. 4.2 speaks of; the rest is told where it is not as usual.
ALWAYS: tuple[str, ...] = (
    "batch",
    "steps",
    "lr",
    "drops",
    "warm_up",
    "momentum_form",
    "momentum",
    "decay",
)
ALWAYS += ("decay_on", "replicas", "centre", "padding", "shift", "mirror", "precision")


def made(found: Results) -> Iterator[Block]:
    """Each row's recipe and curves, each run's numbers and where it comes from."""
    yield Heading("How each was trained")
    common = at_scale(found.study, found.study.rows[0], found.scale)
    yield Facts(
        [*recipe_facts(common, found.study.data), ("how it is tested", _views(found.study.rows[0]))]
    )
    rows = [(row.name, _parameters(row), _differs(found, row, common)) for row in found.study.rows]
    yield Table(["row", "network", "differs in"], rows, frozenset({0, 1, 2}))
    if not found.runs:
        return
    yield Heading("Each row's curves")
    yield Charts([_curves(found, row) for row in found.rows if row.outcomes])
    yield Heading("Each run")
    head = ["run", "key", "test, wrong of", "running statistics", "training, wrong of", "time"]
    yield Table(head, [cells for row in found.rows for cells in _runs(row)])
    yield Heading("Where they were computed")
    yield Table(["runs", "machine", "plan", "versions"], _places(found), frozenset(range(4)))


def _parameters(row: Row) -> str:
    return f"{row.network}, {arch(row.network).layers} layers"


def _views(row: Row) -> str:
    views = row.views.views
    return {"one": "one view", "ten": "ten crops"}.get(views, f"{views}, {said(row.views.scales)}")


def _differs(found: Results, row: Row, common: Recipe) -> str:
    mine = at_scale(found.study, row, found.scale)
    changed = [
        f"{name.replace('_', ' ')} {said(getattr(mine, name))}"
        for name in mine.__struct_fields__
        if name != "scaled_from" and getattr(mine, name) != getattr(common, name)
    ]
    if row.held_out:
        changed.append(f"{row.held_out:,} training images held out")
    if row.grown_from:
        changed.append(f"begins as {row.grown_from} with identity layers added")
    if row.measure != "test error":
        changed.append(row.measure)
    return ", ".join(changed) or "-"


def recipe_facts(recipe: Recipe, data: str) -> list[tuple[str, str]]:
    """A recipe, with the paper's beside what is not."""
    section, paper = usual(data)
    rows = []
    for name in recipe.__struct_fields__:
        here, theirs = getattr(recipe, name), getattr(paper, name)
        if name == "scaled_from" or (name not in ALWAYS and here == theirs):
            continue
        text = said(here) + ("" if here == theirs else f" ({section}: {said(theirs)})")
        rows.append((name.replace("_", " "), text))
    return rows


def _curves(found: Results, row: Told) -> Figure:
    series = list(lines(row, 1))
    worst = max((y for one in series for _, y in one.points[len(one.points) // 4 :]), default=50.0)
    end = at_scale(found.study, row.row, found.scale).steps / UNIT
    axes = Axes("iterations (1e4)", "error, %", end, 0, min(100.0, max(5.0, 1.15 * worst)))
    return Figure(row.row.name, chart(row.row.name, axes, series))


def _runs(row: Told) -> Iterator[list[str]]:
    for one in row.outcomes:
        yield [
            f"{row.row.name}, seed {one.run.seed}",
            one.key,
            f"{one.test.top1:,} / {one.test.seen:,}",
            f"{one.test_running.top1:,}",
            f"{one.trained_on.top1:,} / {one.trained_on.seen:,}",
            time(one.seconds),
        ]


def _places(found: Results) -> list[list[str]]:
    """Machines, plans and versions, those that agree told once."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    once = {one.key: one for row in found.rows for one in row.outcomes}
    for one in once.values():
        plan = one.plan
        machine = ", ".join(
            f"{one.machine.get(name, '?')}{unit}"
            for name, unit in (("processor", ""), ("cores", " cores"), ("instructions", ""))
        )
        how = _how(plan) if plan else "?"
        versions = ", ".join(f"{name} {text}" for name, text in one.versions.items())
        versions += f", commit {one.commit}" if one.commit else ""
        alike.setdefault((machine, how, versions), []).append(one.key)
    return [[f"{len(keys)}: {', '.join(keys)}", *place] for place, keys in alike.items()]


def _how(plan: Plan) -> str:
    """A plan in words, with what is not as usual of all that may change a bit."""
    usually, told = Plan(), [plan.device, plan.engine, counted(plan.threads)]
    for name in ("layout", "replicas", "checkpointed", "tiny_maps", "layers", "ranks"):
        if getattr(plan, name) != getattr(usually, name):
            told.append(f"{name.replace('_', ' ')} {said(getattr(plan, name))}")
    return ", ".join(told)

"""A table or a figure of the paper as a value: rows, what is printed beside them, what is claimed.

No torch: studies are listed and shown in a blink. A row says how one network is trained and which
of its errors is the row's number; runs follow from rows, data, scale and seeds.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct, structs

from ..errors import UserError
from ..models.zoo import arch
from ..runs.declare import ANY_SIZE, AUGMENTATION, DEEP
from ..spec import CIFAR, IMAGENET, Data, Protocol, Recipe, Run, scaled

Scale = Literal["smoke", "short", "paper"]
SCALES: tuple[Scale, ...] = ("smoke", "short", "paper")
SHORT = 10  # a short run takes one tenth of the steps
CLASSES = {
    "cifar10": 10,
    "cifar100": 100,
    "synthetic": 10,
    "digits": 10,
    "imagenette": 10,
    "imagenet": 1000,
}

# A smoke run shows that everything works and nothing else: seconds, even for 1202 layers.
SMOKE_STEPS, SMOKE_BATCH, SMOKE_SEEDS = 4, 8, 1
SMOKE_IMAGES, SMOKE_TEST = 32, 16
SMOKE_CROP, SMOKE_SHORTER = 64, (73, 137)  # of pictures of any size

# What stands in a row's column of errors, in percent.
Measure = Literal[
    "test error",  # population statistics
    "test error with running statistics",
    "clean training error",
    "training error as it was",  # augmented, training mode, the last reports
    "training error as it was, mean of all steps",
    "deviation of responses",  # mean over the 3x3 layers, Fig. 7
    "gradient of the first layer over the last's",  # norms of convolutions' gradients, Sec. 4.1
]


class Printed(Struct, frozen=True, kw_only=True):
    """What somebody printed: an error in percent, how it came about, mean and deviation if told."""

    error: float | None = None
    top5: float | None = None
    note: str = ""
    spread: tuple[float, float] | None = None
    digits: int = 2  # behind the point
    parameters: str = ""

    @property
    def about(self) -> bool:
        """Whether it was read off a plot: nothing is subtracted from it."""
        return self.note.startswith("about")


class Row(Struct, frozen=True, kw_only=True):
    """One network of a study, how it is trained, tested, and what the paper prints for it."""

    name: str
    network: str
    recipe: Recipe = CIFAR
    held_out: int = 0  # of the training images, of which there are then fewer
    seeds: int = 1
    measure: Measure = "test error"
    paper: Printed | None = None
    others: tuple[tuple[str, Printed], ...] = ()  # what else was printed for it, and by whom
    grown_from: str = ""  # the row whose trained network this one begins with, deepened
    views: Protocol = Protocol()  # how the trained network is tested; training never depends on it


class Claim(Struct, frozen=True, kw_only=True):
    """An inequality: `larger`'s measure exceeds `smaller`'s, which may be a number.

    `margin` is how far apart single runs must lie to decide without a test over seeds.
    """

    claim: str
    larger: str | float
    smaller: str | float
    measure: Measure
    margin: float = 3.0

    @property
    def named(self) -> set[str]:
        """The rows that it speaks of."""
        return {side for side in (self.larger, self.smaller) if isinstance(side, str)}

    @property
    def holds_a_number(self) -> bool:
        """Whether an error stands against a number, which the paper prints of its own runs."""
        return len(self.named) < 2 and "error" in self.measure


class Panel(Struct, frozen=True, kw_only=True):
    """A chart in the paper's manner: training dashed, test bold."""

    title: str
    rows: tuple[str, ...]
    top: float = 20.0  # end of the error axis, percent


class Study(Struct, frozen=True, kw_only=True):
    """A table, a figure or an argument of the paper, declared whole."""

    name: str
    title: str
    text: tuple[str, ...]  # the paper's paragraph in plain words
    rows: tuple[Row, ...] = ()
    kind: Literal["trained", "counted", "ensemble"] = "trained"
    data: str = "cifar10"
    size: int = 32
    beside: tuple[tuple[str, Printed], ...] = ()  # rows of the paper's table that are not ours
    claims: tuple[Claim, ...] = ()
    claimed_by: str = "the paper"
    own: bool = False  # data and schedule are ours, and judge no sentence of the paper
    panels: tuple[Panel, ...] = ()
    baseline: str = ""  # of an ablation: the row that others are compared with
    responses: bool = False  # Fig. 7 is drawn
    gradients: bool = False  # their norms are measured
    deeper: tuple[int, ...] = ()  # depths that the first row's network is grown to by identities

    def row(self, name: str) -> Row:
        """A row by its name."""
        return next(row for row in self.rows if row.name == name)


def row(name: str, network: str, **told: object) -> Row:
    """A row of Sec. 4.2: networks of 110 layers and more warm up, as `deepres train` does it."""
    made = Row(name=name, network=network, **told)  # type: ignore[arg-type]
    if "recipe" in told or arch(network).layers < DEEP:
        return made
    return structs.replace(made, recipe=structs.replace(CIFAR, warm_up="error"))


def in_precision(study: Study, precision: Literal["fp32", "bf16", "fp16"]) -> Study:
    """The same study of runs in another precision: never mixed with those in fp32."""
    rows = tuple(
        structs.replace(one, recipe=structs.replace(one.recipe, precision=precision))
        for one in study.rows
    )
    return structs.replace(study, rows=rows, title=f"{study.title} (trained in {precision})")


def source_of(study: Study, data: str) -> str:
    """What is typed after `--data` for it."""
    if data not in (*ANY_SIZE, study.data):
        return data
    return "folder:IMAGENET" if study.data == "imagenet" else study.data


def chosen(study: Study, only: str | None) -> tuple[Row, ...]:
    """The rows that `--only` names, by row or by network, with those they begin from."""
    if only is None:
        return study.rows
    mine = [one for one in study.rows if only in (one.name, one.network)]
    if not mine:
        names = ", ".join(one.name for one in study.rows)
        raise UserError(f"{study.name} has no row {only!r}: its rows are {names}.")
    needed = {one.grown_from for one in mine}
    return tuple(one for one in study.rows if one in mine or one.name in needed)


def seeds_of(one: Row, scale: Scale, seeds: int | None = None) -> int:
    """How many seeds a row takes: those asked for, else those declared; smoke takes one."""
    if seeds is not None:
        return seeds
    return SMOKE_SEEDS if scale == "smoke" else one.seeds


def runs_of(
    study: Study, one: Row, scale: Scale, data: Data, classes: int, seeds: Iterable[int]
) -> list[Run]:
    """A row's runs, a seed each."""
    return [_run(study, one, scale, data, classes, seed) for seed in seeds]


def _run(study: Study, one: Row, scale: Scale, data: Data, classes: int, seed: int) -> Run:
    recipe = one.recipe
    if study.size == 32:
        recipe = structs.replace(recipe, **AUGMENTATION.get(data.name, {}))
    parent = study.row(one.grown_from) if one.grown_from else None
    whole = Run(
        name=f"{one.network}-{data.name}",
        arch=arch(one.network, classes),
        data=structs.replace(data, held_out=one.held_out),
        recipe=recipe,
        seed=seed,
        grown_from=_run(study, parent, scale, data, classes, seed) if parent else None,
    )
    return at(whole, scale)


def at(run: Run, scale: Scale) -> Run:
    """The run at a scale: the one place where short and smoke forms are made."""
    if scale == "paper":
        return run
    if scale == "short":
        return scaled(run, max(1, run.recipe.steps // SHORT))
    small = scaled(run, SMOKE_STEPS)
    cut = {"crop": SMOKE_CROP, "shorter": SMOKE_SHORTER} if run.data.name in ANY_SIZE else {}
    recipe = structs.replace(
        small.recipe,
        batch=SMOKE_BATCH,
        replicas=min(run.recipe.replicas, SMOKE_BATCH // 2),  # no picture is normalised alone
        **cut,
    )
    held_out = min(run.data.held_out, SMOKE_TEST)
    data = structs.replace(
        run.data, train_images=SMOKE_IMAGES, test_images=SMOKE_TEST, held_out=held_out
    )
    protocol = structs.replace(run.protocol, statistics_images=SMOKE_TEST)
    return structs.replace(small, recipe=recipe, data=data, protocol=protocol)


def told_scale(run: Run) -> str:
    """What is stamped on a row: the schedule, and how much of the full one it is."""
    recipe = run.recipe
    text = f"{recipe.steps:,} steps"
    if recipe.scaled_from is not None:
        text += f" of {recipe.scaled_from.steps:,}"
    return text


def anonymous(run: Run) -> str:
    """A key of all but the seed and the data's digests: what makes runs the same row's."""
    return _bare(run).key


def _bare(run: Run) -> Run:
    data = structs.replace(run.data, train="", test="")
    parent = None if run.grown_from is None else _bare(run.grown_from)
    return structs.replace(run, data=data, seed=0, grown_from=parent)


def usual(data: str) -> tuple[str, Recipe]:
    """The recipe of the paper for data of this kind, and where it is told."""
    pictures = data in ("imagenet", "imagenette", *ANY_SIZE)
    return ("Sec. 3.4", IMAGENET) if pictures else ("Sec. 4.2", CIFAR)


def at_scale(study: Study, one: Row, scale: Scale) -> Recipe:
    """A row's recipe at a scale."""
    return runs_of(study, one, scale, Data(name=study.data), CLASSES[study.data], [0])[0].recipe

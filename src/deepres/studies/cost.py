"""What a study costs, by arithmetic that is stated: multiply-adds over a rate for each machine."""

from collections.abc import Sequence

from ..spec import Data, Run
from .study import CLASSES, Row, Scale, Study, runs_of, seeds_of

# Of one picture, as `deepres count` counts them; a test compares.
MULTIPLY_ADDS = {
    "plain20": 40_551_040,
    "plain32": 68_862_592,
    "plain44": 97_174_144,
    "plain56": 125_485_696,
    "plain110": 252_887_680,
    "resnet20": 40_551_040,
    "resnet20-a-both": 40_551_040,
    "resnet20-b": 40_813_184,
    "resnet20-c": 42_648_192,
    "resnet32": 68_862_592,
    "resnet44": 97_174_144,
    "resnet56": 125_485_696,
    "resnet110": 252_887_680,
    "resnet1202": 2_829_238_912,
    "resnet18 at 32": 37_016_576,
    "plain18 at 64": 146_984_960,
    "plain34 at 64": 297_979_904,
    "resnet18-a at 64": 146_984_960,
    "resnet34-a at 64": 297_979_904,
    "plain18": 1_794_805_760,
    "plain34": 3_644_493_824,
    "resnet18-a": 1_794_805_760,
    "resnet34-a": 3_644_493_824,
    "resnet34": 3_663_761_408,
    "resnet34-c": 3_830_747_136,
    "resnet50": 3_857_973_248,
    "resnet101": 7_570_194_432,
    "resnet152": 11_282_415_616,
}
PASSES = 3  # forward, and twice as much backward

# Multiply-adds a second in training. Two cores: what `accel.choose` goes by. The GPUs are
# assumed, not measured: a quarter of a T4's fp32 peak, and an H100 that waits for small kernels.
RATES = {"2 cores": 5e10, "a T4": 1e12, "an H100": 5e12}


def work(study: Study, rows: Sequence[Row], scale: Scale, seeds: int | None = None) -> float:
    """Multiply-adds of a study's trainings, a run that rows share counted once."""
    return sum(
        PASSES * _of_one(study, run, row) * run.recipe.batch * run.recipe.steps
        for row, run in _each(study, rows, scale, seeds)
    )


def _each(
    study: Study, rows: Sequence[Row], scale: Scale, seeds: int | None
) -> list[tuple[Row, Run]]:
    data = Data(name=study.data)
    once: dict[str, tuple[Row, Run]] = {}
    for row in rows if study.kind != "counted" else ():
        each = range(seeds_of(row, scale, seeds))
        for run in runs_of(study, row, scale, data, CLASSES[study.data], each):
            once.setdefault(run.key, (row, run))
    return list(once.values())


def _of_one(study: Study, run: Run, row: Row) -> int:
    assert run.arch is not None
    edge = study.size if study.size == 32 else run.recipe.crop
    return MULTIPLY_ADDS[row.network if edge == run.arch.input_size else f"{row.network} at {edge}"]


def trainings(study: Study, scale: Scale) -> int:
    """How many runs there are."""
    return len(_each(study, study.rows, scale, None))


def told(study: Study, scale: Scale) -> str:
    """The cost on each machine, and how it comes about."""
    total = work(study, study.rows, scale)
    if not total:
        return "seconds: nothing is trained"
    each = ", ".join(f"{minutes(total / rate / 60)} on {name}" for name, rate in RATES.items())
    count = trainings(study, scale)
    return f"{each} ({count} run{'s' if count > 1 else ''}, {total:.1e} multiply-adds)"


def minutes(count: float) -> str:
    """In minutes, as people say it."""
    if count < 1:
        return "under a minute"
    if count < 1.5:
        return "1 minute"
    return f"{count:,.0f} minutes" if count < 999.5 else f"{float(f'{count:.2g}'):,.0f} minutes"


ARITHMETIC = (
    "Arithmetic: multiply-adds of a picture x 3 (forward, and twice as much backward) x batch x"
    " steps, over "
    + ", ".join(f"{rate:.0e} a second on {name}" for name, rate in RATES.items())
    + "; the rates of GPUs are assumed."
)

"""Error against seconds: the fast recipe, the paper's and the usual one, each on its own schedule.

    python bench/time_to_error.py --network resnet20 --data cifar10 --split 5000 --share 1

Errors are of pictures held out of the training images, at population statistics, on the way; the
test set is read once, at the end, and only by runs that hold nothing out (`--split 0`). A share of
1 is each recipe's whole schedule; less moves everything in proportion, and its errors stand beside
nobody's. The usual way is eager, in torch's own layout; the others go as `deepres train` would.
Without arguments: digits, a moment, to see that it works.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from msgspec import structs

from deepres.accel.choose import choose
from deepres.accel.device.fleet import job_of
from deepres.accel.device.planned import found, planned
from deepres.data.pictured import edge
from deepres.models.zoo import arch
from deepres.runs.declare import AUGMENTATION
from deepres.runs.log import Evaluated, Report
from deepres.runs.pictures import Pictures, gathered
from deepres.runs.result import Result
from deepres.runs.work import network_of
from deepres.spec import CIFAR, FAST, Plan, Recipe, Run, scaled
from timing import line

# As most tutorials have it: 200 epochs, torch's momentum, a mean and deviation for each channel,
# black borders, one share, more decay.
USUAL = Recipe(
    steps=78_200,
    drops=(39_100, 58_650),
    momentum_form="torch",
    decay=5e-4,
    centre="channels",
    padding="black",
    replicas=1,
)
RECIPES = {"fast": FAST, "paper": CIFAR, "usual": USUAL}
LOOKS = 20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", default="resnet8")
    parser.add_argument("--data", default="digits")
    parser.add_argument(
        "--split", type=int, default=200, help="images held out; 0 tests at the end"
    )
    parser.add_argument("--share", type=float, default=0.001, help="of each recipe's steps")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    parser.add_argument("--runs", type=Path, help="keeps the folders, and goes on with them")
    given = parser.parse_args()
    pictures, data = gathered(given.data, _kept(given.data, given.split))
    with tempfile.TemporaryDirectory() as folder:
        for name, recipe in RECIPES.items():
            recipe = structs.replace(
                recipe, precision=given.precision, **AUGMENTATION.get(data.name, {})
            )
            for seed in range(given.seeds):
                made = arch(given.network, len(pictures.train.classes))
                run = Run(
                    name=f"{given.network}-{name}", arch=made, data=data, recipe=recipe, seed=seed
                )
                run = scaled(run, max(1, round(given.share * recipe.steps)))
                where = (given.runs or Path(folder)) / f"{run.name}-{run.key}"
                plan = plan_of(name, run, pictures, given.device)
                points = list(followed(run, pictures, where, plan))
                line(
                    "error against seconds",
                    recipe=name,
                    network=given.network,
                    data=data.name,
                    held_out=data.held_out,
                    steps=run.recipe.steps,
                    of_steps=recipe.steps,
                    precision=given.precision,
                    seed=seed,
                    device=given.device,
                    engine=plan.engine,
                    points=points,
                )


def _kept(source: str, held_out: int) -> int | None:
    if not held_out:
        return None
    whole, _ = gathered(source)
    return len(whole.train) - held_out


def plan_of(name: str, run: Run, pictures: Pictures, device: str) -> Plan:
    """What is fastest there; the usual way for the usual recipe."""
    network, usual = network_of(run, pictures.train), name == "usual"
    if device != "cpu":
        engine = "eager" if usual else "auto"
        return planned(network, run.recipe, pictures.train, found(device), engine=engine)[0]
    if usual:
        return Plan(layout="contiguous", threads=torch.get_num_threads())
    return choose(network, run.recipe, edge(pictures.train, run.recipe)).plan


def followed(
    run: Run, pictures: Pictures, where: Path, plan: Plan
) -> Iterator[dict[str, float | str]]:
    """A point for each look at pictures held out; the test alone where none are."""
    looks = LOOKS if pictures.held_out is not None else 0
    began = 0.0
    for item in job_of(run, plan, pictures, where, looks, test=False)(lambda: False):
        if isinstance(item, Report):
            began = item.seconds
        if isinstance(item, Evaluated) and item.pictures == "held out":
            yield {"seconds": round(item.seconds, 1), "error": round(item.top1_error, 2)}
        if isinstance(item, Result) and pictures.held_out is None:
            error = round(item.test.top1_error, 2)
            yield {"seconds": round(began, 1), "error": error, "of": "test"}


if __name__ == "__main__":
    main()

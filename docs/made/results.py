"""What was run and committed: lines of `results/` and `bench/`, read as they are.

A line of a finished run says what was run and what came out. Where nothing is there, pages say so;
`not run yet` is a result too.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NOT_YET = "not run yet"
Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Finished:
    """One finished run of a network of Sec. 4.2."""

    network: str  # plain20, resnet56
    data: str
    steps: int
    full: int  # steps of the schedule it is a short form of, or its own
    seed: int
    precision: str
    recipe: str  # every setting that is not the paper's, but the steps
    test: tuple[int, int]  # wrong, seen
    trained_on: tuple[int, int]
    training: Curve
    watched: Curve
    responses: list[float]

    @property
    def test_error(self) -> float:
        """Percent."""
        return 100 * self.test[0] / self.test[1]

    @property
    def training_error(self) -> float:
        """Percent, clean."""
        return 100 * self.trained_on[0] / self.trained_on[1]


def lines(folder: Path) -> list[dict[str, Any]]:
    """Every line of every file, as JSON."""
    files = sorted(folder.glob("*.jsonl"))
    texts = [text for file in files for text in file.read_text().splitlines()]
    return [json.loads(text) for text in texts if text.strip()]


@cache
def finished(folder: Path = ROOT / "results") -> tuple[Finished, ...]:
    """The runs of CIFAR networks among the results, each key once."""
    found = {
        line["key"]: made
        for line in lines(folder)
        if "run" in line and "test" in line and (made := _finished(line)) is not None
    }
    return tuple(found.values())


SCHEDULE = ("steps", "drops", "warm_up", "scaled_from", "precision")


def _finished(line: dict[str, Any]) -> Finished | None:
    run, arch = line["run"], line["run"].get("arch")
    if arch is None or len(arch["depths"]) != 3 or "grown_from" in run:
        return None
    recipe = run.get("recipe", {})
    steps = recipe.get("steps", 64_000)
    option = {"none": "", "A": "", "A-both": "-a-both", "B": "-b", "C": "-c"}[arch["shortcut"]]
    kind = "plain" if arch["shortcut"] == "none" else "resnet"
    changed = {name: value for name, value in recipe.items() if name not in SCHEDULE}
    if run["data"].get("held_out") or run["data"].get("train_images"):
        changed["images"] = "fewer"
    return Finished(
        network=f"{kind}{2 * sum(arch['depths']) + 2}{option}",
        data=run["data"]["name"],
        steps=steps,
        full=(recipe.get("scaled_from") or {}).get("steps", 64_000)
        if recipe.get("scaled_from") is not None
        else steps,
        seed=run.get("seed", 0),
        precision=recipe.get("precision", "fp32"),
        recipe=", ".join(f"{name} {value}" for name, value in sorted(changed.items())),
        test=(line["test"].get("top1", 0), line["test"]["seen"]),
        trained_on=(line["trained_on"].get("top1", 0), line["trained_on"]["seen"]),
        training=[tuple(p) for p in line.get("training", [])],
        watched=[tuple(p) for p in line.get("watched", [])],
        responses=list(line.get("responses", [])),
    )


def as_the_paper(data: str = "cifar10") -> dict[str, list[Finished]]:
    """Runs of Sec. 4.2's recipe by network, at the fullest schedule that is there for it.

    Short forms and whole schedules never mix within a network, nor do precisions.
    """
    told: dict[str, list[Finished]] = {}
    for run in finished():
        if run.data == data and not run.recipe:
            told.setdefault(run.network, []).append(run)
    return {name: _fullest(runs) for name, runs in told.items()}


def _fullest(runs: list[Finished]) -> list[Finished]:
    best = max((run.steps / run.full, run.precision == "fp32") for run in runs)
    return sorted(
        (r for r in runs if (r.steps / r.full, r.precision == "fp32") == best),
        key=lambda run: run.seed,
    )


def told(run: Finished) -> str:
    """What is stamped on a number: the schedule, and the precision where it is not fp32."""
    text = f"{run.steps:,} iterations"
    if run.steps != run.full:
        text += f" of {run.full:,}"
    return text if run.precision == "fp32" else f"{text}, {run.precision}"

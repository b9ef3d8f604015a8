"""What saving costs: seconds to write a state, and its share of a run that saves as it does.

A state is written every 30 seconds, or so seldom that it takes a hundredth of the time.
"""

import statistics
import tempfile
import time
from pathlib import Path

import deepres
from deepres.runs import states
from deepres.runs.session import COST_AT_MOST
from deepres.runs.states import Saved, Stretch
from deepres.spec import Plan, Recipe
from deepres.train import begun
from timing import line, spread

EVERY, ROUNDS = 30.0, 5


def seconds(name: str) -> list[float]:
    state, taken = begun(deepres.create(name), Recipe()), []
    saved = Saved(
        key="key",
        plan=Plan(),
        facts=state.facts(),
        stretch=Stretch([1.0] * 99, [1] * 99, [1.0] * 99),
        lines=1,
        seconds=1.0,
    )
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for state.step in range(ROUNDS):
            start = time.perf_counter()
            states.write(Path(folder), state, saved)
            taken.append(time.perf_counter() - start)
    return taken


def share(writing: float) -> float:
    return writing / (writing + max(EVERY, writing / COST_AT_MOST))


def main() -> None:
    times = {name: seconds(name) for name in ("resnet20", "resnet110", "resnet1202")}
    shares = {name: share(statistics.median(taken)) for name, taken in times.items()}
    line(
        "saving a state",
        seconds={name: spread(taken) for name, taken in times.items()},
        percent_of_the_time={name: round(100 * share, 3) for name, share in shares.items()},
    )


if __name__ == "__main__":
    main()

"""Several ways to the same answer, timed in turn; those that are close are timed for longer."""

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

ROUNDS, PATIENCE = 7, 3.0  # times that each is timed, and seconds for all of them
NEAR = 1.1  # times the least: what differs by less is not told by a few rounds
MORE, LONGER = 14, 4.0  # further rounds of those that are near each other, and seconds for them
SETTLED = 0.01  # seconds until the threads of the way before have ceased to spin
Run = Callable[[], object]
Clock = Callable[[], float]
Rounds = dict[str, list[float]]  # name -> seconds of each of its turns


def in_turn(runs: Mapping[str, Run], clock: Clock = time.perf_counter) -> Rounds:
    """Seconds of each; every round has its own order, so that none follows always the same."""
    times: Rounds = {name: [] for name in runs}
    drawn = random.Random(0)

    def rounds(names: Sequence[str], number: int, patience: float) -> None:
        began = clock()
        for _ in range(number):
            for name in drawn.sample(names, len(names)):
                times[name].append(turn(runs[name], clock))
            if clock() - began > patience:
                return

    rounds(list(runs), ROUNDS, PATIENCE)
    if len(close := leaders(times)) > 1:
        rounds(close, MORE, LONGER)
    return times


def turn(run: Run, clock: Clock = time.perf_counter, settled: float = SETTLED) -> float:
    """Seconds of the last run of a turn that lasts until what came before has settled."""
    began = clock()
    while True:
        start = clock()
        run()
        end = clock()
        if end - began >= settled:
            return end - start


def leaders(times: Rounds) -> list[str]:
    """Those whose median is near the least."""
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    least = min(medians.values(), default=0.0)
    return [name for name, median in medians.items() if median <= NEAR * least]

"""How fast plans are, by the clock: a few steps of each, in turn, on copies of a network."""

import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from ..data.batches import Batch
from ..spec import Plan, Recipe
from ..train import begun
from .prepared import prepared

ROUNDS, PATIENCE = 5, 2.0  # steps of each plan that are timed, and seconds for one
LONGEST = 10.0  # seconds after which no further round begins


def measured(network: nn.Module, recipe: Recipe, edge: int, plans: list[Plan]) -> list[float]:
    """Images per second of each plan's step, in turn with the others'.

    Steps so slow that nobody would wait for more of them are taken at their first time.
    """
    images = torch.zeros(recipe.batch, 3, edge, edge).to(memory_format=torch.channels_last)
    batch = Batch(images, torch.zeros(recipe.batch, dtype=torch.long), recipe.replicas)
    with torch.random.fork_rng(devices=[]):
        timers = [_timer(copy.deepcopy(network), recipe, plan, batch) for plan in plans]
        first = [timer() for timer in timers]  # compiles, and takes memory from the system
        if min(first) > PATIENCE:
            return [recipe.batch / seconds for seconds in first]
        rounds = _rounds(timers)
    return [recipe.batch / statistics.median(times) for times in zip(*rounds, strict=True)]


def _rounds(timers: list[Callable[[], float]]) -> list[list[float]]:
    """Seconds of each, at least once."""
    rounds: list[list[float]] = []
    while len(rounds) < ROUNDS and sum(map(sum, rounds)) < LONGEST:
        rounds.append([timer() for timer in timers])
    return rounds


def _timer(network: nn.Module, recipe: Recipe, plan: Plan, batch: Batch) -> Callable[[], float]:
    step = prepared(network, recipe, plan)
    state = begun(network.train(), recipe)

    def seconds() -> float:
        start = time.perf_counter()
        step(state, batch, 0.0)
        return time.perf_counter() - start

    return seconds

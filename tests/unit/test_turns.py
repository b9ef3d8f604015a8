"""Ways timed in turn by a clock that the ways themselves move: nothing here waits."""

import itertools
import statistics
from functools import partial

import pytest
import torch

import deepres
from deepres.accel import fastest
from deepres.accel.engines import Engine
from deepres.accel.turns import LONGER, MORE, PATIENCE, ROUNDS, in_turn, leaders, turn


class Clock:
    """Stands still but for those who work by it."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def __call__(self):
        return self.now

    def way(self, name, seconds):
        """Takes these seconds, run by run."""
        taken = iter(seconds)

        def run(*given):
            self.order.append(name)
            self.now += next(taken)

        return run


def always(*seconds):
    return itertools.cycle(seconds)


def test_close_ways_are_timed_for_longer_and_the_others_are_not():
    clock = Clock()
    misjudged = itertools.chain([0.110] * ROUNDS, always(0.100))
    runs = {
        "steady": clock.way("steady", always(0.105)),
        "misjudged": clock.way("misjudged", misjudged),
        "slow": clock.way("slow", always(0.150)),
    }
    times = in_turn(runs, clock)
    assert {name: len(taken) for name, taken in times.items()} == {
        "steady": ROUNDS + MORE,
        "misjudged": ROUNDS + MORE,
        "slow": ROUNDS,
    }
    first = {name: statistics.median(taken[:ROUNDS]) for name, taken in times.items()}
    last = {name: statistics.median(taken) for name, taken in times.items()}
    assert min(first, key=first.get) == "steady" and min(last, key=last.get) == "misjudged"


def test_what_is_clearly_ahead_needs_no_more_rounds():
    clock = Clock()
    runs = {"a": clock.way("a", always(0.02)), "b": clock.way("b", always(0.03))}
    assert {len(taken) for taken in in_turn(runs, clock).values()} == {ROUNDS}
    assert in_turn({}, clock) == {}


def test_slow_ways_take_no_longer_than_is_said():
    clock = Clock()
    runs = {name: clock.way(name, always(0.9)) for name in "abc"}
    times = in_turn(runs, clock)
    round_of_all = 3 * 0.9
    assert 0 < clock.now <= PATIENCE + LONGER + 2 * round_of_all
    assert {len(taken) for taken in times.values()} == {4}, "two rounds, and two more"


def test_a_turn_lasts_until_the_one_before_has_settled():
    clock = Clock()
    disturbed = clock.way("x", [0.006, 0.003, *[0.001] * 9])
    assert turn(disturbed, clock) == pytest.approx(0.001)
    assert len(clock.order) == 3, "10 ms in all"
    assert turn(clock.way("y", [0.5]), clock) == pytest.approx(0.5)


def test_no_way_always_follows_the_same():
    clock = Clock()
    in_turn({name: clock.way(name, always(0.02)) for name in "abc"}, clock)
    followed = {(one, other) for one, other in itertools.pairwise(clock.order)}
    assert len(followed - {("a", "a"), ("b", "b"), ("c", "c")}) == 6


def test_leaders_are_near_the_least():
    times = {"a": [1.0, 1.0, 9.0], "b": [1.09], "c": [1.11], "d": [2.0]}
    assert leaders(times) == ["a", "b"]


def test_fastest_decides_between_close_engines_by_more_rounds(tmp_path, monkeypatch):
    """As on a busy machine: the first rounds are for the way that is slower."""
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path))
    clock, network = Clock(), deepres.create("resnet8", 3).eval()
    seconds = {
        "eager": itertools.chain([0.107] * (1 + ROUNDS), always(0.100)),
        "onnxruntime": always(0.104),
    }
    answer = network(torch.zeros(1, 3, 32, 32)).detach()
    monkeypatch.setattr(fastest, "apart", lambda answer, expected: 0.0)

    def built(network, way):
        run = clock.way(way.kind, seconds[way.kind])
        return Engine(lambda x: run(x) or answer, None, None, way.kind)

    monkeypatch.setattr(fastest, "built", built)
    monkeypatch.setattr(fastest, "has", lambda kind, kinds: kind in seconds)
    monkeypatch.setattr(fastest, "in_turn", partial(in_turn, clock=clock))
    assert fastest.fastest(network, threads=1, pictures=64).about == "eager"

"""When training has plateaued: found from its own error, counted, the same after a stop."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from torch import nn

from deepres.spec import IMAGENET, Plateau, Recipe
from deepres.train import begun, notice

HOW = Plateau(window=5, gain=2.0, patience=2, drops=2)
RECIPE = Recipe(batch=10, replicas=1, steps=10_000, drops="plateau", plateau=HOW)


def fed(counts, recipe=RECIPE, stop=None):
    """The state after so many wrong answers a step, stopped and restored on the way if told."""
    state = begun(nn.Linear(1, 1), recipe)
    for step, count in enumerate(counts, 1):
        state.step = step
        notice(state, recipe, torch.tensor(count))
        if step == stop:
            facts, state = state.facts(), begun(nn.Linear(1, 1), recipe)
            state.events, state.recent = facts.events, list(facts.recent)
    return state


def by_definition(counts, recipe):
    """The steps at which the rate drops, told once more: error in percent of each whole window."""
    how, found, start = recipe.plateau, [], 0
    windows = []
    for step in range(1, len(counts) + 1):
        if len(found) == how.drops or (step - start) % how.window:
            continue
        windows.append(100 * sum(counts[step - how.window : step]) / (how.window * recipe.batch))
        if len(windows) > how.patience:
            before, late = windows[: -how.patience], windows[-how.patience :]
            if min(late) > min(before) - how.gain:
                found.append(step)
                windows, start = [], step
    return found


def test_a_rate_that_helps_stays_and_one_that_does_not_is_dropped():
    falling = [10 - step // 5 for step in range(45)]
    assert fed(falling).events == ()
    state = fed([5] * 60)  # windows 1, 2 and 3 are alike, and the next three; two drops are all
    assert state.events == (("plateau", 15), ("plateau", 30))
    rates = [RECIPE.rate(step, state.events) for step in (14, 15, 29, 30, 40)]
    assert rates == [0.1, 0.1 / 10, 0.1 / 10, 0.1 / 100, 0.1 / 100]


@given(st.lists(st.integers(0, 10), max_size=120), st.integers(1, 120), st.integers(1, 7))
def test_plateaus_are_where_the_definition_has_them_whatever_was_stopped(counts, stop, window):
    recipe = structs.replace(RECIPE, plateau=structs.replace(HOW, window=window))
    events = fed(counts, recipe, stop).events
    assert [at for what, at in events] == by_definition(counts, recipe)
    assert events == fed(counts, recipe).events


def test_a_warm_up_comes_first_and_its_steps_are_in_no_window():
    recipe = structs.replace(RECIPE, warm_up="error")
    state = fed([9] * 50 + [7] * 100 + [7] * 20, recipe)
    warm, *plateaus = state.events
    assert warm[0] == "warm-up ended"
    assert plateaus[0] == ("plateau", warm[1] + 15)


def test_imagenet_drops_by_plateau_of_an_epoch_s_window():
    assert IMAGENET.drops == "plateau"
    assert abs(IMAGENET.plateau.window * IMAGENET.batch / 1_281_167 - 1) < 0.01

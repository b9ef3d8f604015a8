"""Recipes, their rates, their short forms, and the keys under which runs are filed."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from deepres.errors import UserError
from deepres.models.zoo import arch
from deepres.spec import (
    CIFAR,
    DIGITS,
    FAST,
    IMAGENET,
    Data,
    Plateau,
    Protocol,
    Recipe,
    Run,
    canonical,
    scaled,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "keys.json"


def run(recipe: Recipe = CIFAR, **changes: object) -> Run:
    return Run(
        name="resnet20", arch=arch("resnet20"), data=Data(name="cifar10"), recipe=recipe, **changes
    )


def declared() -> dict[str, Run]:
    """Runs whose keys are on file: a field added with a default must not move one of them."""
    return {
        "cifar": run(),
        "seed 3": run(seed=3),
        "45k": structs.replace(run(), data=Data(name="cifar10", train="abc", held_out=5000)),
        "warm-up by error": run(Recipe(warm_up="error")),
        "digits": run(DIGITS),
        "imagenet": run(IMAGENET),
        "2,000 steps": scaled(run(), 2000),
        "2,000 steps, decay scaled": scaled(run(), 2000, "scaled"),
        "running statistics": run(protocol=Protocol(statistics="running")),
        "own module": Run(name="mine", network="package.module:net", data=Data(name="digits")),
    }


def test_keys_are_those_on_file() -> None:
    assert {name: made.key for name, made in declared().items()} == json.loads(GOLDEN.read_text())


def test_every_declared_key_is_another() -> None:
    assert len({made.key for made in declared().values()}) == len(declared())


def test_a_name_is_not_in_the_key_and_everything_else_is() -> None:
    assert structs.replace(run(), name="another").key == run().key
    changes = {
        "batch": 256,
        "steps": 63_999,
        "lr": 0.2,
        "drops": (32_000,),
        "warm_up": 400,
        "warm_up_lr": 0.02,
        "momentum_form": "nesterov",
        "momentum": 0.8,
        "decay": 2e-4,
        "decay_on": "weights",
        "replicas": 1,
        "fan": "out",
        "last_gamma": 0.0,
        "centre": "channels",
        "padding": "black",
        "shift": 3,
        "plateau": Plateau(patience=9),
        "frozen": "stem",
        "old_rate": 0.5,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.2, 0.2, 0.2),
        "crop": 112,
        "shorter": (256, 256),
        "colour": "none",
        "mirror": False,
        "precision": "bf16",
        "scaled_from": CIFAR,
        "peak": 8_000,
        "smoothing": 0.1,
        "average": 0.99,
        "calm": 500,
    }
    no_drops = structs.replace(CIFAR, drops=())  # which a rate with a peak does not have
    assert set(changes) == set(CIFAR.__struct_fields__)
    keys = {
        run(structs.replace(no_drops if k == "peak" else CIFAR, **{k: v})).key
        for k, v in changes.items()
    }
    assert len(keys | {run().key}) == len(changes) + 1


def test_a_value_that_equals_its_default_is_not_in_the_key_whatever_object_it_is() -> None:
    drops = [16_000 * 2, 48_000]
    same = Recipe(lr=0.05 * 2, drops=tuple(drops), last_gamma=1)
    assert run(same).key == run().key
    assert canonical(same) == {}


@given(
    st.builds(
        Recipe,
        batch=st.integers(1, 9).map(lambda n: 12 * n),
        steps=st.integers(1, 10**6),
        lr=st.floats(1e-5, 10),
        drops=st.lists(st.integers(1, 10**6), unique=True, max_size=4).map(sorted).map(tuple),
        warm_up=st.one_of(st.integers(0, 1000), st.sampled_from(["none", "error"])),
        replicas=st.sampled_from([1, 2, 3, 4]),
        mirror=st.booleans(),
    )
)
def test_json_there_and_back_is_the_same_run_with_the_same_key(recipe: Recipe) -> None:
    made = run(recipe)
    again = msgspec.json.decode(msgspec.json.encode(made), type=Run)
    assert again == made
    assert again.key == made.key
    assert msgspec.convert(canonical(made), Run) == made


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b'{"batch": 127}', "equal replicas"),
        (b'{"steps": 0}', "at least 1 step"),
        (b'{"drops": [5, 3]}', "ascending"),
        (b'{"drops": [5, 5]}', "ascending"),
        (b'{"momentun": 0.9}', "momentun"),
        (b'{"precision": "fp8"}', "precision"),
    ],
)
def test_a_recipe_that_makes_no_sense_says_what_is_wrong(text: bytes, what: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=what):
        msgspec.json.decode(text, type=Recipe)


def test_the_same_in_python_is_a_user_error() -> None:
    with pytest.raises(UserError, match="A batch of 10 does not fall into 3 equal replicas"):
        Recipe(batch=10, replicas=3)


def test_the_paper_rates() -> None:
    """0.1, divided by 10 at 32k and 48k iterations: steps are counted from 0 (Sec. 4.2)."""
    at = [0, 31_999, 32_000, 47_999, 48_000, 63_999]
    assert [CIFAR.rate(step) for step in at] == [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    assert (CIFAR.batch, CIFAR.steps, CIFAR.decay, CIFAR.momentum) == (128, 64_000, 1e-4, 0.9)
    assert CIFAR.share == 64


def test_a_warm_up_by_error_ends_when_an_event_says_so() -> None:
    recipe = Recipe(warm_up="error")
    ended = (("warm-up ended", 412),)
    assert [recipe.rate(step) for step in (0, 411, 5000)] == [0.01] * 3
    assert [recipe.rate(step, ended) for step in (0, 411, 412, 32_000)] == [0.01, 0.01, 0.1, 0.01]
    # one that never ends follows the schedule down
    assert [recipe.rate(step) for step in (32_000, 48_000)] == [0.01, 0.001]


def test_a_counted_warm_up() -> None:
    recipe = Recipe(warm_up=400)
    assert [recipe.rate(step) for step in (0, 399, 400)] == [0.01, 0.01, 0.1]


def test_each_plateau_divides_by_ten() -> None:
    events = (("plateau", 100), ("plateau", 250))
    rates = [IMAGENET.rate(step, events) for step in (0, 99, 100, 249, 250)]
    assert rates == [0.1, 0.1, 0.01, 0.01, 0.001]


def test_scaled_moves_drops_in_proportion_and_is_stamped() -> None:
    short = scaled(run(Recipe(warm_up=640)), 2000).recipe
    assert (short.steps, short.drops, short.warm_up) == (2000, (1000, 1500), 20)
    assert short.scaled_from == Recipe(warm_up=640)
    by_error = scaled(run(Recipe(warm_up="error")), 2000).recipe
    assert by_error.warm_up == "error"


@given(st.integers(1, 200_000), st.integers(1, 200_000), st.sampled_from(["kept", "scaled"]))
def test_scaled_forgets_the_way_it_came(first: int, second: int, decay: str) -> None:
    assert scaled(scaled(run(), first, decay), second) == scaled(run(), second)
    assert scaled(scaled(run(), first, decay), CIFAR.steps) == run()
    assert all(0 <= drop <= first for drop in scaled(run(), first).recipe.drops)


def test_shrinkage_is_rate_times_decay_summed_over_the_steps() -> None:
    short = scaled(run(), 2000).recipe
    warm = Recipe(steps=700, drops=(300, 600), warm_up=50)
    for recipe in (short, warm):
        summed = sum(recipe.rate(step) for step in range(recipe.steps)) * recipe.decay
        assert recipe.shrinkage == pytest.approx(summed, rel=1e-9)
    assert short.shrinkage == pytest.approx(CIFAR.shrinkage / 32, rel=1e-9)
    kept = scaled(run(), 2000, "scaled").recipe
    assert kept.shrinkage == pytest.approx(CIFAR.shrinkage, rel=1e-9)


def test_a_peak_is_climbed_to_and_fallen_from_evenly() -> None:
    recipe = Recipe(steps=10, lr=0.4, drops=(), peak=4)
    rates = [recipe.rate(step) for step in range(10)]
    expected = [0.1, 0.2, 0.3, 0.4, 0.4, *(0.4 * k / 6 for k in (5, 4, 3, 2, 1))]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    np.testing.assert_allclose(recipe.shrinkage, 1e-4 * sum(expected), rtol=1e-12)


def test_a_short_form_keeps_the_shape_of_a_peak() -> None:
    short = scaled(run(FAST), 1_953).recipe
    assert (short.peak, short.calm, short.drops) == (391, 195, ())
    for steps in (1, 2, 3):
        assert scaled(run(FAST), steps).recipe.peak < steps
    assert short.average == pytest.approx(FAST.average ** (19_532 / 1_953), abs=1e-6)


@pytest.mark.parametrize(
    "told", [{"peak": 10}, {"peak": 64_000, "drops": ()}, {"smoothing": 1.0}, {"average": 1.0}]
)
def test_fast_fields_that_make_no_sense_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"peak|smoothing"):
        structs.replace(CIFAR, **told)

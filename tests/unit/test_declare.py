"""From flags to a run: what moves in proportion, what stays, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from deepres.errors import UserError
from deepres.runs.declare import Asked, run_of
from deepres.runs.folder import differences
from deepres.spec import CIFAR, DIGITS, FAST, IMAGENET, Data

CIFAR10 = Data(name="cifar10", train="a", test="b")


def recipe(network="resnet20", data=CIFAR10, images=50_000, **asked):
    return run_of(network, data, images, 10, Asked(**asked)).recipe


def test_the_recipe_is_section_4_2_unless_told_otherwise():
    assert recipe() == CIFAR
    assert recipe("package.module:Net") == CIFAR
    assert recipe("resnet18-cifar") == CIFAR
    assert recipe(steps=64_000) == CIFAR


@pytest.mark.parametrize("network", ["resnet110", "plain110", "resnet1202"])
def test_deep_networks_warm_up_until_the_error_falls(network):
    assert recipe(network) == structs.replace(CIFAR, warm_up="error")
    assert recipe(network, steps=2_000).warm_up == "error"
    assert recipe(network, warm_up="none").warm_up == "none"


def test_digits_are_shifted_by_a_pixel_and_never_mirrored():
    digits = Data(name="digits")
    assert recipe(data=digits) == structs.replace(CIFAR, shift=1, mirror=False)
    assert recipe(data=digits, recipe="digits") == DIGITS


def test_fast_is_a_recipe_of_our_own_in_fifty_epochs():
    fast = recipe(recipe="fast")
    assert fast == FAST == recipe(recipe="fast", epochs=50)
    assert recipe(data=Data(name="digits"), recipe="fast").mirror is False
    assert recipe(recipe="fast", precision="bf16", steps=1_000).peak == 200


def test_steps_alone_scale_the_drops_and_remember_the_full_schedule():
    short = recipe(steps=2_000)
    assert (short.steps, short.drops) == (2_000, (1_000, 1_500))
    assert short.scaled_from == CIFAR
    assert short.decay == CIFAR.decay
    assert recipe(steps=2_000, decay_scaled="scaled").decay == pytest.approx(32e-4)


def test_drops_and_counted_warm_ups_that_are_told_stay():
    told = recipe(steps=2_000, drops="1200, 1900", warm_up="50")
    assert (told.steps, told.drops, told.warm_up) == (2_000, (1_200, 1_900), 50)
    assert told.scaled_from is None
    assert recipe(steps=2_000, warm_up="50").warm_up == 50
    assert recipe(drops="10").steps == 64_000


@given(epochs=st.floats(0.001, 500), images=st.integers(1, 60_000), batch=st.integers(1, 256))
def test_epochs_are_the_fewest_steps_that_see_as_many_images(epochs, images, batch):
    steps = recipe(images=images, epochs=epochs, batch=batch, replicas=1).steps
    wanted = round(epochs * images)
    assert steps * batch >= wanted
    assert steps == 1 or (steps - 1) * batch < wanted


@pytest.mark.parametrize(
    ("network", "asked", "sentence"),
    [
        ("resnet20", {"steps": 5, "epochs": 1}, "--steps and --epochs"),
        ("resnet20", {"recipe": "cifra"}, "no recipe 'cifra'"),
        ("resnet20", {"size": 64}, "--size is for pictures of any size"),
        ("resnet20", {"drops": "32k"}, "--drops 32k"),
        ("resnet20", {"warm_up": "slow"}, "--warmup slow"),
        ("resnet20", {"precision": "fp8"}, "--precision fp8"),
        ("resnet20", {"batch": 5}, "batch of 5 does not fall into 2"),
        ("resnet21", {}, "nearest are 20 and 26"),
    ],
)
def test_what_cannot_be_meant_is_said(network, asked, sentence):
    with pytest.raises(UserError, match=sentence):
        recipe(network, **asked)


def test_two_runs_differ_field_by_field():
    one = run_of("resnet20", CIFAR10, 50_000, 10, Asked())
    two = run_of("resnet20", CIFAR10, 50_000, 10, Asked(lr=0.05, drops="1,2", seed=3))
    assert differences(one, two) == [
        "recipe.lr was 0.1, is 0.05",
        "recipe.drops was 32000,48000, is 1,2",
        "seed was 0, is 3",
    ]
    deep = run_of("resnet32", CIFAR10, 50_000, 10, Asked())
    assert differences(one, deep) == ["arch.depths was 3,3,3, is 5,5,5"]
    own = run_of("my.module:Net", CIFAR10, 50_000, 10, Asked())
    assert own.name == "Net-cifar10"
    assert differences(own, structs.replace(own, name="other")) == []


def test_a_table_1_network_trains_as_in_sec_3_4_and_smaller_pictures_scale_its_sides():
    data = Data(name="folder", train="a", test="b")
    full = run_of("resnet34", data, 1_281_167, 1000, Asked())
    assert full.recipe == IMAGENET
    assert (full.recipe.crop, full.recipe.shorter) == (224, (256, 480))
    assert (full.recipe.batch, full.recipe.replicas, full.recipe.drops) == (256, 8, "plateau")
    small = run_of("resnet18", data, 2200, 10, Asked(size=112, drops="steps")).recipe
    assert (small.crop, small.shorter, small.drops) == (112, (128, 240), (150_000, 300_000))
    short = run_of("resnet18", data, 2200, 10, Asked(drops="steps", steps=6_000)).recipe
    assert short.drops == (1_500, 3_000) and short.scaled_from.steps == 600_000
    assert run_of("resnet20", data, 100, 3, Asked()).recipe.shorter == (37, 69)  # 32 pixels


def test_a_plateau_of_a_short_run_has_a_short_window():
    data = Data(name="folder", train="a", test="b")
    made = run_of("resnet18", data, 2200, 10, Asked(steps=60_000)).recipe
    assert (made.drops, made.plateau.window, made.plateau.patience) == ("plateau", 500, 4)
    assert run_of("resnet18", data, 2200, 10, Asked(steps=600)).recipe.plateau.window == 50

"""The step against a second implementation, the loop's events, the state's way out and in."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from msgspec import json, structs
from numpy_resnet import Reference
from torch import nn

import deepres
from deepres.data.batches import Batch
from deepres.errors import UserError
from deepres.models.initialise import initialise
from deepres.models.resnet import ResNet
from deepres.spec import Arch, Recipe
from deepres.train import Facts, State, Step, begun, eager, fit, in_bf16, notice

TINY = Arch(stem="3x3", block="basic", depths=(2, 1), widths=(4, 6), shortcut="A", classes=3)
RECIPE = Recipe(batch=8, steps=20, drops=(7, 14), replicas=2)


def given(steps: int, replicas: int, batch: int = 8) -> Iterator[Batch]:
    """Random pictures in float64; class k is a little brighter in channel k."""
    generator = torch.Generator().manual_seed(5)
    for _ in range(steps):
        labels = torch.randint(3, (batch,), generator=generator)
        images = torch.randn(batch, 3, 8, 8, generator=generator, dtype=torch.float64)
        images += 0.5 * nn.functional.one_hot(labels, 3)[:, :, None, None]
        yield Batch(images, labels, replicas)


def tiny(recipe: Recipe = RECIPE) -> State:
    return begun(initialise(ResNet(TINY), seed=3).double(), recipe)


def reference(state: State) -> Reference:
    learned = {k: p.detach().numpy() for k, p in state.network.named_parameters()}
    running = {k: b.numpy() for k, b in state.network.named_buffers() if "running" in k}
    return Reference(learned, running, TINY.depths)


def agrees(step: Step, recipe: Recipe) -> None:
    """20 steps of ours against NumPy's: losses, errors, weights, velocity, running statistics."""
    state = tiny(recipe)
    other = reference(state)
    seen = []
    for batch, ours in zip(
        given(20, recipe.replicas),
        fit(state, recipe, given(20, recipe.replicas), step),
        strict=True,
    ):
        loss, wrong = other.step(
            batch.images.numpy(), batch.labels.numpy(), ours.rate, recipe.replicas
        )
        assert abs(float(ours.loss) - loss) < 1e-10
        assert int(ours.wrong) == wrong
        seen.append(ours.rate)
    assert seen == [0.1] * 7 + [0.01] * 7 + [0.001] * 6
    for name, tensor in state.tensors().items():
        kind, _, key = name.partition(".")
        table = other.v if kind == "velocity" else other.running if "running" in key else other.w
        if "tracked" not in key:
            np.testing.assert_allclose(
                tensor.detach(), table[key], rtol=0, atol=1e-10, err_msg=name
            )


@pytest.mark.parametrize("replicas", [1, 2])
def test_training_agrees_with_numpy(replicas: int) -> None:
    agrees(eager, Recipe(batch=8, steps=20, drops=(7, 14), replicas=replicas))


def test_replicas_change_what_is_computed() -> None:
    """So that the agreement above is no accident: one replica and two part at once."""
    ends = []
    for replicas in (1, 2):
        state = tiny()
        (last,) = fit(state, RECIPE, given(1, replicas))
        ends.append(float(last.loss))
    assert abs(ends[0] - ends[1]) > 1e-5


WARM = Recipe(batch=10, steps=500, warm_up="error", replicas=1)


def counted(state: State, counts: list[int]) -> list[float]:
    """The rates of steps that got these many wrong."""
    rates = []
    for wrong in counts:
        rates.append(WARM.rate(state.step, state.events))
        state.step += 1
        notice(state, WARM, torch.tensor(wrong))
    return rates


def test_a_warm_up_by_error_ends_once_100_steps_have_less_than_80_percent() -> None:
    state = State(nn.Linear(1, 1), begun(nn.Linear(1, 1), WARM).optimiser)
    # 99 steps without error are not 100; 8 of 10 is not below 80 %
    rates = counted(state, [8] * 100)
    assert state.events == () and rates == [0.01] * 100
    rates = counted(state, [8, 8, 7])
    assert state.events == (("warm-up ended", 103),) and rates == [0.01] * 3
    assert counted(state, [10] * 200) == [0.1] * 200, "a warm-up ends once"
    assert state.facts().recent == ()


def test_99_steps_do_not_end_a_warm_up() -> None:
    state = State(nn.Linear(1, 1), begun(nn.Linear(1, 1), WARM).optimiser)
    counted(state, [0] * 99)
    assert state.events == ()
    counted(state, [0])
    assert state.events == (("warm-up ended", 100),)


def test_the_warm_up_window_survives_a_stop_at_any_step() -> None:
    counts = np.random.default_rng(0).integers(6, 11, 400).tolist()
    whole = State(nn.Linear(1, 1), begun(nn.Linear(1, 1), WARM).optimiser)
    rates = counted(whole, counts)
    assert whole.events, "these counts end the warm-up somewhere"
    for stop in (1, 57, 99, 100, 150, whole.events[0][1] - 1, whole.events[0][1]):
        first = State(nn.Linear(1, 1), begun(nn.Linear(1, 1), WARM).optimiser)
        before = counted(first, counts[:stop])
        again = State(nn.Linear(1, 1), begun(nn.Linear(1, 1), WARM).optimiser)
        facts = json.decode(json.encode(first.facts()), type=Facts)
        again.restore(first.tensors(), facts)
        assert before + counted(again, counts[stop:]) == rates
        assert again.facts() == whole.facts()


def test_a_restored_state_goes_on_to_the_bit() -> None:
    whole, first, again = tiny(), tiny(), tiny()
    for _ in fit(whole, RECIPE, given(6, 2)):
        pass
    parts = list(given(6, 2))
    for _ in fit(first, RECIPE, parts[:4]):
        pass
    kept = {name: t.clone() for name, t in first.tensors().items()}
    again.restore(kept, first.facts())
    for _ in fit(again, RECIPE, parts[4:]):
        pass
    assert again.step == 6
    for name, tensor in whole.tensors().items():
        assert torch.equal(tensor, again.tensors()[name]), name


def test_a_state_of_another_network_is_refused() -> None:
    other = begun(ResNet(structs.replace(TINY, depths=(1, 1))), RECIPE)
    with pytest.raises(UserError, match=r"layer1\.1\."):
        tiny().restore(other.tensors(), Facts())


def test_every_tensor_of_a_state_has_one_name_and_is_contiguous_data() -> None:
    names = tiny().tensors()
    assert {"network.fc.weight", "velocity.fc.weight", "network.bn1.running_var"} <= names.keys()
    assert len({t.data_ptr() for t in names.values()}) == len(names)


def test_a_reader_that_tests_in_between_does_not_leave_training_mode_off() -> None:
    state = tiny()
    for _ in fit(state, RECIPE, given(3, 2)):
        before = state.network.bn1.running_mean.clone()
        state.network.eval()
    assert not torch.equal(before, tiny().network.bn1.running_mean)
    assert int(state.network.bn1.num_batches_tracked) == 6


def test_bf16_computes_products_in_bf16_and_keeps_weights_in_fp32() -> None:
    network = deepres.create("resnet20")
    images, labels = torch.randn(4, 3, 32, 32), torch.arange(4)
    loss, logits = in_bf16(network, images, labels)
    assert (loss.dtype, logits.dtype) == (torch.float32, torch.bfloat16)
    loss.backward()
    assert {p.grad.dtype for p in network.parameters()} == {torch.float32}

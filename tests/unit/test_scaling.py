"""Half precision with a scaled loss: held to torch's own scaler, overflows forced, and resumed."""

from functools import partial
from itertools import pairwise

import pytest
import torch
from msgspec import json, structs
from torch import nn

import deepres.train
from deepres.data.batches import Batch
from deepres.errors import Failed
from deepres.models.initialise import initialise
from deepres.models.resnet import ResNet
from deepres.spec import Arch, Recipe
from deepres.train import Facts, begun, eager, exact, fit, in_fp16, scaled_back

TINY = Arch(stem="3x3", block="basic", depths=(1, 1), widths=(4, 6), shortcut="A", classes=3)
RECIPE = Recipe(batch=8, steps=20, drops=(9,), replicas=2, precision="fp16", momentum_form="torch")
STEP = partial(eager, forward=in_fp16, update=scaled_back)


def given(steps):
    """Random pictures; class k is a little brighter in channel k."""
    generator = torch.Generator().manual_seed(5)
    for _ in range(steps):
        labels = torch.randint(3, (8,), generator=generator)
        images = torch.randn(8, 3, 8, 8, generator=generator)
        yield Batch(images + 0.5 * nn.functional.one_hot(labels, 3)[:, :, None, None], labels, 2)


def tiny(recipe=RECIPE):
    return begun(initialise(ResNet(TINY), seed=3), recipe)


def test_weights_stay_in_fp32_and_losses_are_those_of_fp32_to_half_a_percent():
    half, full = tiny(), tiny(structs.replace(RECIPE, precision="fp32"))
    assert (half.scale, full.scale) == (65_536.0, 1.0)
    losses = [
        [float(p.loss) for p in fit(state, RECIPE, given(8), step)]
        for state, step in ((half, STEP), (full, partial(eager, forward=exact)))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=5e-3)
    assert losses[0] != losses[1]
    assert {t.dtype for t in half.tensors().values()} == {torch.float32, torch.int64}
    assert half.events == ()
    assert half.steady == 8


LOUD = 2.0**21  # a scale at which these networks' gradients overflow


def test_scale_and_weights_move_as_torchs_own_scaler_moves_them(monkeypatch):
    """torch.amp.GradScaler and torch.optim.SGD beside ours, over overflows and growth."""
    monkeypatch.setattr(deepres.train, "STEADY", 2)
    state, theirs = tiny(), initialise(ResNet(TINY), seed=3)
    state.scale = LOUD
    scaler = torch.amp.GradScaler("cpu", init_scale=LOUD, growth_interval=2)
    sgd = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    scales = []
    for batch, step in zip(given(20), fit(state, RECIPE, given(20), STEP), strict=True):
        sgd.param_groups[0]["lr"] = step.rate
        sgd.zero_grad()
        for images, labels in batch.shares():
            loss, _ = in_fp16(theirs.train(), images, labels)
            scaler.scale(loss / 2).backward()
        scaler.step(sgd)
        scaler.update()
        scales.append(scaler.get_scale())
        assert state.scale == scales[-1]
    halved = [now < was for was, now in pairwise([LOUD, *scales])]
    assert state.events == tuple(("overflow", n) for n, it in enumerate(halved, 1) if it)
    assert 2 < sum(halved) < 20
    assert any(now > was for was, now in pairwise(scales))
    for ours, other in zip(state.network.parameters(), theirs.parameters(), strict=True):
        # an ulp of fp32 between the two updates now and then rounds to another number in fp16
        torch.testing.assert_close(ours, other, rtol=1e-5, atol=1e-5)


def test_a_step_that_overflows_moves_no_weight():
    state = tiny()
    state.scale = LOUD
    before = {name: t.clone() for name, t in state.tensors().items()}
    (progress,) = fit(state, RECIPE, given(1), STEP)
    for name, tensor in state.tensors().items():
        if "running" not in name and "tracked" not in name:
            assert torch.equal(tensor, before[name]), name
    assert (state.step, progress.step, state.scale, state.steady) == (1, 1, LOUD / 2, 0)
    assert state.events == (("overflow", 1),)


def test_a_run_that_is_resumed_after_an_overflow_is_the_unbroken_one(monkeypatch):
    monkeypatch.setattr(deepres.train, "STEADY", 4)
    unbroken, first, second = tiny(), tiny(), tiny()
    unbroken.scale = first.scale = LOUD
    batches = list(given(16))
    list(fit(unbroken, RECIPE, batches, STEP))
    list(fit(first, RECIPE, batches[:9], STEP))
    facts = json.decode(json.encode(first.facts()), type=Facts)
    assert facts.steady in (1, 2, 3)  # in the midst of counting
    assert facts.scale < LOUD
    second.restore(first.tensors(), facts)
    list(fit(second, RECIPE, batches[9:], STEP))
    assert second.facts() == unbroken.facts()
    for name, tensor in unbroken.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name


def test_training_that_diverged_ends_with_a_sentence():
    state = tiny()
    state.network.fc.weight.data[:] = float("nan")
    with pytest.raises(Failed, match="not finite at step 17, however the loss is scaled"):
        list(fit(state, RECIPE, given(20), STEP))

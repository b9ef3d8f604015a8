"""Our own kernels against exact sums in float64, and a step by them against the plain one."""

import copy
import ctypes
from functools import partial

import pytest
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from msgspec import structs
from test_accel import twins
from test_train import TINY, given
from torch import Tensor, nn
from torch.nn import functional as F

import deepres
from deepres.accel import choose as chooser
from deepres.accel.checkpointed import checkpointed
from deepres.accel.choose import choose
from deepres.accel.device.normalised import Formulas, Forward
from deepres.accel.native import build, layers
from deepres.accel.native.layers import fitting, natively
from deepres.accel.native.normalised import Kernels
from deepres.accel.native.winograd import convolved
from deepres.accel.prepared import prepared
from deepres.data.batches import Batch
from deepres.errors import UserError
from deepres.models.count import multiply_adds
from deepres.models.initialise import initialise
from deepres.models.resnet import ResNet
from deepres.population import normalisations
from deepres.spec import CIFAR, Plan, Recipe
from deepres.train import State, begun, eager, exact

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="there is no C compiler")

RECIPE = Recipe(batch=12, steps=3, replicas=3)
WIDE = structs.replace(TINY, depths=(2, 1, 1), widths=(16, 32, 48))
SEED = (
    4  # of a start from which rounding takes no ReLU across zero in these few steps: with 3 it does
)
BOUND = 5e-6  # of the exact answer's norm: 40 roundings of fp32


@pytest.fixture(autouse=True)
def threads():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def normal(*shape: int, seed: int) -> Tensor:
    made = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return made.to(memory_format=torch.channels_last)


def passed(convolve, x: Tensor, weight: Tensor, g: Tensor) -> list[Tensor]:  # type: ignore[no-untyped-def]
    """The output, and the gradients of the input and the weights."""
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    y = convolve(x, weight)
    return [y.detach(), *torch.autograd.grad(y, (x, weight), g)]


def plain(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(x, weight, padding=1)


@settings(max_examples=40)
@drawn(
    st.integers(1, 9),
    st.sampled_from([16, 32, 48, 80]),
    st.sampled_from([16, 32, 48]),
    st.integers(3, 19),
    st.integers(3, 70),
    st.integers(1, 3),
    st.integers(0, 1000),
)
def test_a_convolution_and_its_gradients_are_the_exact_ones_but_for_rounding(
    count: int, inputs: int, outputs: int, high: int, wide: int, threads: int, seed: int
) -> None:
    torch.set_num_threads(threads)
    x, g = normal(count, inputs, high, wide, seed=seed), normal(count, outputs, high, wide, seed=1)
    weight = normal(outputs, inputs, 3, 3, seed=2)
    true = passed(plain, x.double(), weight.double(), g.double())
    for ours, exactly in zip(passed(convolved, x, weight, g), true, strict=True):
        assert ours.shape == exactly.shape
        assert (ours.double() - exactly).norm() / exactly.norm() < BOUND


def test_threads_share_a_map_without_changing_a_bit_of_it() -> None:
    x, weight = normal(5, 16, 19, 33, seed=0), normal(32, 16, 3, 3, seed=1)
    g = normal(5, 32, 19, 33, seed=2)
    found = []
    for threads in (1, 2, 3, 2):
        torch.set_num_threads(threads)
        found.append(passed(convolved, x, weight, g))
    for y, dx, _ in found[1:]:
        assert torch.equal(y, found[0][0])
        assert torch.equal(dx, found[0][1])
    assert torch.equal(found[1][2], found[3][2]), "as many threads add up in the same order"


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_maps_are_read_however_they_lie(layout: torch.memory_format) -> None:
    x, weight = normal(3, 16, 8, 8, seed=0), normal(16, 16, 3, 3, seed=1)
    expected = convolved(x, weight)
    torch.testing.assert_close(
        convolved(x.to(memory_format=layout), weight.contiguous()), expected, rtol=0, atol=0
    )
    wide = normal(6, 16, 8, 16, seed=0)
    assert torch.equal(
        convolved(wide[::2, :, :, 4:12], weight), convolved(wide[::2, :, :, 4:12].clone(), weight)
    )


def plainly(state: State, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
    return eager(state, Batch(batch.images.float(), batch.labels, batch.replicas), rate)


by_kernels = natively(plainly)


def kept_few(state: State, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
    images = batch.images.float()
    few = checkpointed(exact, 1)
    return eager(state, Batch(images, batch.labels, batch.replicas), rate, few)


saving = natively(kept_few, whole=False)


def apart(first: State, second: State) -> float:
    one, two = (
        torch.cat([t.flatten().double() for t in state.tensors().values()])
        for state in (first, second)
    )
    return float((one - two).norm() / one.norm())


@pytest.mark.parametrize("shortcut", ["A", "none", "B"])
def test_steps_by_kernels_are_the_plain_ones_but_for_rounding(
    monkeypatch: pytest.MonkeyPatch, shortcut: str
) -> None:
    """Two stages of three have maps large enough; strides and the stem are torch's."""
    used: list[tuple[int, ...]] = []
    of_torch = layers.convolved

    def counted(x: Tensor, weight: Tensor) -> Tensor:
        used.append(tuple(x.shape[1:]))
        return of_torch(x, weight)

    monkeypatch.setattr(layers, "convolved", counted)
    network = initialise(ResNet(structs.replace(WIDE, shortcut=shortcut)), seed=SEED)
    fused: list[bool] = []
    normalised = layers.Normalised.apply
    told = partial(lambda *given: fused.append(True) or normalised(*given))
    monkeypatch.setattr(layers.Normalised, "apply", told)
    first, second = twins(network, RECIPE, (plainly, by_kernels))
    assert 0 < apart(first, second) < 1e-6
    for name, buffer in first.network.named_buffers():
        torch.testing.assert_close(
            second.network.state_dict()[name], buffer, rtol=1e-5, atol=1e-6, msg=name
        )
    assert used == ([(16, 8, 8)] * 4 + [(32, 4, 4)]) * RECIPE.replicas * RECIPE.steps
    shares = RECIPE.replicas * RECIPE.steps
    assert len(fused) == (0 if shortcut == "B" else 9 * shares), "parameters in shortcuts"
    assert not any("forward" in vars(module) for module in second.network.modules())


@pytest.mark.parametrize(
    "changed", [{}, {"replicas": "folded"}, {"checkpointed": 1}, {"layout": "contiguous"}], ids=str
)
def test_a_plan_with_our_kernels_is_the_plain_one_but_for_rounding(changed) -> None:  # type: ignore[no-untyped-def]
    network = initialise(ResNet(structs.replace(WIDE, depths=(3, 1, 1))), seed=SEED)
    states = []
    for plan in (Plan(), Plan(engine="native", **changed)):
        state = begun(copy.deepcopy(network), RECIPE)
        step = prepared(state.network, RECIPE, plan)
        for batch in given(RECIPE.steps, RECIPE.replicas, RECIPE.batch):
            step(state, Batch(batch.images.float(), batch.labels, batch.replicas), 0.1)
        states.append(state)
    assert 0 < apart(*states) < 1e-6
    counts = {int(n.num_batches_tracked) for n in normalisations(states[1].network).values()}
    assert counts == {RECIPE.replicas * RECIPE.steps}


def test_a_resumed_run_ends_with_the_same_bits() -> None:
    recipe = structs.replace(RECIPE, steps=4)
    batches = list(given(recipe.steps, recipe.replicas, recipe.batch))
    network = initialise(ResNet(WIDE), seed=SEED)
    unbroken, broken = (begun(copy.deepcopy(network), recipe) for _ in range(2))
    for batch in batches:
        by_kernels(unbroken, batch, 0.1)
    for batch in batches[:2]:
        by_kernels(broken, batch, 0.1)
    kept = {name: tensor.clone() for name, tensor in broken.tensors().items()}
    resumed = begun(ResNet(WIDE), recipe)
    resumed.restore(kept, broken.facts())
    for batch in batches[2:]:
        by_kernels(resumed, batch, 0.1)
    for name, tensor in unbroken.tensors().items():
        assert torch.equal(tensor, resumed.tensors()[name]), name


def test_what_is_computed_again_is_computed_by_the_same_kernels() -> None:
    network = initialise(ResNet(structs.replace(WIDE, depths=(3, 1, 1))), seed=SEED)
    convolving = natively(plainly, whole=False)
    first, second = twins(network, RECIPE, (convolving, saving))
    for name, tensor in first.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name


@settings(max_examples=30)
@drawn(
    st.integers(1, 3),
    st.integers(1, 5),
    st.sampled_from([16, 48]),
    st.integers(1, 13),
    st.sampled_from([0.0, 100.0]),
    st.booleans(),
    st.integers(1, 3),
    st.integers(0, 1000),
)
def test_a_normalised_layer_and_its_gradients_are_the_formulas(
    shares: int,
    count: int,
    channels: int,
    edge: int,
    away: float,
    adds: bool,
    threads: int,
    seed: int,
) -> None:
    """With means of a hundred deviations as well: squares about zero would lose three digits."""
    torch.set_num_threads(threads)
    shape = shares * count, channels, edge, edge + 1
    x, g = normal(*shape, seed=seed) + away, normal(*shape, seed=1)
    add = normal(*shape, seed=2) if adds else None
    gamma, beta = torch.linspace(-1, 2, channels), torch.linspace(0.5, -0.5, channels)
    exactly = [t if t is None else t.double() for t in (x, gamma, beta, add, g)]
    made = Kernels().forward(x, gamma, beta, add, 1e-5, shares)
    true = Formulas().forward(*exactly[:4], 1e-5, shares)
    for ours, theirs in zip(made, true, strict=True):
        assert (ours.double() - theirs).norm() <= 1e-5 * theirs.norm() + 1e-6
    true = Forward(*(t.double() for t in made))  # the same place of the same function
    back = Kernels().backward(g, x, gamma, made, adds)
    right = Formulas().backward(exactly[4], exactly[0], exactly[1], true, adds)
    for ours, theirs in zip(back, right, strict=True):
        if theirs is None:
            assert ours is None
        else:
            assert (ours.double() - theirs).norm() <= 2e-5 * theirs.norm() + 1e-5


def test_sums_of_a_map_are_the_same_bits_by_any_number_of_threads() -> None:
    x, g = normal(7, 16, 21, 33, seed=0), normal(7, 16, 21, 33, seed=1)
    gamma, found = torch.ones(16), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        made = Kernels().forward(x, gamma, gamma, x, 1e-5, 1)
        back = Kernels().backward(g, x, gamma, made, adds=True)
        found.append([*made, *(t for t in back if t is not None)])
    for again in found[1:]:
        assert all(map(torch.equal, again, found[0]))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_network_that_diverges_shows_it(wrong: float) -> None:
    """ReLU of what is no number is no number: zero would hide it."""
    x = normal(2, 16, 5, 5, seed=0)
    x[1, 3, 2, 2] = wrong
    ones = torch.ones(16)
    made = Kernels().forward(x, ones, ones, None, 1e-5, 1)
    assert made.y[:, 3].isnan().all()
    assert made.y[:, :3].isfinite().all()
    back = Kernels().backward(torch.ones_like(x), x, ones, made, adds=True)
    assert back.x[:, 3].isnan().all()
    assert back.x[:, 4:].isfinite().all()


def test_layers_that_do_not_fit_are_left_alone() -> None:
    fine = nn.Conv2d(16, 32, 3, padding=1, bias=False)
    others = [
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.Conv2d(16, 16, 3, 2, padding=1, bias=False),
        nn.Conv2d(16, 16, 3, padding=2, dilation=2, bias=False),
        nn.Conv2d(16, 16, 3, padding=1, groups=2, bias=False),
        nn.Conv2d(16, 16, 3, padding=1, bias=False, padding_mode="reflect"),
        nn.Conv2d(16, 16, 1, bias=False),
        nn.Conv2d(16, 512, 3, padding=1, bias=False),
    ]
    assert fitting(nn.Sequential(fine, *others)) == [fine]


def test_a_step_that_fails_leaves_the_layers_as_they_were() -> None:
    network = ResNet(WIDE)

    def failing(state: State, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
        raise RuntimeError

    state = State(network, None)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError):
        natively(failing)(state, Batch(torch.zeros(1), torch.zeros(1)), 0.1)
    assert not any("forward" in vars(module) for module in network.modules())


def test_what_was_compiled_is_kept_and_a_damaged_file_is_made_anew(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path))
    build.library.cache_clear()
    made: list[object] = []
    compiled = build._compiled
    monkeypatch.setattr(build, "_compiled", lambda *told: made.append(told) or compiled(*told))
    assert isinstance(build.library(), ctypes.CDLL)
    (kept,) = (tmp_path / "kernels").iterdir()
    build.library.cache_clear()
    build.library()
    assert len(made) == 1, "it was kept"
    other = tmp_path / "other"
    (other / "kernels").mkdir(parents=True)
    (other / "kernels" / kept.name).write_bytes(kept.read_bytes()[:1000])
    monkeypatch.setenv("DEEPRES_CACHE", str(other))
    build.library.cache_clear()
    build.library()
    assert len(made) == 2
    assert (other / "kernels" / kept.name).stat().st_size == kept.stat().st_size
    build.library.cache_clear()


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    network = ResNet(WIDE)
    build.library.cache_clear()
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    with pytest.raises(UserError, match="takes a C compiler"):
        choose(network, RECIPE, 8, engine="native")
    refusing = tmp_path / "cc"
    refusing.write_text("#!/bin/sh\necho 'error: no such option' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("CC", str(refusing))
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="fails \\(error: no such option\\)"):
        choose(network, RECIPE, 8, engine="native")
    lowered = structs.replace(RECIPE, precision="bf16")
    with pytest.raises(UserError, match="computes in fp32"):
        choose(network, lowered, 8, engine="native")
    with pytest.raises(UserError, match="this network has none"):
        choose(ResNet(TINY), RECIPE, 8, engine="native")
    build.library.cache_clear()


def test_a_run_that_is_long_takes_them_where_the_clock_agrees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = ResNet(WIDE)
    long = structs.replace(RECIPE, steps=10_000_000)
    seen: list[list[str]] = []

    def measured(rates: list[float]):  # type: ignore[no-untyped-def]
        def clock(network: object, recipe: object, edge: int, plans: list[Plan]) -> list[float]:
            seen.append([plan.engine for plan in plans])
            return rates[: len(plans)]

        return clock

    monkeypatch.setattr(chooser, "has_compiler", lambda: False)
    monkeypatch.setattr(chooser, "measured", measured([1000.0, 1030.0]))
    assert choose(network, long, 8).plan.engine == "native"
    assert choose(network, long, 8, engine="eager").plan.engine == "eager"
    assert choose(network, RECIPE, 8).plan.engine == "eager"
    assert choose(network, structs.replace(long, precision="bf16"), 8).plan.engine == "eager"
    monkeypatch.setattr(chooser, "measured", measured([1000.0, 1029.0]))
    assert choose(network, long, 8).plan.engine == "eager"
    assert seen == [
        ["eager", "native"],
        ["eager"],
        ["eager"],
        ["eager"],
        ["eager", "native"],
    ]
    assert choose(copy.deepcopy(network), RECIPE, 8, engine="native").plan.engine == "native"


def test_nobody_waits_for_the_clock_where_steps_take_minutes() -> None:
    sizes = [chooser._few(deepres.create(name), CIFAR, 32) for name in ("resnet20", "resnet1202")]
    assert sizes == [CIFAR.batch, 2 * CIFAR.replicas]  # a share of one has no deviation
    work = 3 * multiply_adds(deepres.create("resnet1202"), 32) * sizes[1]
    assert work / chooser.RATE <= chooser.PATIENCE

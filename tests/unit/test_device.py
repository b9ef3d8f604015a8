"""Training on a device against the plain path, the device being the processor: its eager twin."""

import copy
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec import structs
from test_augment import pictures
from test_running import RUN, SMALL
from test_train import RECIPE, TINY, agrees, given, tiny

from deepres.accel.device import feed
from deepres.accel.device.feed import fed
from deepres.accel.device.fleet import job_of
from deepres.accel.device.network import fits
from deepres.accel.device.normalised import Formulas, Normalised
from deepres.accel.device.placed import on_device, placed
from deepres.accel.device.planned import found, layers, planned
from deepres.accel.device.step import OnDevice
from deepres.accel.folded import folded
from deepres.data.batches import Batch, batches
from deepres.errors import UserError
from deepres.models.initialise import initialise
from deepres.models.resnet import ResNet
from deepres.runs.folder import Folder
from deepres.runs.result import Result
from deepres.spec import Arch, Plan, Recipe
from deepres.train import State, Step, begun, eager, exact, fit, in_bf16

CPU = torch.device("cpu")


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_step_on_fixed_tensors_trains_as_numpy_does(replicas: int) -> None:
    recipe = structs.replace(RECIPE, replicas=replicas)
    agrees(OnDevice(recipe), recipe)


def trained(recipe: Recipe, step: Step, network: ResNet | None = None, stop: int = 20) -> State:
    state = begun(copy.deepcopy(network), recipe) if network else tiny(recipe)
    stream = given(recipe.steps, recipe.replicas, recipe.batch)
    for progress in fit(state, recipe, stream, step):
        assert torch.isfinite(progress.loss)
        if progress.step == stop:
            break
    return state


def same(first: State, second: State, atol: float = 1e-10) -> None:
    assert first.tensors().keys() == second.tensors().keys()
    for name, tensor in first.tensors().items():
        torch.testing.assert_close(tensor, second.tensors()[name], rtol=0, atol=atol, msg=name)


@pytest.mark.parametrize(
    "changed",
    [
        {"momentum_form": "torch"},
        {"momentum_form": "nesterov", "decay_on": "weights"},
        {"old_rate": 0.1, "momentum": 0.5},
        {"smoothing": 0.2, "average": 0.9},
        {"drops": (), "peak": 6, "replicas": 4},
    ],
    ids=lambda changed: ", ".join(changed),
)
def test_whatever_a_recipe_says_is_computed_alike(changed: dict[str, object]) -> None:
    recipe = structs.replace(RECIPE, **changed)

    def plain(state: State, batch: Batch, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        return eager(state, batch, rate, lambda n, x, y: exact(n, x, y, smoothing=recipe.smoothing))

    same(trained(recipe, plain), trained(recipe, OnDevice(recipe)))


@pytest.mark.parametrize(
    "arch",
    [
        structs.replace(TINY, shortcut="none"),
        structs.replace(TINY, depths=(1, 1, 2), widths=(4, 5, 6), shortcut="A-both"),
        Arch(
            stem="3x3-pool",
            block="bottleneck",
            depths=(1, 2),
            widths=(2, 3),
            shortcut="none",
            classes=3,
        ),
    ],
    ids=["plain", "three stages", "bottleneck"],
)
def test_every_network_that_fits_trains_alike(arch: Arch) -> None:
    network = initialise(ResNet(arch), seed=3).double()
    assert fits(network)
    same(trained(RECIPE, eager, network), trained(RECIPE, OnDevice(RECIPE), network))


def test_projections_and_other_modules_are_left_to_the_plain_step() -> None:
    network = initialise(ResNet(structs.replace(TINY, shortcut="B"))).double()
    assert not fits(network) and not fits(torch.nn.Linear(1, 1))
    with pytest.raises(UserError, match="--engine eager"):
        trained(RECIPE, OnDevice(RECIPE), network)
    half = structs.replace(RECIPE, precision="fp16")
    with pytest.raises(UserError, match="--engine eager"):
        trained(half, OnDevice(half))


def test_a_state_goes_from_the_plain_step_to_the_graph_and_back() -> None:
    """What a device saved, a processor goes on with; and the other way round."""
    whole = trained(RECIPE, eager)
    for first, second in ((eager, OnDevice(RECIPE)), (OnDevice(RECIPE), eager)):
        begun_ = trained(RECIPE, first, stop=9)
        state = tiny()
        state.restore({k: t.clone() for k, t in begun_.tensors().items()}, begun_.facts())
        rest = list(given(20, 2))[9:]
        assert len(list(fit(state, RECIPE, rest, second))) == 11
        same(whole, state)


def test_a_resumed_twin_is_the_unbroken_one_to_the_bit() -> None:
    whole, part = trained(RECIPE, OnDevice(RECIPE)), trained(RECIPE, OnDevice(RECIPE), stop=9)
    state = tiny()
    state.restore({k: t.clone() for k, t in part.tensors().items()}, part.facts())
    for _ in fit(state, RECIPE, list(given(20, 2))[9:], OnDevice(RECIPE)):
        pass
    same(whole, state, 0)


def test_a_state_keeps_its_names_shapes_and_layout_when_it_becomes_flat() -> None:
    plain, flat = trained(RECIPE, eager), trained(RECIPE, OnDevice(RECIPE))
    ours = flat.tensors()
    for name, tensor in plain.tensors().items():
        assert (tensor.shape, tensor.dtype) == (ours[name].shape, ours[name].dtype), name
    weight = flat.network.layer1[0].conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert weight.data_ptr() != flat.optimiser.velocity["layer1.0.conv1.weight"].data_ptr()


def test_half_precision_is_of_the_products_alone() -> None:
    recipe = structs.replace(RECIPE, precision="bf16")
    step = OnDevice(recipe)
    network = initialise(ResNet(TINY), seed=3)
    batch = next(iter(given(1, 2)))
    batch = Batch(batch.images.float(), batch.labels, 2)
    state = begun(copy.deepcopy(network), recipe)
    (told,) = fit(state, recipe, [batch], step)
    assert {t.dtype for t in state.tensors().values()} == {torch.float32, torch.int64}
    assert step.graph is not None and step.graph.half.dtype == torch.bfloat16
    ends = {}
    for forward in (exact, in_bf16):
        plain = begun(copy.deepcopy(network), recipe)
        (expected,) = fit(plain, recipe, [batch], lambda *a, f=forward: folded(*a, forward=f))
        ends[forward] = velocity(plain)
        if forward is exact:
            assert 0 < abs(float(told.loss - expected.loss)) < 0.02
    far = float((velocity(state) - ends[exact]).norm())
    assert 0 < far < 1.5 * float((ends[in_bf16] - ends[exact]).norm()), "autocast is as far"


def velocity(state: State) -> torch.Tensor:
    return torch.cat([v.flatten() for v in state.optimiser.velocity.values()])


@pytest.mark.parametrize(
    "changed",
    [{}, {"padding": "black"}, {"mirror": False, "shift": 0}, {"centre": "channels"}, {"calm": 7}],
    ids=str,
)
@pytest.mark.parametrize("start", [0, 5])
def test_batches_on_a_device_are_the_plain_ones_to_the_bit(
    changed: dict[str, object], start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SLAB", 4)  # steps cross slabs, and the epoch's end
    recipe = Recipe(batch=14, steps=13, drops=(), replicas=2, **changed)  # type: ignore[arg-type]
    images = pictures()
    there = batches(images, recipe, 3, start)
    count = 0
    for ours, theirs in zip(fed(CPU)(images, recipe, 3, start), there, strict=True):
        assert torch.equal(ours.images, theirs.images) and torch.equal(ours.labels, theirs.labels)
        assert ours.images.is_contiguous(memory_format=torch.channels_last)
        count += 1
    assert count == 13 - start


def test_the_last_calm_steps_cut_from_the_middle() -> None:
    recipe = Recipe(batch=60, steps=2, drops=(), replicas=1, calm=1, centre="none", mirror=False)
    images = pictures()
    moved, still = batches(images, recipe, 0)
    whole = {picture.tobytes() for picture in images.pixels}

    def kept(batch: Batch) -> int:
        rows = (batch.images.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()
        return sum(picture.tobytes() in whole for picture in rows)

    assert kept(still) == 60 and kept(moved) < 10


def test_fused_layers_have_the_gradients_that_autograd_finds() -> None:
    torch.manual_seed(0)
    x, add = (torch.randn(6, 3, 4, 5, dtype=torch.double).requires_grad_() for _ in range(2))
    gamma, beta = (torch.randn(3, dtype=torch.double).requires_grad_() for _ in range(2))
    seen = (torch.zeros(2, 3, dtype=torch.double), torch.zeros(2, 3, dtype=torch.double))

    def fused(*given: torch.Tensor) -> torch.Tensor:
        return Normalised.apply(*given, Formulas(), 1e-5, seen)

    assert torch.autograd.gradcheck(fused, (x, gamma, beta, add))


@pytest.mark.parametrize(
    ("shape", "replicas", "adds"),
    [
        ((8, 16, 8, 8), 2, True),
        ((4, 6, 5, 5), 1, True),
        ((6, 64, 4, 4), 3, False),
        pytest.param((2, 20, 130, 130), 1, False, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_kernels_compute_what_the_formulas_say(
    shape: tuple[int, ...], replicas: int, adds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Triton's interpreter, where there is no GPU."""
    if not torch.cuda.is_available():
        monkeypatch.setenv("TRITON_INTERPRET", "1")
    pytest.importorskip("triton", reason="needs Triton: its interpreter will do")
    from deepres.accel.device.kernels import Kernels

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    channels = shape[1]
    x = 3 * torch.randn(shape) + 5 * torch.randn(channels)[None, :, None, None]
    x, add, g = (
        t.to(device).contiguous(memory_format=torch.channels_last)
        for t in (x, torch.randn(shape), torch.randn(shape))
    )
    gamma, beta = torch.randn(channels, device=device), torch.randn(channels, device=device)
    added = add if adds else None
    ours = Kernels().forward(x, gamma, beta, added, 1e-5, replicas)
    back = Kernels().backward(g, x, gamma, ours, adds)
    wide = [t.double() for t in (x, gamma, beta)]
    theirs = Formulas().forward(*wide, add.double() if adds else None, 1e-5, replicas)
    theirs = theirs._replace(y=ours.y.double())  # the same side of zero
    expected = Formulas().backward(g.double(), wide[0], wide[1], theirs, adds)
    for name, a, b in [
        *zip(ours._fields[1:], ours[1:], theirs[1:], strict=True),
        *zip(back._fields, back, expected, strict=True),
    ]:
        if a is None or b is None:
            assert a is b, name
        else:
            assert float((a.double() - b).norm() / b.norm()) < 3e-6, name
    y = Formulas().forward(*wide, add.double() if adds else None, 1e-5, replicas).y
    assert float((ours.y.double() - y).norm() / y.norm()) < 1e-6


@pytest.mark.filterwarnings("ignore:invalid value")  # of NumPy, within Triton's interpreter
@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
@pytest.mark.parametrize("by", ["formulas", "kernels"])
def test_fused_layers_show_that_a_network_diverges(
    by: str, wrong: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A maximum of zero and no number may be zero: the loss would stay fine for ever."""
    ways, device = Formulas(), "cpu"
    if by == "kernels":
        if not torch.cuda.is_available():
            monkeypatch.setenv("TRITON_INTERPRET", "1")
        pytest.importorskip("triton", reason="needs Triton: its interpreter will do")
        from deepres.accel.device.kernels import Kernels

        ways, device = Kernels(), "cuda" if torch.cuda.is_available() else "cpu"
    x = torch.randn(4, 16, 4, 4).to(device).contiguous(memory_format=torch.channels_last)
    x[1, 3, 2, 2] = wrong
    ones = torch.ones(16, device=device)
    y = ways.forward(x, ones, ones, None, 1e-5, 2).y
    assert y[:2, 3].isnan().all()
    assert y[2:].isfinite().all() and y[:2, :3].isfinite().all()


def test_the_plan_of_a_device_says_why_a_run_is_no_graph() -> None:
    images, there = pictures(), torch.device("cuda")
    fitting, other = ResNet(TINY), ResNet(structs.replace(TINY, shortcut="C"))
    half = structs.replace(RECIPE, precision="fp16")
    for network, recipe, device, word in [
        (other, RECIPE, there, "projections"),
        (fitting, half, there, "fp16"),
        (fitting, RECIPE, torch.device("mps"), "CUDA"),
    ]:
        with pytest.raises(UserError, match=word):
            planned(network, recipe, images, device, engine="graph")
    plan, why = planned(fitting, RECIPE, images, CPU)
    assert (plan.engine, plan.layers, plan.device) == ("graph", "formulas", "cpu"), why


def test_a_device_that_is_not_there_is_refused_by_its_name() -> None:
    for name in ("tpu", "cuda:99", "mps" if not torch.backends.mps.is_available() else "xpu"):
        with pytest.raises(UserError, match=name):
            found(name)


APPLE = pytest.mark.skipif(not torch.backends.mps.is_available(), reason="needs Apple's mps")


@pytest.mark.parametrize("name", ["cpu", pytest.param("mps", marks=APPLE)])
def test_an_eager_run_on_a_device_goes_to_its_end(name: str, tmp_path: Path) -> None:
    """Training, looks, population statistics, weights: Apple's GPU has no float64."""
    plan = Plan(device=name if name == "cpu" else str(found(name)), engine="eager")
    ended = list(job_of(RUN, plan, SMALL, tmp_path / name, 2)(lambda: False))
    assert isinstance(ended[-1], Result) and Folder(tmp_path / name).finished()


@APPLE
def test_mps_trains_two_steps() -> None:
    device = found("mps")
    state = begun(placed(initialise(ResNet(TINY), seed=3), device), RECIPE)
    stream = on_device(device, batches)(pictures(), structs.replace(RECIPE, steps=2, drops=()), 0)
    losses = [float(progress.loss) for progress in fit(state, RECIPE, stream, eager)]
    assert len(losses) == 2 and all(0 < loss < 10 for loss in losses)


def test_averages_and_smoothed_labels_are_those_of_numpy() -> None:
    """Held against sums written out: the loss of smoothed labels, the average of the weights."""
    recipe = structs.replace(RECIPE, average=0.8, smoothing=0.3, replicas=1)
    state, step = tiny(recipe), OnDevice(recipe)
    name = "layer1.0.conv1.weight"
    average = state.optimiser.parameters[name].detach().numpy().copy()
    for batch in given(5, 1):
        network = copy.deepcopy(state.network).train()
        logits = network(batch.images).detach().numpy()
        (told,) = fit(state, recipe, [batch], step)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        logs = np.log(shares / shares.sum(1, keepdims=True))
        wanted = 0.7 * np.eye(3)[batch.labels.numpy()] + 0.3 / 3
        assert abs(float(told.loss) + (wanted * logs).sum(1).mean()) < 1e-10
        average = 0.8 * average + 0.2 * state.optimiser.parameters[name].detach().numpy()
    np.testing.assert_allclose(state.optimiser.average[name], average, atol=1e-12)
    state.optimiser.take_average()
    np.testing.assert_allclose(state.network.layer1[0].conv1.weight.detach(), average, atol=1e-12)


def test_kernels_that_do_not_work_here_are_told_and_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device of another kind stands in: the kernels raise, or there is no Triton at all."""
    broken = types.ModuleType("kernels")

    class Kernels:
        def forward(self, *given: object) -> None:
            raise RuntimeError("no such instruction\nand more")

    broken.Kernels = Kernels  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "deepres.accel.device.kernels", broken)
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *a, **k: self)
    kind, said = layers(torch.device("cuda"))
    assert kind == "formulas" and "RuntimeError of Triton: no such instruction" in said
    assert "more" not in said
    monkeypatch.setitem(sys.modules, "deepres.accel.device.kernels", None)
    assert layers(torch.device("cuda")) == (
        "formulas",
        "layers by torch's operations: there is no Triton",
    )

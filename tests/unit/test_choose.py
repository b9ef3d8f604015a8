"""Which plan is chosen, for which reason, and that choosing leaves no trace."""

import copy
import threading

import pytest
import torch
from msgspec import structs
from torch import nn

import deepres
from deepres.accel import choose as chooser
from deepres.accel import prepared as preparing
from deepres.accel.choose import Choice, choose
from deepres.accel.memory import activation_bytes, available_bytes
from deepres.accel.prepared import prepared, stream
from deepres.data.batches import Batch
from deepres.data.synthetic import images
from deepres.errors import UserError
from deepres.spec import CIFAR, DIGITS, Plan, Recipe
from deepres.train import begun, fit

GIGABYTE = 1 << 30


@pytest.fixture(autouse=True)
def threads():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[list[Plan]]:
    """The plans that were timed; a compiled step is faster by a fifth."""
    seen: list[list[Plan]] = []

    def measured(network: object, recipe: object, edge: int, plans: list[Plan]) -> list[float]:
        seen.append(plans)
        return [1200.0 if plan.engine == "compiled" else 1000.0 for plan in plans]

    monkeypatch.setattr(chooser, "measured", measured)
    monkeypatch.setattr(chooser, "has_compiler", lambda: True)
    monkeypatch.setattr(chooser, "_gains", lambda *_: False)  # test_native.py has our own kernels
    return seen


def test_a_long_run_is_compiled_and_a_short_one_is_not(timed: list[list[Plan]]) -> None:
    network = deepres.create("resnet20")
    long = choose(network, CIFAR, 32)
    assert (long.plan.engine, long.images_per_second) == ("compiled", 1200.0)
    assert [plan.engine for plan in timed[0]] == ["eager", "compiled"]
    short = structs.replace(CIFAR, steps=2_000)
    assert choose(network, short, 32).plan.engine == "eager"
    assert choose(network, DIGITS, 8).plan.engine == "eager"
    assert choose(network, CIFAR, 32, engine="eager").plan.engine == "eager"
    compiled = choose(network, DIGITS, 8, engine="compiled").plan
    assert (compiled.engine, compiled.tiny_maps) == ("compiled", "as they come")


def test_a_compiled_step_that_is_not_clearly_faster_is_not_taken(
    timed: list[list[Plan]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chooser, "measured", lambda n, r, e, plans: [1000.0, 1029.0])
    choice = choose(deepres.create("resnet20"), CIFAR, 32)
    assert (choice.plan.engine, choice.images_per_second) == ("eager", 1000.0)


def test_without_a_compiler_auto_is_eager_and_compiled_is_refused(
    timed: list[list[Plan]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chooser, "has_compiler", lambda: False)
    network = deepres.create("resnet20")
    assert choose(network, CIFAR, 32).plan.engine == "eager"
    with pytest.raises(UserError, match="takes a C\\+\\+ compiler"):
        choose(network, CIFAR, 32, engine="compiled")


def test_engines_of_gpus_are_refused(timed: list[list[Plan]]) -> None:
    with pytest.raises(UserError, match="--engine graph takes a GPU"):
        choose(deepres.create("resnet20"), CIFAR, 32, engine="graph")


@pytest.mark.parametrize(
    ("needed", "free", "blocks"),
    [
        (1 * GIGABYTE, 20 * GIGABYTE, 0),
        (1 * GIGABYTE, 2 * GIGABYTE, 3),  # nine blocks
        (5 * GIGABYTE, 100 * GIGABYTE, 3),
    ],
)
def test_activations_are_recomputed_where_memory_is_short(
    timed: list[list[Plan]], monkeypatch: pytest.MonkeyPatch, needed: int, free: int, blocks: int
) -> None:
    monkeypatch.setattr(chooser, "activation_bytes", lambda *_: needed)
    monkeypatch.setattr(chooser, "available_bytes", lambda: free)
    choice = choose(deepres.create("resnet20"), CIFAR, 32)
    assert choice.plan.checkpointed == blocks
    assert choice.plan.engine == ("eager" if blocks else "compiled")
    if blocks:
        assert "activations kept every 3 blocks" in str(choice)
        with pytest.raises(UserError, match="more memory than there is"):
            choose(deepres.create("resnet20"), CIFAR, 32, engine="compiled")


def test_the_line_that_says_what_was_chosen() -> None:
    plan = Plan(engine="compiled", threads=2)
    assert str(Choice(plan, 1119.6)) == "step: compiled, channels last, 2 threads; 1,120 images/s"
    one = Plan(replicas="folded")
    assert (
        str(Choice(one, 9.0)) == "step: eager, channels last, replicas folded, 1 thread; 9 images/s"
    )


def test_tiny_maps_are_products_only_where_they_are_tiny_and_exact(
    timed: list[list[Plan]],
) -> None:
    network = deepres.create("resnet20")
    digits = choose(network, DIGITS, 8)
    assert digits.plan.tiny_maps == "products"
    assert "tiny maps as products" in str(digits)
    assert choose(network, CIFAR, 32).plan.tiny_maps == "as they come"
    one = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.Flatten())
    assert choose(one, DIGITS, 8).plan.tiny_maps == "as they come"
    half = structs.replace(DIGITS, precision="bf16")
    assert choose(network, half, 8).plan.tiny_maps == "as they come"


def test_choosing_leaves_no_trace() -> None:
    network = deepres.create("resnet20")
    before, mode = copy.deepcopy(network.state_dict()), network.training
    torch.manual_seed(1)
    draw = torch.get_rng_state()
    choice = choose(network, DIGITS, 8)
    assert choice.images_per_second > 0
    assert torch.equal(torch.get_rng_state(), draw)
    assert network.training == mode
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(p.grad is None for p in network.parameters())


def test_activation_bytes_are_what_backward_keeps() -> None:
    """By hand: the input for the convolution, its output for BN, BN's for the ReLU's successor."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    share, edge = 10, 8
    values = (3 + 4 + 4) * edge * edge  # input, convolution's output, ReLU's output
    measured = activation_bytes(network, edge, share)
    statistics = 4 * 4 * 4 * share // 2  # a few numbers a channel, counted as if they grew
    assert values * 4 * share <= measured <= values * 4 * share + statistics
    network.requires_grad_(False)
    assert activation_bytes(network, edge, share) == 0


def test_some_memory_is_available() -> None:
    assert 1 << 20 < available_bytes() <= 1 << 62


@pytest.mark.parametrize("layout", ["channels last", "contiguous"])
def test_a_plan_lays_weights_velocity_and_batches_out(layout: str) -> None:
    network = deepres.create("resnet20")
    step = prepared(network, Recipe(batch=4), Plan(layout=layout))
    state = begun(network, Recipe(batch=4))
    seen: list[torch.Tensor] = []
    network.conv1.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    images = torch.randn(4, 3, 8, 8).to(memory_format=torch.channels_last)
    list(fit(state, Recipe(batch=4), [Batch(images, torch.arange(4), 2)], step))
    wanted = preparing.LAYOUTS[layout]
    tensors = [seen[0], network.layer1[0].conv1.weight, state.optimiser.velocity["conv1.weight"]]
    assert all(tensor.is_contiguous(memory_format=wanted) for tensor in tensors)


def test_plans_compute_the_same() -> None:
    images = torch.randn(4, 3, 8, 8).to(memory_format=torch.channels_last)
    losses = []
    for plan in (
        Plan(),
        Plan(layout="contiguous"),
        Plan(replicas="folded"),
        Plan(checkpointed=1),
        Plan(malloc="kept"),
        Plan(tiny_maps="products"),
    ):
        network, recipe = deepres.create("resnet20"), Recipe(batch=4)
        step = prepared(network, recipe, plan)
        batch = Batch(images, torch.arange(4), 2)
        losses.append(
            [float(p.loss) for p in fit(begun(network, recipe), recipe, [batch] * 2, step)]
        )
    assert torch.allclose(torch.tensor(losses[1:]), torch.tensor(losses[0]), rtol=1e-4)


@pytest.mark.parametrize("workers", [0, 1])
def test_only_a_worker_prepares_batches_ahead(workers: int) -> None:
    before = threading.active_count()
    batches = iter(stream(Plan(workers=workers))(images("test", 64, 8), Recipe(batch=8), 0, 0))
    next(batches)
    assert threading.active_count() == before + workers
    batches.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before

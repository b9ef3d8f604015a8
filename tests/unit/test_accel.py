"""Each fast path against its slow twin: the same steps, statistics and names."""

import copy
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from msgspec import structs
from test_train import RECIPE, TINY, agrees, given
from torch import nn

from deepres.accel import malloc, tiny
from deepres.accel.ahead import ahead
from deepres.accel.checkpointed import checkpointed
from deepres.accel.compiled import compiled
from deepres.accel.folded import folded
from deepres.accel.tiny import by_products
from deepres.data.batches import Batch
from deepres.data.images import Images
from deepres.models.initialise import initialise
from deepres.models.resnet import ResNet
from deepres.spec import Recipe
from deepres.train import State, Step, begun, eager, exact, fit

FOLDED_RECIPE = Recipe(batch=12, steps=6, drops=(3,), replicas=3)


class Anybodys(nn.Module):
    """Somebody's own network: other names, a cumulative average, a layer used twice, dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1, bias=True)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4, momentum=None), nn.BatchNorm2d(4, eps=1e-3)])
        self.body = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1),
            nn.BatchNorm2d(4, affine=False),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.Dropout(0.5),
        )
        self.head = nn.Linear(4, 3)
        self.twice = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norms[0](self.stem(x)).relu()
        x = self.norms[1](x) + (self.norms[1](2 * x) if self.twice else x)
        return self.head((x + self.body(x)).mean((2, 3)))


def twins(network: nn.Module, recipe: Recipe, steps: tuple[Step, Step]) -> list[State]:
    states = []
    for step in steps:
        state = begun(copy.deepcopy(network), recipe)
        for number, batch in enumerate(given(recipe.steps, recipe.replicas, recipe.batch)):
            torch.manual_seed(number)
            list(fit(state, recipe, [batch], step))
        states.append(state)
    return states


def same(first: State, second: State, atol: float = 1e-10) -> None:
    assert first.tensors().keys() == second.tensors().keys()
    for name, tensor in first.tensors().items():
        torch.testing.assert_close(tensor, second.tensors()[name], rtol=0, atol=atol, msg=name)


def test_folded_replicas_train_as_numpy_does_in_turn() -> None:
    agrees(folded, RECIPE)


def test_folding_works_on_anybodys_module_and_leaves_it_as_it_was() -> None:
    network = Anybodys().double()
    # dropout draws differently for a batch and for its shares, and a layer that is used twice
    # meets the shares in another order
    network.body[5], network.twice = nn.Identity(), False
    first, second = twins(network, FOLDED_RECIPE, (eager, folded))
    same(first, second)
    assert int(second.network.norms[0].num_batches_tracked) == 18, "three shares, six steps"
    assert not any("forward" in vars(module) for module in second.network.modules())


def test_checkpointed_activations_change_no_number() -> None:
    def saving(state: State, batch: Batch, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        return eager(state, batch, rate, checkpointed(exact, 2))

    agrees(saving, RECIPE)
    first, second = twins(Anybodys().double(), FOLDED_RECIPE, (eager, saving))
    same(first, second, 0)
    assert [m.momentum for m in second.network.norms] == [None, 0.1]


def test_tiny_maps_by_products_train_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps of 8, 4 and 2 pixels; only the last stage's two blocks have tiny ones."""
    maps: list[int] = []
    gradient = tiny._gradient
    monkeypatch.setattr(tiny, "_gradient", lambda x, g: maps.append(x.shape[2]) or gradient(x, g))

    def multiplying(state: State, batch: Batch, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        return eager(state, batch, rate, by_products(exact))

    three = structs.replace(TINY, depths=(1, 1, 2), widths=(4, 5, 6))
    network = initialise(ResNet(three), seed=3).double()
    first, second = twins(network, FOLDED_RECIPE, (eager, multiplying))
    same(first, second)
    assert maps == [2] * 3 * FOLDED_RECIPE.replicas * FOLDED_RECIPE.steps
    assert not any("forward" in vars(module) for module in second.network.modules())
    twins(Anybodys().double(), FOLDED_RECIPE, (eager, multiplying))
    assert len(maps) == 54, "a bias is no paper's convolution"
    reflecting = nn.Conv2d(4, 4, 3, padding=1, bias=False, padding_mode="reflect")
    assert not tiny._layers(nn.Sequential(reflecting)), "a product has zeros around it"


def test_checkpointing_keeps_fewer_activations() -> None:
    kept: list[int] = []

    def bytes_kept(forward) -> int:  # type: ignore[no-untyped-def]
        seen: dict[int, int] = {}

        def pack(t: torch.Tensor) -> torch.Tensor:
            seen[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
            return t

        network = nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(16)], nn.Flatten())
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            forward(network, torch.randn(32, 3, 8, 8), torch.zeros(32, dtype=torch.long))
        return sum(seen.values())

    kept = [bytes_kept(exact), bytes_kept(checkpointed(exact, 4))]
    assert kept[1] < kept[0] / 2


def numbers(images: Images, recipe: Recipe, seed: int, start: int = 0) -> Iterator[Batch]:
    for step in range(start, recipe.steps):
        yield Batch(torch.tensor([float(step)]), torch.tensor([seed]))


def nothing() -> Images:
    return Images("none", np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, np.int64), (), "")


def test_a_stream_ahead_is_the_stream() -> None:
    recipe = Recipe(steps=50)
    for start in (0, 20, 50):
        plain = [float(b.images) for b in numbers(nothing(), recipe, 3, start)]
        early = [float(b.images) for b in ahead(numbers)(nothing(), recipe, 3, start)]
        assert early == plain == list(range(start, 50))


def test_a_reader_that_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    stream = iter(ahead(numbers)(nothing(), Recipe(), 0, 0))
    next(stream)
    assert threading.active_count() == before + 1
    stream.close()
    assert threading.active_count() == before


def test_what_fails_ahead_fails_in_the_reader() -> None:
    def broken(images: Images, recipe: Recipe, seed: int, start: int = 0) -> Iterator[Batch]:
        yield from numbers(images, Recipe(steps=2), seed, start)
        raise OSError("the disk is gone")

    seen = []
    with pytest.raises(OSError, match="the disk is gone"):
        for batch in ahead(broken)(nothing(), Recipe(), 0, 0):
            seen.append(float(batch.images))
    assert seen == [0.0, 1.0]


def test_malloc_is_told_only_where_it_is_glibcs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(malloc.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(malloc.ctypes, "CDLL", lambda _: pytest.fail("called"))
    assert malloc.keep() is False


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")  # torch, of its own
@pytest.mark.parametrize("step", [eager, folded])
def test_a_compiled_step_trains_as_numpy_does(step: Step) -> None:
    program = compiled(exact)

    def fast(state: State, batch: Batch, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        return step(state, batch, rate, program)

    agrees(fast, RECIPE)

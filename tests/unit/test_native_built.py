"""The compiler that our kernels take: named in any way, missing, broken, called twice at once."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from msgspec import structs
from test_native import RECIPE, WIDE
from torch import nn

import deepres
from deepres.accel import choose as chooser
from deepres.accel import clocked
from deepres.accel.choose import choose
from deepres.accel.native import build
from deepres.accel.native.layers import natively
from deepres.errors import UserError
from deepres.models.resnet import ResNet
from deepres.spec import CIFAR, Plan

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="there is no C compiler")

LONG = structs.replace(RECIPE, steps=10_000_000)
TOLD = "import torch; from deepres.accel.native.build import library; print(library()._name)"


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A cache of its own, in a folder with a space in its name."""
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "a cache"))
    build.library.cache_clear()
    yield
    build.library.cache_clear()


def program(path: Path, text: bytes) -> str:
    path.write_bytes(text)
    path.chmod(0o755)
    return str(path)


def test_a_compiler_is_named_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = build.compiler()
    assert tool is not None
    monkeypatch.setenv("CC", f"{tool} -O1 -DLANES=8")
    assert build.compiler() == tool
    one = build.library()._name
    build.library.cache_clear()
    monkeypatch.setenv("CC", tool)
    assert build.library()._name != one, "what is compiled otherwise is another library"
    monkeypatch.setenv("CC", "")
    assert build.compiler() is not None


def test_a_compiler_s_path_may_have_spaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    link = tmp_path / "the compiler"
    link.symlink_to(str(build.compiler()))
    monkeypatch.setenv("CC", str(link))
    assert build.compiler() == str(link)
    build.library()


BROKEN = {
    "no program": b"\0\1garbage",
    "not in UTF-8": b"#!/bin/sh\nprintf '\\377\\376rror' >&2\nexit 1\n",
    "silent": b"#!/bin/sh\nexit 1\n",
    "writes nothing": b"#!/bin/sh\nexit 0\n",
    "writes no library": b'#!/bin/sh\nfor to; do :; done\ntest $# -eq 1 || echo none > "$to"\n',
}


@pytest.mark.skipif(os.name != "posix", reason="scripts as on Unix")
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_compiler_is_told_and_a_long_run_goes_without(
    how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CC", program(tmp_path / "broken", BROKEN[how]))
    with pytest.raises(UserError, match="--engine native"):
        choose(ResNet(WIDE), RECIPE, 8, engine="native")
    monkeypatch.setattr(chooser, "has_compiler", lambda: False)
    monkeypatch.setattr(chooser, "measured", lambda *_: [1000.0])
    choice = choose(ResNet(WIDE), LONG, 8)
    assert choice.plan.engine == "eager"
    assert "1,000 images/s. Not tried: --engine native" in str(choice)


def test_a_cache_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="--engine eager does without"):
        build.library()


def test_processes_that_compile_at_once_leave_one_library(tmp_path: Path) -> None:
    words = [sys.executable, "-c", TOLD]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    names = {one.communicate(timeout=120)[0].strip() for one in both}
    assert [one.returncode for one in both] == [0, 0]
    assert [str(path) for path in (tmp_path / "a cache" / "kernels").iterdir()] == [*names]


def test_maps_that_a_kernel_would_misread_are_torch_s_to_refuse() -> None:
    """A kernel told a wrong number of channels would read beyond its weights."""
    layer = nn.Conv2d(16, 16, 3, padding=1, bias=False)

    def once(x: torch.Tensor) -> torch.Tensor:
        step = natively(lambda state, batch, rate: (layer(x), x))
        state = type("State", (), {"network": nn.Sequential(layer)})()
        return step(state, None, 0.1)[0]  # type: ignore[arg-type]

    with pytest.raises(RuntimeError, match="channels"):
        once(torch.zeros(2, 32, 8, 8))
    picture = torch.randn(16, 8, 8)
    torch.testing.assert_close(once(picture), layer(picture))
    layer.double()
    with pytest.raises(RuntimeError, match="same"):
        once(torch.zeros(2, 16, 8, 8))


@pytest.mark.parametrize("engine", ["auto", "eager", "native"])
def test_a_start_takes_few_pictures_of_a_network_whose_steps_take_minutes(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def measured(network: nn.Module, recipe, edge: int, plans: list[Plan]) -> list[float]:  # type: ignore[no-untyped-def]
        taken.append(recipe.batch)
        return [1.0, 0.5][: len(plans)]

    monkeypatch.setattr(chooser, "measured", measured)
    assert choose(deepres.create("resnet1202"), CIFAR, 32, engine=engine).plan.checkpointed
    assert len(taken) == 1 and taken[0] <= 16


def test_the_clock_stops_where_steps_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two plans one step each where it takes long; fewer rounds where these add up."""
    steps: list[str] = []
    seconds = 30.0

    def timer(network: nn.Module, recipe: object, plan: Plan, batch: object):  # type: ignore[no-untyped-def]
        return lambda: steps.append(plan.engine) or seconds

    monkeypatch.setattr(clocked, "_timer", timer)
    plans = [Plan(), Plan(engine="native")]
    assert clocked.measured(ResNet(WIDE), RECIPE, 8, plans) == [12 / 30.0] * 2
    assert steps == ["eager", "native"]
    steps.clear()
    seconds = clocked.PATIENCE
    rounds = math.ceil(clocked.LONGEST / (2 * seconds))
    assert clocked.measured(ResNet(WIDE), RECIPE, 8, plans) == [12 / seconds] * 2
    assert steps == ["eager", "native"] * (1 + rounds) and rounds < clocked.ROUNDS
    steps.clear()
    monkeypatch.setattr(clocked, "LONGEST", 1e9)
    clocked.measured(ResNet(WIDE), RECIPE, 8, plans)
    assert len(steps) == 2 * (1 + clocked.ROUNDS)

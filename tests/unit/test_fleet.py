"""Runs side by side are the runs alone; one that fails or is stopped leaves the others be."""

import itertools
import json
import threading
from pathlib import Path

import pytest
import torch
from msgspec import structs
from test_running import RUN, SMALL, TINY

from deepres.accel.device.fleet import job_of, side_by_side
from deepres.errors import Failed
from deepres.runs.folder import Folder
from deepres.runs.log import TIMES
from deepres.runs.result import Result
from deepres.spec import FAST, Plan, Recipe, scaled

TWIN = Plan(engine="graph")
CPU = torch.device("cpu")
FASTER = structs.replace(
    scaled(structs.replace(RUN, recipe=FAST), 12).recipe, batch=8, shift=1, average=0.5
)
RUNS = {
    "one": RUN,
    "two": structs.replace(RUN, seed=1),
    "fast": structs.replace(RUN, recipe=FASTER),
}


def carried(where: Path, names=RUNS, at_once=3, stop=lambda: False, plan=TWIN):
    jobs = [(n, job_of(RUNS[n], plan, SMALL, where / n, 2)) for n in names]
    return list(side_by_side(jobs, at_once, CPU, stop))


def told(folder: Folder):
    lines = [json.loads(text) for text in folder.log.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


def alike(first: Path, second: Path) -> None:
    for name in RUNS:
        one, other = Folder(first / name), Folder(second / name)
        assert one.weights.read_bytes() == other.weights.read_bytes(), name
        assert told(one) == told(other), name


def test_runs_side_by_side_are_the_runs_alone_and_slices_the_whole(tmp_path):
    """Byte for byte: alone, three at once, and in slices that end wherever they end."""
    for name in RUNS:
        carried(tmp_path / "alone", [name])
    done = carried(tmp_path / "together")
    assert sorted(n for n, item in done if isinstance(item, Result)) == sorted(RUNS)
    alike(tmp_path / "alone", tmp_path / "together")
    slices = 0
    while not all(Folder(tmp_path / "slices" / n).finished() for n in RUNS):
        asked = iter(range(40))  # so often may they ask before the slice is over
        lock = threading.Lock()

        def over(asked=asked, lock=lock):
            with lock:
                return next(asked, None) is None

        carried(tmp_path / "slices", at_once=2, stop=over)
        slices += 1
    assert slices > 1
    alike(tmp_path / "alone", tmp_path / "slices")


def test_a_run_that_fails_is_told_and_the_others_go_on(tmp_path):
    def broken(stop):
        raise Failed("the disk is gone")
        yield

    jobs = [("bad", broken), ("one", job_of(RUN, TWIN, SMALL, tmp_path / "one", 0))]
    said = dict(side_by_side(jobs, 1, CPU, lambda: False))
    assert isinstance(said["bad"], Failed) and isinstance(said["one"], Result)


@pytest.mark.timeout(60)
def test_two_that_reach_for_the_last_run_at_once_do_not_wait_for_ever():
    """Both threads ask whether to stop before either takes it: one of them finds nothing."""
    asked, ready, both = itertools.count(1), threading.Barrier(2), threading.Barrier(2)

    def stop():
        if next(asked) in (3, 4):  # each has one run behind it, and one is left
            both.wait(30)
        return False

    def meeting(stop):
        ready.wait(30)
        yield "met"

    def last(stop):
        yield "last"

    jobs = [("a", meeting), ("b", meeting), ("c", last)]
    said = list(side_by_side(jobs, 2, CPU, stop))
    assert sorted(said) == [("a", "met"), ("b", "met"), ("c", "last")]


def test_whoever_leaves_early_leaves_no_thread_and_a_state(tmp_path):
    longer = structs.replace(RUN, recipe=Recipe(batch=8, steps=5_000, shift=1))
    before = threading.active_count()
    jobs = [("long", job_of(longer, TWIN, SMALL, tmp_path / "long", 0))]
    stream = side_by_side(jobs, 1, CPU, lambda: False)
    next(stream)
    stream.close()
    assert threading.active_count() == before
    assert list(Folder(tmp_path / "long").state.glob("*.json"))


def test_the_twin_of_a_graph_ends_as_the_plain_run_does(tmp_path):
    """Through the whole of a run: reports, looks, statistics, weights; to rounding in fp32."""
    carried(tmp_path / "graph", ["one"])
    carried(tmp_path / "plain", ["one"], plan=Plan())
    ours, theirs = (Folder(tmp_path / name / "one") for name in ("graph", "plain"))
    for a, b in zip(told(ours), told(theirs), strict=True):
        assert a.keys() == b.keys() and a["step"] == b["step"]
        assert abs(a.get("loss", 0) - b.get("loss", 0)) < 1e-3
    assert ours.planned() == TWIN and TINY.steps == 20


def test_what_is_tested_is_the_average_where_a_recipe_averages(tmp_path):
    from deepres.models.weights import load
    from deepres.runs.states import found, read

    carried(tmp_path, ["fast"])
    folder = Folder(tmp_path / "fast")
    tensors, _ = read(next(found(folder.state)))
    final = load(folder.weights)
    for name, p in final.named_parameters():
        assert torch.equal(p, tensors[f"average.{name}"]), name
        assert not torch.equal(p, tensors[f"network.{name}"]), name

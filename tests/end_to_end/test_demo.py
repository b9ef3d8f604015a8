"""The demo: what it says follows from what was seen; its processes end well and badly."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec import structs

from deepres.cli.demo import digits
from deepres.errors import Failed, UserError
from deepres.models.zoo import arch
from deepres.runs.folder import Folder
from deepres.runs.log import Evaluated, Report
from deepres.runs.result import Result
from deepres.spec import DIGITS
from deepres.studies import demo
from deepres.studies.runner import Done, Step, Task, carried_out
from deepres.tally import Tally


def result(run, train, test):
    nothing = Tally(500, 0, 0)
    return Result(
        key=run.key,
        steps=run.recipe.steps,
        seconds=1.0,
        images_per_second=1.0,
        while_training=nothing,
        trained_on=Tally(1_297, train, 0),
        held_out=None,
        test=Tally(500, test, 0),
        test_running=nothing,
        classes=(),
        confusion=(),
        mistakes=(),
    )


def table(errors, seeds=1):
    """A table in which each network makes so many training and test errors, in every seed."""
    runs = demo.runs(digits(), seeds, 600)
    return demo.rows({run: result(run, *errors[demo.name_of(run)]) for run in runs})


DEGRADING = {"plain-20": (6, 20), "plain-32": (194, 90), "plain-44": (558, 220)}
DEGRADING |= {"plain-56": (960, 380)}
DEGRADING |= {f"residual-{d}": (n, 8) for n, d in enumerate(demo.DEPTHS)}


def verdicts(rows):
    return {claim.claim: claim.verdict for claim in demo.claims(rows)}


def test_what_was_seen_is_said_by_the_numbers():
    rows = table(DEGRADING)
    first, second, third = demo.seen(rows)
    assert first.startswith("The deeper the plain network, the worse it trained: 0.5 / 15.0 / 43.0")
    assert "at most 0.23 % are wrong" in second
    found = verdicts(rows)
    assert third.startswith("Of the test pictures they get 1.6 / 1.6 / 1.6 / 1.6 % wrong")
    assert "so few digits and steps do not show" in third
    assert set(found.values()) == {"holds"}


def test_what_was_not_seen_is_not_said():
    same = dict.fromkeys(DEGRADING, (100, 40))
    rows = table(same | {"residual-44": (900, 300)})
    first, second, _ = demo.seen(rows)
    assert "not each deeper one" in first
    assert second == "With shortcuts the worst of the four ends at 69.4 %."
    found = verdicts(rows)
    assert found["plain-56 trains worse than plain-44"] == "within noise"
    assert found["plain-44 trains worse than residual-44"] == "fails"


NAMES = ("plain8", "resnet8", "plain14")


def tasks(tmp_path, steps=6):
    recipe = structs.replace(DIGITS, steps=steps, drops=())
    return [
        Task(
            run=structs.replace(run, recipe=recipe, arch=arch(name, 10), name=name),
            source="digits",
            folder=str(tmp_path / name),
            looks=2,
        )
        for name, run in zip(NAMES, demo.runs(digits(), 1, 600)[:3], strict=True)
    ]


@pytest.mark.slow
def test_several_processes_carry_out_all_tasks_and_tell_of_them(tmp_path):
    told = {}
    for task, message in carried_out(tasks(tmp_path), jobs=2):
        told.setdefault(task.run.name, []).append(message)
    assert sorted(told) == ["plain14", "plain8", "resnet8"]
    for name, messages in told.items():
        assert isinstance(messages[-1], Done)
        assert [m.step for m in messages if isinstance(m, Report)] == [1, 2, 3, 4, 5, 6]
        assert any(isinstance(m, Step) for m in messages)
        assert [m.watching for m in messages if isinstance(m, Evaluated) and m.step < 6]
        assert Folder(tmp_path / name).finished().steps == 6


def test_a_task_that_cannot_be_done_is_a_sentence(tmp_path):
    mine = tasks(tmp_path)[:1]
    wrong = structs.replace(mine[0], source="synthetic")
    with pytest.raises(UserError, match="not the train images of the run"):
        list(carried_out([wrong], jobs=1))


def test_a_process_that_dies_is_noticed_and_none_is_left(tmp_path):
    stream = carried_out(tasks(tmp_path, steps=2_000), jobs=2)
    next(stream)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("needs Linux's list of children")
    mine = [int(pid) for pid in children.read_text().split()]
    mine = [p for p in mine if b"worker" in Path(f"/proc/{p}/cmdline").read_bytes()]
    assert len(mine) == 2
    os.kill(mine[0], signal.SIGKILL)
    with pytest.raises(Failed, match="A training process ended"):
        list(stream)
    assert not any(Path(f"/proc/{pid}").exists() for pid in mine)


@pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")
@pytest.mark.slow
def test_the_demo_stops_when_told(tmp_path):
    words = [sys.executable, "-m", "deepres", "demo", "--out", str(tmp_path / "demo"), "--json"]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in running.stderr:
        if "images/s" in line:
            break
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=100)
    assert (running.returncode, out) == (143, "")
    assert "Traceback" not in err
    assert list((tmp_path / "demo").glob("*/state/*.safetensors"))


def test_the_command_trains_measures_and_tells(tmp_path, command, monkeypatch):
    """The whole demo, but with networks of 8 and 14 layers and a few steps."""
    monkeypatch.setattr(demo, "DEPTHS", (8, 14))
    words = ("demo", "--steps", "6", "--seeds", "2", "--jobs", "2", "--out", tmp_path)
    start = time.monotonic()
    status, out, err = command(*words, "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert 0 < answer["seconds"] < time.monotonic() - start + 1
    found = {c["claim"]: c["verdict"] for c in answer["claims"]}
    assert list(found) == [
        "plain-14 trains worse than plain-8",
        "plain-14 trains worse than residual-14",
        "a plain-14 as good as plain-8 exists",
    ]
    assert set(found.values()) <= {"holds", "fails", "within noise"}
    assert found["a plain-14 as good as plain-8 exists"] == "holds"
    assert answer["largest_difference"] < 1e-5
    assert [len(errors) for errors in answer["test_errors"].values()] == [2] * 4
    assert "plain14 seed 1: epoch" in err
    page = Path(answer["report"]).read_text()
    assert page.count('<svg viewBox="0 0 520') == 4
    assert "http" not in page
    assert "±" in page
    assert "the first of 2 seeds" in page
    status, out, err = command(*words)
    assert status == 0
    assert err.count("is done (it was there)") == 8
    assert "plain-8 with identity layers added" in out


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_demo_shows_degradation_that_grows_with_depth(tmp_path):
    words = [sys.executable, "-m", "deepres", "demo", "--json", "--out", tmp_path]
    told = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    answer = json.loads(told.stdout)
    found = {c["claim"]: c["verdict"] for c in answer["claims"]}
    for shallow, deep in ((20, 32), (32, 44), (44, 56)):
        assert found[f"plain-{deep} trains worse than plain-{shallow}"] == "holds"
    for depth in demo.DEPTHS[1:]:
        assert found[f"plain-{depth} trains worse than residual-{depth}"] == "holds"

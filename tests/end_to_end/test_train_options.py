"""Flags of `deepres train` beside the recipe: precision, TensorBoard, people's own modules."""

import json
import sys
from pathlib import Path

import pytest

from deepres.accel import precision
from deepres.report.events import events
from deepres.runs.folder import Folder
from deepres.runs.log import Log, Moment, Report

FEW = ["train", "resnet8", "--data", "digits", "--recipe", "digits", "--batch", "8", "--threads"]
FEW += ["1", "--steps", "3", "--looks", "3"]


def answer(ran):
    status, out, err = ran
    assert status == 0, err
    return json.loads(out)


def test_bf16_is_trained_where_asked_and_said_to_be_slow_where_it_is(
    command, tmp_path, monkeypatch
):
    monkeypatch.setattr(precision, "bf16_gain", lambda: 0.125)
    status, out, err = command(*FEW, "--precision", "bf16", "--out", tmp_path)
    assert status == 0, err
    assert "resnet8-digits (bf16): 3 steps" in out
    assert "multiplies 8.0 times slower" in err
    monkeypatch.setattr(precision, "bf16_gain", lambda: 2.0)
    status, out, err = command("train", "--resume", "--out", tmp_path, "--json")
    assert json.loads(out)["precision"] == "bf16"
    assert "slower" not in err
    assert json.loads((tmp_path / "run.json").read_text())["recipe"]["precision"] == "bf16"


def scalars(folder):
    """What TensorBoard would draw: a list of steps for each name."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "tensorboard"))
    read.Reload()
    return {n: [(e.step, e.value) for e in read.Scalars(n)] for n in read.Tags()["scalars"]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # tensorboard's own
def test_tensorboard_shows_what_the_log_says(command, tmp_path):
    pytest.importorskip("tensorboard")
    answer(command(*FEW, "--tensorboard", "--out", tmp_path, "--json"))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    reports = [line for line in lines if line["kind"] == "report"]
    shown = scalars(tmp_path)
    wanted = [(r["step"], pytest.approx(r["loss"], rel=1e-6)) for r in reports]
    assert shown["training/loss"] == wanted
    assert [at for at, _ in shown["training/rate"]] == [1, 2, 3]
    assert [at for at, _ in shown["trained on/error, population statistics"]] == [1, 2, 3]
    assert [at for at, _ in shown["test/error, running statistics"]] == [3]


def report(step):
    given = {"epoch": 0.1, "rate": 0.1, "wrong": 1, "seen": 8}
    return Report(step=step, loss=float(step), images_per_second=1.0, seconds=1.0, **given)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_steps_that_are_computed_again_are_shown_once(tmp_path):
    pytest.importorskip("tensorboard")
    folder = Folder(tmp_path)
    log = Log(folder.log)
    with events(folder) as shown:
        for step in (1, 2, 3):
            log.write(report(step))
            shown(report(step))
    log.cut(2)  # the last state was of step 2
    with events(folder) as shown:
        shown(Moment(3, 0.1, 0.5))
        log.write(report(3))
        shown(report(3))
    assert scalars(tmp_path)["training/loss"] == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_without_tensorboard_the_flag_is_refused_before_anything_is_made(
    command, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    status, _, err = command(*FEW, "--tensorboard", "--out", tmp_path / "run")
    assert status == 2
    assert err.startswith("deepres: --tensorboard: ")
    assert "`pip install tensorboard` brings it" in err
    assert list(tmp_path.iterdir()) == []


MINE = """
from torch import nn
class Net(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1),
                         nn.Flatten(), nn.Linear(144, num_classes))
"""


def test_weights_of_somebodys_own_module_are_read_again(command, tmp_path, monkeypatch):
    (tmp_path / "mine_again.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    words = ["train", "mine_again:Net", "--data", "digits", "--steps", "20", "--out", "o"]
    told = answer(command(*words, "--json"))
    again = ["evaluate", "o", "--data", "digits", "--json"]
    found = answer(command(*again, "--network", "mine_again:Net"))
    assert found["network"] == "mine_again:Net"
    assert found["top1_errors"] == told["top1_errors"]
    status, _, err = command(*again)
    assert status == 2
    assert "`--network mine_again:Net`" in err
    status, _, err = command(*again, "--network", "torch.nn:Identity")
    assert status == 2
    assert "which this network does not" in err
    assert Path(told["weights"]).name in err

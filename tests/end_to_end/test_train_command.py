"""`deepres train` as people and scripts see it."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SHORT = [
    "train",
    "resnet8",
    "--data",
    "digits",
    "--recipe",
    "digits",
    "--steps",
    "60",
    "--threads",
    "1",
]


def answer(ran):
    status, out, err = ran
    assert status == 0, err
    return json.loads(out)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run through the real command, once for the tests that only read it."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    ran = subprocess.run(
        [sys.executable, "-m", "deepres", *SHORT, "--out", folder, "--json", "--split", "1k"],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ran.returncode == 0, ran.stderr
    return folder, json.loads(ran.stdout), ran.stderr


def test_the_fields_that_scripts_rely_on(trained):
    folder, told, _ = trained
    assert told["out"] == str(folder)
    assert told["steps"] == 60
    assert told["weights"] == str(folder / "weights.safetensors")
    assert Path(told["weights"]).is_absolute()
    assert 0 < told["seconds"] < 200
    assert 0 < told["images_per_second"] < 1e6
    assert 0 <= told["top5_error"] <= told["top1_error"] < 60
    assert 0 <= told["train_error"] < 60
    assert told["top1_errors"] == round(told["top1_error"] * told["seen"] / 100)
    assert told["seen"] == 500
    assert {path.name for path in folder.iterdir()} >= {
        "run.json",
        "provenance.json",
        "log.jsonl",
        "state",
        "weights.safetensors",
        "card.json",
        "result.json",
        "report.html",
    }


def test_plain_lines_say_where_it_is(trained):
    _, _, said = trained
    first = next(line for line in said.splitlines() if line.startswith("epoch"))
    for words in (
        "epoch 0.1/3.8",
        "step 1/60",
        "images 64/3,840",
        "loss 2.",
        "training accuracy ",
        "/64)",
        "rate 0.05",
        "images/s",
        "left",
    ):
        assert words in first
    assert "rate x decay x steps is 0.0002, the full schedule's 0.0016" in said
    assert "batch 64, 60 steps, rate 0.05, drops at 30, 45" in said
    assert "short of 600 steps" in said
    assert "step: " in said


def test_evaluate_finds_the_errors_that_training_told(trained, command):
    folder, told, _ = trained
    found = answer(command("evaluate", folder, "--data", "digits", "--json"))
    assert found["top1_errors"] == told["top1_errors"]
    assert found["top5_errors"] == told["top5_errors"]
    assert found["network"] == "resnet8"


def test_a_finished_run_prints_its_result_again(trained, command):
    folder, told, _ = trained
    assert answer(command("train", "--resume", "--out", folder, "--json")) == told
    status, out, _ = command(*SHORT, "--split", "1000", "--out", folder)
    assert status == 0
    errors = f"({told['top1_errors']}/500)"
    assert f"top-1 error {told['top1_error']:.2f} % {errors}" in out
    assert "minutes" in out


def test_the_spec_of_a_run_repeats_it(trained, command, tmp_path):
    folder, told, _ = trained
    again = answer(
        command("train", "--spec", folder / "run.json", "--out", tmp_path, "--threads", 1, "--json")
    )
    assert again["key"] == told["key"]
    weights = "weights.safetensors"
    assert (tmp_path / weights).read_bytes() == (folder / weights).read_bytes()


def test_another_recipe_in_the_folder_is_refused(trained, command):
    folder, _, _ = trained
    status, out, err = command(*SHORT, "--out", folder, "--lr", "0.1", "--resume")
    assert (status, out) == (2, "")
    assert "data.held_out was 297, is 0; recipe.lr was 0.05, is 0.1" in err
    assert "Traceback" not in err


def test_no_state_starts_at_step_0_and_says_so(command, tmp_path):
    status, _, err = command(*SHORT[:6], "--steps", "3", "--out", tmp_path / "new", "--resume")
    assert status == 0
    assert "new holds no state: starting at step 0." in err


def test_runs_have_folders_of_their_own(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = answer(command(*SHORT[:6], "--steps", "3", "--json"))
    assert told["out"] == str(tmp_path / "runs" / f"resnet8-digits-{told['key']}")


def test_somebodys_own_module_is_trained_under_the_protocol(command, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self, num_classes):\n"
        "        super().__init__(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(),\n"
        "                         nn.Dropout(0.1), nn.Flatten(), nn.Linear(144, num_classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    told = answer(
        command("train", "mine:Net", "--data", "digits", "--steps", "40", "--out", "o", "--json")
    )
    assert told["top1_error"] < 70
    card = json.loads((tmp_path / "o" / "card.json").read_text())
    assert card["network"] == "mine:Net"
    assert card["arch"] is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "resnet20"], "--data says which pictures"),
        (["train"], "Name a network"),
        (["train", "resnet20", "--data", "digitz"], "Did you mean digits"),
        (["train", "resnet20", "--data", "digits", "--split", "5x"], "--split 5x"),
        (
            ["train", "resnet20", "--data", "digits", "--recipe", "fast", "--drops", "9"],
            "has no drops",
        ),
        (["train", "resnet20", "--data", "digits", "--device", "cuda"], "--device cuda"),
        (["train", "resnet20", "--data", "digits", "--engine", "graph"], "--engine graph"),
        (["train", "resnet20", "--data", "digits", "--engine", "fast"], "choose one of auto, "),
        (["train", "resnet50", "--data", "digits", "--size", "64"], "--size is for pictures"),
        (["train", "resnet20", "--data", "cifar10:nowhere"], "nowhere: there is no such"),
        (["train", "--spec", "nothing.json"], "There is no nothing.json"),
        (["train", "--out", "nothing"], "There is no nothing/run.json"),
        (["train", "--spec", "x.json", "--lr", "1"], "leave --lr out"),
        (["train", "resnet20", "--data", "digits", "--freeze", "stem"], "name these by --from"),
        (["train", "os:getcwd", "--data", "digits"], "not an nn.Module"),
        (["train", "torch.nn:Identity", "--data", "digits"], "logits of (64, 10) are needed"),
        (["train", "torch.nn:Linear", "--data", "digits"], "needs in_features, out_features"),
    ],
)
def test_the_users_mistake_is_one_sentence(command, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_the_users_mistake(command, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = command(*SHORT, "--out", tmp_path / "file" / "run")
    assert status == 2
    assert "cannot be written (Not a directory): name another --out" in err


def test_a_rate_that_is_too_high_fails_in_one_sentence(command, tmp_path):
    status, out, err = command(*SHORT, "--lr", "1e30", "--out", tmp_path)
    assert (status, out) == (1, "")
    assert "training diverged. A lower --lr" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "weights.safetensors").exists()


@pytest.mark.skipif(os.name != "posix", reason="locks and limits as on Unix")
def test_a_second_process_is_refused_and_a_full_disk_named(tmp_path):
    """One process trains and is stopped; then its disk fills; then there is room again."""
    folder = tmp_path / "run"
    words = [sys.executable, "-m", "deepres", *SHORT, "--steps", "2000", "--out", str(folder)]
    first = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while not (folder / "log.jsonl").exists():
        time.sleep(0.05)
    second = subprocess.run(words, capture_output=True, text=True, timeout=100)
    assert second.returncode == 2
    assert f"is held by another process (number {first.pid})" in second.stderr
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert first.returncode == 143
    states = sorted(path.name for path in (folder / "state").iterdir())

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    full = subprocess.run(
        [*words, "--save-every", "0"],
        capture_output=True,
        text=True,
        timeout=100,
        preexec_fn=little_room,
    )
    assert full.returncode == 1
    last = full.stderr.splitlines()[-1]
    assert ".safetensors: File too large. The last good state, of step" in last
    assert sorted(path.name for path in (folder / "state").iterdir()) == states


@pytest.mark.skipif(sys.platform != "linux", reason="limits as on Linux")
@pytest.mark.slow
def test_too_large_a_batch_is_one_sentence(tmp_path):
    """12 GB are asked for where the process may have 4."""

    def little_memory():
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

    words = ["train", "resnet8", "--data", "synthetic", "--threads", "1", "--batch", "1000000"]
    ran = subprocess.run(
        [sys.executable, "-m", "deepres", *words, "--steps", "2", "--out", tmp_path / "run"],
        capture_output=True,
        text=True,
        timeout=200,
        preexec_fn=little_memory,
    )
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last == (
        "deepres: There is not enough memory for batches of 1000000: a smaller --batch needs less."
    )
    assert "Traceback" not in ran.stderr


def test_data_that_are_gone_stop_a_run_and_harm_nothing(command, tmp_path):
    """They are read at the start: what goes away later is missed by the next session."""
    few = ["--batch", "8", "--steps", "3"]
    told = answer(command(*SHORT, *few, "--out", tmp_path, "--json"))
    weights = Path(told["weights"]).read_bytes()
    for name in ("result.json", "weights.safetensors", "card.json"):
        (tmp_path / name).unlink()  # as if it had been stopped after its last step
    before = {path.name: path.read_bytes() for path in (tmp_path / "state").iterdir()}
    again = ["train", "--resume", "--out", tmp_path]
    status, _, err = command(*again, "--data", "cifar10:gone")
    assert status == 2
    assert err.startswith("deepres: gone: there is no such file or folder")
    assert len(err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "state").iterdir()} == before
    answer(command(*again, "--json"))
    assert Path(told["weights"]).read_bytes() == weights


@pytest.mark.slow
def test_states_of_a_full_file_system_go_on_once_there_is_room(tmp_path):
    """A file system of 2 MB that fills up on the way; only root can make one."""
    small = tmp_path / "small"
    small.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    if not mount or subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        words = [sys.executable, "-m", "deepres", *SHORT, "--save-every", "0", "--out", small / "r"]
        ballast = small / "ballast"
        ballast.write_bytes(b"x" * 1_200_000)  # room for one state
        full = subprocess.run(words, capture_output=True, text=True)
        assert full.returncode == 1
        assert "No space left on device" in full.stderr.splitlines()[-1]
        ballast.unlink()
        good = subprocess.run(words, capture_output=True, text=True)
        assert good.returncode == 0, good.stderr
        whole = tmp_path / "whole"
        subprocess.run([*words[:-1], whole], check=True, capture_output=True)
        weights = "weights.safetensors"
        assert (small / "r" / weights).read_bytes() == (whole / weights).read_bytes()
    finally:
        subprocess.run(["umount", small], check=True)

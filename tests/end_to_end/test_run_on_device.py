"""deepres run --device: runs side by side in one process, the device being the processor."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec import structs
from PIL import Image

from deepres.accel import precision
from deepres.cli.carrier import How, carrier
from deepres.runs.folder import Folder, read, write
from deepres.runs.log import Report
from deepres.runs.pictures import gathered
from deepres.runs.provenance import Provenance
from deepres.spec import Plan
from deepres.studies import on_device
from deepres.studies.carrying import tasks, wanted
from deepres.studies.catalogue import study
from deepres.studies.on_device import planned_for
from deepres.studies.outcome import folders
from deepres.studies.runner import Said
from deepres.studies.worker import told, work_on

SMOKE = ("run", "figure1", "--scale", "smoke", "--data", "digits", "--jobs", "2", "--json")
ON_CPU = (*SMOKE, "--device", "cpu")
ONE = ("--only", "plain-20")
BY_FILES = (
    "step: eager on cpu; folder train is read from files, and graphs take pictures that lie on the"
    " device"
)
WITHIN = 60.0  # seconds that a thread waits for what must come


def answered(ran, status=0):
    assert ran[0] == status, ran[2]
    return json.loads(ran[1]), ran[2]


def instead(monkeypatch, other):
    """Runs are carried out by `other`, which is given what would have done it."""
    whole = on_device.work_with
    monkeypatch.setattr(on_device, "work_with", lambda *given: other(whole, *given))


def weights(runs: Path) -> dict[str, bytes]:
    return {key: folder.weights.read_bytes() for key, folder in folders(runs).items()}


def held_after_a_step(whole, pictures, task, stop):
    """The first step is done, then nothing happens until it is told to stop."""
    for item in whole(pictures, task, stop):
        yield item
        if isinstance(item, Report):
            end = time.monotonic() + WITHIN
            while not stop() and time.monotonic() < end:
                time.sleep(0.01)


def stopped(monkeypatch, command, runs, *words):
    """The command, that hears SIGTERM once its run has done a step, and saves before it says so."""
    from deepres.cli import watching

    show, note = watching.Lines.__call__, watching.note

    def noting(text):
        assert not text.startswith("Stopped") or len([*runs.glob("*/state/*.json")]) == 1
        note(text)

    def ending(lines, task, message):
        show(lines, task, message)
        if isinstance(message, Report):
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        instead(patch, held_after_a_step)
        patch.setattr(watching.Lines, "__call__", ending)
        patch.setattr(watching, "note", noting)
        return command(*words, "--runs", runs)


def test_rows_side_by_side_once_for_all(command, tmp_path, monkeypatch):
    """Each run waits for the other to begin: neither would end if they followed each other."""
    both = threading.Barrier(2)

    def meeting(whole, *given):
        both.wait(WITHIN)
        yield from whole(*given)

    with monkeypatch.context() as patch:
        instead(patch, meeting)
        answer, err = answered(command(*ON_CPU, "--runs", tmp_path))
    assert "step: graph on cpu (2 runs)" in err
    assert "plain-20: epoch" in err and "plain-56 is done" in err
    assert [row["n"] for row in answer["rows"]] == [1, 1]
    for folder in folders(tmp_path).values():
        (session,) = folder.sessions()
        assert (session.process, session.plan.engine) == (os.getpid(), "graph")
    before = weights(tmp_path)
    again, err = answered(command(*SMOKE, "--runs", tmp_path))
    assert again == answer and "2 runs, 2 finished" in err and "epoch" not in err
    assert weights(tmp_path) == before


@pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")
def test_sigterm_saves_states_and_processes_go_on_to_the_same_bytes(command, tmp_path, monkeypatch):
    """The plan that a run was begun with goes with it: here a graph's twin on the processor."""
    answered(command(*ON_CPU, *ONE, "--runs", tmp_path / "whole"))
    parts = tmp_path / "parts"
    threads = threading.active_count()
    status, out, err = stopped(monkeypatch, command, parts, *ON_CPU, *ONE)
    assert (status, out) == (143, "")
    assert err.count("Stopped, states saved: the same command goes on") == 1
    assert threading.active_count() == threads
    (state,) = parts.glob("*/state/*.json")
    assert int(state.stem) == 1
    _, err = answered(command(*SMOKE, *ONE, "--runs", parts))
    assert "Going on after step 1 of 4" in err
    assert weights(parts) == weights(tmp_path / "whole")
    (folder,) = folders(parts).values()
    assert [one.plan.engine for one in folder.sessions()] == ["graph", "graph"]
    assert len({one.process for one in folder.sessions()}) == 2


def begun_by_a_process(where: Path, steps: int):
    """A run of Fig. 1 as a worker process carries it out, for so many steps; its task."""
    pictures, data = gathered("digits")
    made = wanted(study("figure1"), study("figure1").rows[:1], "smoke", data, 10, where)
    (task,) = tasks(made, "digits", "smoke", 1)
    asked = iter(range(steps - 1))
    list(told(work_on(task, lambda: next(asked, None) is None)))
    return task, pictures


def test_what_a_process_began_goes_on_side_by_side_to_the_same_bytes(tmp_path):
    begun_by_a_process(tmp_path / "whole", 9)
    task, pictures = begun_by_a_process(tmp_path / "parts", 2)
    (task,), _ = planned_for([task], pictures.train, torch.device("cpu"))
    said = [message for _, message in on_device.on_device([task], 1, torch.device("cpu"))]
    assert Said("Going on after step 2 of 4.") in said
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    (folder,) = folders(tmp_path / "parts").values()
    assert [one.plan.engine for one in folder.sessions()] == ["eager", "eager"]


def test_a_run_from_another_device_gets_a_plan_of_this_one_and_says_so(tmp_path):
    task, _ = begun_by_a_process(tmp_path, 2)
    path = Folder(Path(task.folder)).provenance
    there = Plan(device="cuda:0", engine="graph", layers="kernels")
    write(path, structs.replace(read(path, Provenance), plan=there))
    said = [m.text for m in told(work_on(task, lambda: False)) if isinstance(m, Said)]
    assert any("begun with graph on cuda:0" in text for text in said)
    assert Folder(Path(task.folder)).planned().device == "cpu"
    assert Folder(Path(task.folder)).finished()


def test_a_run_that_fails_stops_no_other_and_ends_with_1(command, tmp_path):
    """A folder lies where the deeper network's provenance belongs."""
    _, data = gathered("digits")
    deep = wanted(study("figure1"), study("figure1").rows[1:], "smoke", data, 10, tmp_path)[0]
    (deep.folder / "provenance.json").mkdir(parents=True)
    answer, err = answered(command(*ON_CPU, "--runs", tmp_path), 1)
    assert [row["n"] for row in answer["rows"]] == [1, 0]
    assert "plain-20 is done" in err and "plain-56 is left out" in err
    assert err.splitlines()[-1].startswith("deepres: 1 of the study's runs failed: plain-56")


def test_what_nobody_foresaw_is_told_with_its_place(command, tmp_path, monkeypatch):
    def broken(whole, pictures, task, stop):
        if task.label == "plain-20":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if task.label == "plain-56":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8 GiB")
        yield

    instead(monkeypatch, broken)
    answer, err = answered(command(*ON_CPU, "--runs", tmp_path), 1)
    assert len(answer["failed"]) == 2
    assert "plain-20 is left out: RuntimeError: CUDA error" in err and "in broken" in err
    assert "plain-56 is left out: there is not enough memory: fewer --jobs need less." in err


def test_half_precision_is_other_runs_another_page_and_a_word_on_its_cost(
    command, tmp_path, monkeypatch
):
    monkeypatch.setattr(precision, "bf16_gain", lambda: 0.125)
    plain, err = answered(command(*ON_CPU, *ONE, "--runs", tmp_path))
    assert "slower" not in err and plain["precision"] == "fp32"
    half, err = answered(command(*ON_CPU, *ONE, "--precision", "bf16", "--runs", tmp_path))
    assert "0 finished" in err and "multiplies 8.0 times slower" in err
    assert half["precision"] == "bf16"
    keys = [answer["rows"][0]["keys"] for answer in (plain, half)]
    assert keys[0] != keys[1] and [len(one) for one in keys] == [1, 1]
    recipes = [json.loads(f.run.read_text())["recipe"] for f in folders(tmp_path).values()]
    assert sorted(one.get("precision", "fp32") for one in recipes) == ["bf16", "fp32"]
    there = tmp_path / "figure1-bf16.html"
    assert (half["report"], plain["report"]) == (str(there), str(tmp_path / "figure1.html"))
    text = there.read_text()
    assert "(trained in bf16)" in text
    assert "deepres run figure1 --scale smoke --precision bf16 --data digits" in text
    assert keys[0][0] not in text and keys[1][0] in text
    there.unlink()
    status, out, _ = command("report", "figure1", "--precision", "bf16", "--runs", tmp_path)
    assert (status, out.strip()) == (0, str(there))
    assert there.read_text() == text


@pytest.mark.slow
def test_grown_runs_come_after_those_they_begin_from(command, tmp_path):
    words = ("run", "existence", "--scale", "smoke", "--data", "digits", "--device", "cpu")
    words += ("--only", "plain-32 grown", "--jobs", "2", "--runs", tmp_path, "--json")
    answer, err = answered(command(*words))
    assert err.index("plain-20 is done") < err.index("plain-32 grown: epoch")
    assert {row["name"]: row["n"] for row in answer["rows"]}["plain-32 grown"] == 1


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Twenty files of noise in each of two classes to train on, eight to test with."""
    root, noise = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for part, count in (("train", 20), ("val", 8)):
        for name in ("one", "two"):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = noise.integers(0, 256, (80, 90, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return root


def test_pictures_that_are_files_make_no_graph(tmp_path, pictures):
    train = gathered(f"folder:{pictures}")[0].train
    task, arrays = begun_by_a_process(tmp_path, 1)
    (planned,), said = planned_for([task], train, torch.device("cpu"))
    assert planned.plan.engine == "eager" and BY_FILES in said[0]
    halves = structs.replace(task.run, recipe=structs.replace(task.run.recipe, precision="fp16"))
    both = [task, structs.replace(task, run=halves), task]
    planned, said = planned_for(both, arrays.train, torch.device("cpu"))
    assert [one.plan.engine for one in planned] == ["graph", "eager", "graph"]
    assert said[0] == "step: graph on cpu (2 runs)" and said[1].startswith("step: eager on cpu; a ")


@pytest.mark.slow
def test_pictures_that_are_files_go_to_the_device_step_by_step(command, tmp_path, pictures):
    words = ("run", "table2-on-imagenette", "--scale", "smoke", "--data", f"folder:{pictures}")
    words += ("--device", "cpu", "--jobs", "2", "--only", "plain-18", "--runs", tmp_path, "--json")
    answer, err = answered(command(*words))
    assert answer["rows"][0]["n"] == 1
    assert f"{BY_FILES} (1 run)" in err
    (folder,) = folders(tmp_path).values()
    assert folder.planned().engine == "eager"


def test_apple_s_gpu_takes_one_run_at_a_time_and_says_so(monkeypatch, capsys, tmp_path):
    task, pictures = begun_by_a_process(tmp_path, 1)
    monkeypatch.setattr(on_device, "place", torch.device)
    planned, _ = carrier([task], pictures, How(8, None, "mps"))
    assert planned[0].plan.device == "mps"
    err = capsys.readouterr().err
    assert "step: eager on mps; graphs are CUDA's (1 run)" in err
    assert "--jobs 8: mps takes one run at a time" in err
    assert on_device.at_once(8, torch.device("mps")) == 1
    assert on_device.at_once(8, torch.device("cuda:0")) == 8


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")
def test_real_signals_to_a_real_command(tmp_path):
    words = [sys.executable, "-m", "deepres", "run", "figure1", "--scale", "short", "--data"]
    words += ["digits", "--seeds", "1", "--device", "cpu", "--jobs", "2", "--runs", str(tmp_path)]

    def until(number, sessions):
        running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 2 * WITHIN
        while time.monotonic() < end and running.poll() is None:
            begun = [folder.sessions() for folder in folders(tmp_path).values()]
            if [len(one) for one in begun] == [sessions, sessions]:
                break
            time.sleep(0.1)
        running.send_signal(number)
        out, err = running.communicate(timeout=100)
        assert out == "" and "Traceback" not in err
        assert err.count("the same command goes on") == 1
        return running.returncode, err

    assert until(signal.SIGTERM, 1)[0] == 143
    states = [int(path.stem) for path in tmp_path.glob("*/state/*.json")]
    assert len(states) == 2 and min(states) > 0
    status, err = until(signal.SIGINT, 2)
    assert status == 130 and err.count("Going on after step") == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ray_goes_on_with_what_was_begun_side_by_side(command, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    answered(command(*ON_CPU, *ONE, "--runs", tmp_path / "whole"))
    parts = tmp_path / "parts"
    assert stopped(monkeypatch, command, parts, *ON_CPU, *ONE)[0] == 143
    words = [
        sys.executable,
        "-m",
        "deepres",
        *map(str, (*SMOKE, *ONE, "--runs", parts)),
        "--on",
        "ray",
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert weights(parts) == weights(tmp_path / "whole")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_what_train_says(command):
    said = command("run", "table6", "--device", "cuda", "--data", "nowhere")
    assert said == command("train", "resnet20", "--data", "nowhere", "--device", "cuda")
    assert said[0] == 2 and "--device cuda takes a GPU" in said[2]

"""A run that is stopped anywhere ends with the same bytes: shown by stopping real processes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepres.runs.log import TIMES

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")

WORDS = "train resnet8 --data digits --recipe digits --steps 160 --looks 4 --watch --threads 1"
# So tiny a run saves as often as costs 1 %, that is about twice a second.
OFTEN = ["--save-every", "0"]


def started(folder, *more):
    """A process that trains, once it has read its data and is about to begin."""
    process = subprocess.Popen(
        [sys.executable, "-m", "deepres", *WORDS.split(), *OFTEN, "--out", str(folder), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    for line in process.stderr:
        if line.startswith("step:"):
            return process
    raise AssertionError(f"It ended with {process.wait()} before it trained.")


def finished(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def without_times(folder):
    """The log, times left out."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


def the_same(one: Path, two: Path):
    for name in ("weights.safetensors", "card.json", "run.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    assert without_times(one) == without_times(two)
    results = [json.loads((folder / "result.json").read_bytes()) for folder in (one, two)]
    for name in TIMES:
        assert all(result.pop(name) > 0 for result in results)
    assert results[0] == results[1]


def begun_at(folder):
    """The steps at which the processes that worked in a folder began."""
    told = json.loads((folder / "provenance.json").read_bytes())
    return [session["step"] for session in told["sessions"]]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    start = time.monotonic()
    finished(started(folder))
    return folder, time.monotonic() - start


def stop_now_and_then(folder, signals, seconds, draw):
    """Stops the run once for each signal, after a time that is drawn; then lets it finish."""
    for number, (sent, status) in enumerate(signals):
        process = started(folder, "--workers", str(number % 3))
        time.sleep(draw.uniform(0, seconds))
        process.send_signal(sent)
        _, err = process.communicate(timeout=60)
        # done before, stopped, or ended by the signal itself before anybody listened for it
        assert process.returncode in (0, status, -sent), err
    finished(started(folder, "--workers", "0"))


KILLED, STOPPED, ENDED = (signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)


def test_three_kills_change_no_byte(unbroken, tmp_path):
    folder, seconds = unbroken
    draw = random.Random(int.from_bytes(os.urandom(4), "little"))
    stop_now_and_then(tmp_path / "run", [KILLED] * 3, seconds / 4, draw)
    the_same(folder, tmp_path / "run")


def test_ctrl_c_and_sigterm_save_the_last_step(unbroken, tmp_path):
    folder, _ = unbroken
    run = tmp_path / "run"
    log, length = run / "log.jsonl", 0
    for sent, status in (STOPPED, ENDED):
        process = started(run)
        while not log.exists() or log.stat().st_size <= length:  # it trains, and has gone on
            time.sleep(0.01)
        process.send_signal(sent)
        out, err = process.communicate(timeout=60)
        assert process.returncode == status
        assert out == ""
        assert "Traceback" not in err
        assert f"--resume --out {run}` goes on" in err
        length = log.stat().st_size
        logged = without_times(run)
        step = json.loads(max((run / "state").glob("*.json")).read_bytes())["saved"]["facts"][
            "step"
        ]
        assert step >= logged[-1]["step"] > 0
    finished(started(run))
    assert begun_at(run)[0] == 0 < begun_at(run)[1] <= begun_at(run)[2]
    the_same(folder, run)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_kills_change_no_byte(unbroken, tmp_path):
    folder, seconds = unbroken
    draw = random.Random(int.from_bytes(os.urandom(4), "little"))
    signals = [draw.choice([KILLED, KILLED, KILLED, STOPPED, ENDED]) for _ in range(50)]
    stop_now_and_then(tmp_path / "run", signals, seconds / 20, draw)
    the_same(folder, tmp_path / "run")

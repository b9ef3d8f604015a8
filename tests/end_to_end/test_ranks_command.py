"""Runs over several ranks, started, killed and gone on with as people do."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepres.runs.log import TIMES

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")

WORDS = "train resnet8 --data digits --recipe digits --replicas 4 --batch 16"
WORDS += " --looks 2 --engine eager"
THREE = ["--replicas", "3", "--batch", "15"]
STEPS, LONG = ["--steps", "60", "--threads", "1"], ["--steps", "300", "--threads", "1"]
ALONE = os.environ | {"OMP_NUM_THREADS": "1"}


def torchrun(ranks, folder, *more, options=()):
    """A job under torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks)]
    command += [*options, "--master-port", str(port()), "-m", "deepres", *WORDS.split()]
    return piped([*command, "--out", str(folder), *more], ALONE)


def by_hand(ranks, folder, *more, last=()):
    """The same processes without torchrun, which would end them all with one."""
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port()), "WORLD_SIZE": str(ranks)}
    command = [sys.executable, "-m", "deepres", *WORDS.split(), "--out", str(folder), *more]
    words = [command] * (ranks - 1) + [[*command, *last]]
    return [piped(one, ALONE | where | {"RANK": str(n)}) for n, one in enumerate(words)]


def piped(command, environment):
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def ended(process):
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err


def going(folder, states=1):
    """Waits until a run has saved that often."""
    for _ in range(6000):
        if len(list((folder / "state").glob("[0-9]*.json"))) >= states:
            return
        time.sleep(0.02)
    raise AssertionError("It does not train.")


def the_same(one: Path, two: Path):
    """Weights to the byte, the log but for its times, the result."""
    for name in ("weights.safetensors", "card.json", "run.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    told = []
    for folder in (one, two):
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        told.append([{k: v for k, v in line.items() if k not in TIMES} for line in lines])
        result = json.loads((folder / "result.json").read_bytes())
        told[-1].append({k: v for k, v in result.items() if k not in TIMES})
    assert told[0] == told[1]


def ranks_of(folder):
    """How many worked on a run, session by session."""
    told = json.loads((folder / "provenance.json").read_bytes())
    return [session["plan"]["ranks"] for session in told["sessions"]]


@pytest.mark.slow
def test_a_rank_is_killed_and_one_process_goes_on(command, tmp_path):
    for_both = ["--steps", "100", "--threads", "1", "--save-every", "0"]
    first, second = by_hand(2, tmp_path / "run", *for_both)
    going(tmp_path / "run")
    second.kill()
    status, out, err = ended(first)
    ended(second)
    assert (status, out) == (1, "")
    said = err.splitlines()[-1]
    assert re.search(r"^deepres: Rank 1 of 2 ended or does not answer\. The last good state", said)
    assert "Traceback" not in err
    words = [*WORDS.split(), *for_both]
    assert command(*words, "--out", tmp_path / "run")[0] == 0
    assert ranks_of(tmp_path / "run") == [2, 1]
    assert command(*words, "--out", tmp_path / "unbroken")[0] == 0
    the_same(tmp_path / "unbroken", tmp_path / "run")


@pytest.mark.slow
def test_torchrun_trains_as_one_process_does(command, tmp_path):
    assert command(*WORDS.split(), *STEPS, "--out", tmp_path / "alone")[0] == 0
    for ranks in (2, 4):
        status, out, err = ended(torchrun(ranks, tmp_path / str(ranks), *STEPS, "--json"))
        assert status == 0, err
        assert json.loads(out)["steps"] == 60  # said once
        the_same(tmp_path / "alone", tmp_path / str(ranks))
        names = {path.name for path in (tmp_path / str(ranks)).iterdir()}
        assert names == {path.name for path in (tmp_path / "alone").iterdir()}


@pytest.mark.slow
def test_torchrun_starts_again_by_itself(command, tmp_path):
    more = [*LONG, "--save-every", "0"]
    run = tmp_path / "run"
    process = torchrun(2, run, *more, options=["--max-restarts", "2"])
    for times in (1, 2):
        going(run, 2)
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(workers[times % 2]), signal.SIGKILL)  # a follower, then the first
        while len(ranks_of(run)) == times:
            assert process.poll() is None
            time.sleep(0.05)
    status, _, err = ended(process)
    assert status == 0, err
    assert ranks_of(run) == [2, 2, 2]
    assert command(*WORDS.split(), *more, "--out", tmp_path / "unbroken")[0] == 0
    the_same(tmp_path / "unbroken", run)


@pytest.mark.slow
def test_a_job_that_is_stopped_is_saved_and_four_go_on(command, tmp_path):
    run = tmp_path / "run"
    process = torchrun(2, run, *LONG, "--save-every", "0")
    going(run)
    process.send_signal(signal.SIGTERM)
    _, out, err = ended(process)
    assert out == ""
    assert err.count(f"--resume --out {run}` goes on") == 1
    assert err.count("deepres: stopped.") == 1
    process = torchrun(4, run, *LONG, "--save-every", "9999")
    while len(ranks_of(run)) == 1 or not (run / "log.jsonl").stat().st_size:
        time.sleep(0.05)
    first = json.loads((run / "provenance.json").read_bytes())["sessions"][-1]["process"]
    time.sleep(0.5)
    os.kill(first, signal.SIGINT)  # one alone is told, and all stop
    _, out, err = ended(process)
    assert err.count(f"--resume --out {run}` goes on") == 1, err
    assert command(*WORDS.split(), *LONG, "--out", run)[0] == 0
    assert ranks_of(run) == [2, 4, 1]
    assert command(*WORDS.split(), *LONG, "--out", tmp_path / "unbroken")[0] == 0
    the_same(tmp_path / "unbroken", run)


@pytest.mark.slow
def test_the_first_rank_is_killed_and_one_other_says_so(tmp_path):
    run = tmp_path / "run"
    process = torchrun(3, run, *LONG, "--save-every", "0", *THREE)
    going(run)
    first = json.loads((run / "provenance.json").read_bytes())["sessions"][-1]["process"]
    os.kill(first, signal.SIGKILL)
    _, out, err = ended(process)
    assert out == ""
    assert err.count("deepres: Rank 0 of 3 ended or does not answer. What was saved is in") == 1
    assert len(re.findall("^deepres: ", err, re.M)) == 1


@pytest.mark.slow
def test_what_the_user_got_wrong_is_said_once_and_ends_with_2(tmp_path):
    for ranks, more, sentence in (
        (3, [], "3 ranks do not divide 4 replicas: start 1 or 2 or 4, or choose --replicas to"),
        (2, ["--batch", "18"], "A batch of 18 does not fall into 4 equal replicas."),
    ):
        _, out, err = ended(torchrun(ranks, tmp_path / "run", *STEPS, *more))
        assert out == ""
        assert err.count(sentence) == 1, err
        assert set(re.findall(r"exitcode  : (-?\d+)", err)) <= {"2", "-15"}
        assert "exitcode: 2" in err
        assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_what_is_wrong_on_one_rank_is_said_by_the_first(tmp_path):
    first, second = by_hand(2, tmp_path / "run", *STEPS, last=["--data", "folder:nowhere"])
    status, out, err = ended(first)
    assert (status, out) == (2, "")
    assert re.search(r"^deepres: Rank 1: .*nowhere", err, re.M), err
    assert len(re.findall("^deepres: ", err, re.M)) == 1
    assert ended(second) == (2, "", "")

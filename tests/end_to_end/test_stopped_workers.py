"""Whatever ends a job ends it well, where processes of their own read the pictures."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from coloured import coloured

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")

ALONE = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return coloured(tmp_path_factory.mktemp("pictures"))


def words(root, out, steps):
    told = f"train resnet8 --data folder:{root} --size 16 --batch 6 --replicas 2 --steps {steps}"
    return [*told.split(), "--looks", "0", "--engine", "eager", "--threads", "1", "--out", str(out)]


def started(root, out, *more, steps=60, launcher=()):
    """A job in a process group of its own, as a shell, Slurm and `timeout` start it."""
    command = [sys.executable, "-m", *launcher, "deepres", *words(root, out, steps), *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=ALONE, start_new_session=True
    )


def trains(out, lines=1):
    """Waits until so many reports were written."""
    for _ in range(6000):
        log = out / "log.jsonl"
        if log.exists() and len(log.read_text().splitlines()) >= lines:
            return
        time.sleep(0.02)
    raise AssertionError("It does not train.")


def children(process):
    """The processes that read for this one."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True
    )
    return [int(word) for word in found.stdout.split()]


def gone(process):
    """Whether a process ends within some seconds."""
    for _ in range(200):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


def states(out):
    return sorted(int(path.stem) for path in (out / "state").glob("[0-9]*.json"))


@pytest.fixture(scope="module")
def unbroken(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken") / "run"
    process = started(root, out)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_the_whole_group_saves_the_state(sent, status, root, unbroken, tmp_path):
    out = tmp_path / "run"
    process = started(root, out, "--workers", "2", "--save-every", "1e6")
    trains(out, 5)
    reading = children(process.pid)
    os.killpg(process.pid, sent)
    _, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    assert "Traceback" not in err and "goes on" in err
    assert len(reading) == 2 and all(map(gone, reading))
    at = states(out)
    assert at and 0 < at[-1] < 60
    process = started(root, out, "--resume", "--workers", "1")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0 and f"Going on after step {at[-1]}" in err, err
    for name in ("weights.safetensors", "card.json", "run.json"):
        assert (out / name).read_bytes() == (unbroken / name).read_bytes(), name


def test_a_worker_that_was_killed_is_one_sentence_and_loses_no_step(root, tmp_path):
    out = tmp_path / "run"
    process = started(root, out, "--workers", "2", "--save-every", "1e6", steps=100_000)
    trains(out)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert "A process that reads pictures ahead ended (Killed)" in last and "--workers" in last
    assert states(out) and f"The last good state, of step {states(out)[-1]:,}" in last


def test_workers_end_with_a_parent_that_was_killed(root, tmp_path):
    process = started(root, tmp_path / "run", "--workers", "2", steps=100_000)
    trains(tmp_path / "run")
    reading = children(process.pid)
    process.kill()
    process.communicate(timeout=60)
    assert len(reading) == 2 and all(map(gone, reading))


def test_torchrun_that_is_told_to_end_leaves_a_state(root, tmp_path):
    out = tmp_path / "run"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    launcher = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port), "-m"]
    more = ["--workers", "1", "--save-every", "1e6"]
    process = started(root, out, *more, steps=2_000, launcher=launcher)
    trains(out)
    process.terminate()
    _, err = process.communicate(timeout=200)
    assert process.returncode != 0
    assert "DataLoader worker" not in err and f"--resume --out {out}` goes on" in err, err
    assert states(out) and 0 < states(out)[-1] < 2_000
    with (out / "log.jsonl").open() as file:
        assert json.loads(file.readline())["kind"] == "report"

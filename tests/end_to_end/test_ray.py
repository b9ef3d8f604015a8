"""A study over a real local Ray: a worker that is killed loses nothing; the bits are the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepres.runs.folder import Folder, read
from deepres.runs.provenance import Provenance
from deepres.studies.outcome import folders

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
STUDY = ("run", "figure1", "--scale", "smoke", "--data", "digits", "--json", "--runs")


def holder(folder: Path) -> int | None:
    """The process that works on a run, once it has begun."""
    path = Folder(folder).provenance
    sessions = read(path, Provenance).sessions if path.exists() else ()
    return sessions[-1].process if sessions else None


@pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")
def test_two_workers_one_of_them_killed(tmp_path):
    pytest.importorskip("ray", reason="needs the extra ray")
    words = [sys.executable, "-m", "deepres"]
    here, there = tmp_path / "here", tmp_path / "there"
    plain = subprocess.run(
        [*words, *STUDY, str(here), "--jobs", "2"], capture_output=True, text=True
    )
    assert plain.returncode == 0, plain.stderr
    running = subprocess.Popen(
        [*words, *STUDY, str(there), "--on", "ray", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    killed = None
    while running.poll() is None and killed is None:
        for path in there.glob("plain56-*/provenance.json"):
            if not Folder(path.parent).result.exists() and (killed := holder(path.parent)):
                os.kill(killed, signal.SIGKILL)
                break
        time.sleep(0.01)
    out, err = running.communicate(timeout=1200)
    assert running.returncode == 0, err
    assert killed is not None
    answer = json.loads(out)
    assert answer["rows"] == json.loads(plain.stdout)["rows"]
    for key, folder in folders(there).items():
        theirs = folders(here)[key]
        assert folder.weights.read_bytes() == theirs.weights.read_bytes()
    sessions = [len(folder.sessions()) for folder in folders(there).values()]
    assert sorted(sessions) == [1, 2]  # the one that was killed began again

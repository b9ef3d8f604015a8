"""The command as an attacked user runs it, within bounds of time and memory."""

import resource
import subprocess
import sys

import pytest

from deepres import cli

MEMORY = 3 * 2**30  # bytes of address space; importing torch takes 0.7 GB of it
SECONDS = 60


def bounded(*words):
    """A process of its own that may take neither much memory nor long."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    return subprocess.run(
        [sys.executable, "-m", "deepres", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        preexec_fn=limit,
        check=False,
    )


def sentence_of(status, out, error):
    """Status 2, nothing on standard output, one line that is no traceback."""
    assert (status, out) == (2, ""), (status, out, error)
    lines = error.strip().splitlines()
    assert len(lines) == 1, error
    assert lines[0].startswith("deepres: ")
    assert "Traceback" not in error
    return lines[0]


@pytest.fixture
def refused(capsys, monkeypatch):
    """Runs `deepres convert FILE` here and gives the sentence that refuses it."""

    def run(path, *words):
        out = path.parent / "made-of-it.safetensors"
        arguments = ["deepres", "convert", str(path), str(out), *words]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not out.exists()
        text = sentence_of(ended.value.code, *capsys.readouterr())
        assert str(path) in text, text
        return text

    return run

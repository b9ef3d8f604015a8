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
def sentence(capsys, monkeypatch):
    """Runs a command here and gives the sentence that refuses it."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["deepres", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return sentence_of(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def refused(sentence):
    """Runs `deepres convert FILE` here and gives the sentence that refuses it."""

    def run(path, *words):
        out = path.parent / "made-of-it.safetensors"
        text = sentence("convert", path, out, *words)
        assert not out.exists()
        assert str(path) in text, text
        return text

    return run

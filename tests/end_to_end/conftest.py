"""What tests of the command line share."""

import signal
import sys

import pytest

import deepres.cli


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a command in this process; its status and what it wrote."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["deepres", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            deepres.cli.main()
        return (ended.value.code or 0, *capsys.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)

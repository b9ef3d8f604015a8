"""The command line: a short function per command that parses, calls one thing and prints."""

import gc
import importlib
import json
import os
import signal
import sys
from types import FrameType
from typing import Any

import typer

from ..accel import waiting
from ..errors import Failed, UserError
from . import faults

app = typer.Typer(
    name="deepres",
    help="Deep Residual Learning for Image Recognition, as a program.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# Which file holds a command: only the one that is asked for is imported.
COMMANDS = {
    "list": "networks",
    "count": "networks",
    "show": "networks",
    "check": "check",
    "data": "data",
    "evaluate": "weights",
    "convert": "convert",
    "predict": "predict",
    "export": "export",
    "serve": "serve",
    "bench": "bench",
    "train": "train",
    "run": "run",
    "report": "report",
    "demo": "demo",
    "doctor": "doctor",
}


def printed(answer: dict[str, Any], text: str, as_json: bool) -> None:
    """One JSON object, or what a person reads."""
    print(json.dumps(answer) if as_json else text)


def note(message: str) -> None:
    """Progress and messages: never on standard output, and of several ranks by the first."""
    if "WORLD_SIZE" not in os.environ or os.environ.get("RANK", "0") == "0":
        say(message)


def say(message: str) -> None:
    """What is said in any case."""
    print(message, file=sys.stderr, flush=True)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    if version:
        from .. import __version__

        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


class Terminated(BaseException):
    """SIGTERM, as Ctrl-C is KeyboardInterrupt: code that catches exceptions lets it pass."""


def main() -> None:
    """Runs a command; 0 done, 2 the user's input, 1 else, 130 and 143 when told to stop."""
    gc.set_threshold(100_000, 20, 20)  # looking for garbage in what torch imports takes 0.3 s
    signal.signal(signal.SIGTERM, _terminated)
    waiting.settle(os.environ)
    faults.printable()
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    for file in {COMMANDS[asked]} if asked in COMMANDS else dict.fromkeys(COMMANDS.values()):
        importlib.import_module(f"{__name__}.{file}")
    try:
        faults.full(sys.argv[1:])
        status = app(prog_name="deepres", standalone_mode=False) or 0
        if sys.stdout is not None:
            sys.stdout.flush()  # a pipe that is closed, a disk that is full: told here, not behind
    except faults.UsageError as error:
        say(faults.usage(error))
        status = 2
    except UserError as error:
        say(f"deepres: {error}")
        status = 2
    except KeyboardInterrupt:
        say("deepres: stopped.")
        status = 130
    except Terminated:
        say("deepres: stopped.")
        status = 143
    except Failed as error:
        say(f"deepres: {error}")
        status = 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except OSError as error:
        told = faults.place(error, sys.argv[1:])
        say(f"deepres: {told}")
        status = 2 if isinstance(told, UserError) else 1
    sys.exit(status)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated

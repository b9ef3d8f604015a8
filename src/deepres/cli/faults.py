"""What the command line cannot do, in one sentence: wrong words, and places that cannot be used."""

import errno
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import typer

from ..errors import Failed, UserError

# What typer raises for words that no command takes; of its own names only the children are public.
UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])
# Why a place cannot be used where whoever named it can name another one.
PLACES = {
    errno.EACCES: "may not be read or written by you: name another one, or change its permissions",
    errno.EPERM: "may not be read or written by you: name another one, or change its permissions",
    errno.EROFS: "lies on a disk that cannot be written: name another place",
    errno.ENOENT: "is not there: name one that is",
    errno.ENOTDIR: "is not in a folder but in a file: name a folder",
    errno.EEXIST: "is there already and is no folder: name another place",
    errno.EISDIR: "is a folder: name a file in it",
    errno.ENAMETOOLONG: "has a name that is too long for this disk: name a shorter one",
    errno.ELOOP: "is a link that leads to itself: name a file or folder",
}
NAME_AT_MOST = 200  # letters of a place in a sentence


def usage(error: Exception) -> str:
    """typer's three lines as one sentence, with the command that shows what is right."""
    message = str(getattr(error, "message", "") or "")
    if not getattr(error, "possibilities", None):
        message = error.format_message()  # type: ignore[attr-defined]
    else:
        message += f" (did you mean {' or '.join(error.possibilities)}?)"  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "deepres"
    if "\n" in message:  # a command of commands without one: its help
        return message
    message = re.sub(r"\. Did you mean (.*)\?$", r" (did you mean \1?)", message).rstrip(".")
    return f"deepres: {message}: `{command} --help` shows what it takes."


def full(words: Sequence[str]) -> None:
    """Refuses words that are empty, as a script's unset variable is: a path would be the current
    folder, a host every network that there is."""
    for before, word in zip(("", *words), words, strict=False):
        option = word.removesuffix("=") if word.startswith("--") and word.endswith("=") else ""
        if option or not word:
            named = option or (before if before.startswith("-") else "An argument")
            raise UserError(f"{named} is empty: give it a value, or leave it out.")


def place(error: OSError, words: Sequence[str]) -> Exception:
    """The user's fault where the place is one that was named, or lies in one or around one."""
    if not error.filename:
        return Failed(f"{error.strerror or error}.")
    where, reason = _meant(os.fsdecode(error.filename)), PLACES.get(error.errno or 0)
    shown = where if len(where) <= NAME_AT_MOST else f"{where[:NAME_AT_MOST]}…"
    if reason is not None and any(_about(where, word) for word in words):
        return UserError(f"{shown} {reason}.")
    return Failed(f"{shown}: {error.strerror or error}.")


def _meant(where: str) -> str:
    """A file that is written aside until it gets its name (.NAME.PROCESS): its folder is meant."""
    folder, name = os.path.split(where)
    aside = name.startswith(".") and str(os.getpid()) in name.split(".")
    return (folder or ".") if aside else where


def _about(where: str, word: str) -> bool:
    """Whether a word, an option's value or what stands before or behind its colon is that place."""
    value = word.partition("=")[2] if word.startswith("-") else word
    front, _, behind = value.rpartition(":")
    path = _lexical(where)
    named = [_lexical(text) for text in {value, front, behind} if text]
    return any(path.is_relative_to(name) or name.is_relative_to(path) for name in named)


def _lexical(text: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 - never raise


def printable() -> None:
    """Lets names of files and signs that a terminal's letters lack pass, whatever they are."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")

"""The folder of a run: one process at a time, one run for good."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct, structs

from ..errors import UserError
from ..spec import Plan, Run
from .disk import write_whole
from .provenance import Provenance, Session
from .result import Result

Value = TypeVar("Value", bound=Struct)
OURS = ("weights.safetensors", "card.json", "log.jsonl", "state")


class Held(UserError):
    """Another living process works on the run."""


class Folder:
    """Paths of a run's files, and the lock that lets one living process work on them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = path / "run.json"
        self.provenance = path / "provenance.json"
        self.log = path / "log.jsonl"
        self.state = path / "state"
        self.weights = path / "weights.safetensors"
        self.result = path / "result.json"
        self.report = path / "report.html"
        self.lock = FileLock(path / ".lock")

    def take(self) -> None:
        """Makes the folder and holds it until `leave` or the end of the process.

        The lock is the kernel's: a process that was killed holds nothing.
        """
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            self.lock.acquire(timeout=0)
        except Timeout:
            raise Held(
                f"{self.path} is held by another process{self._holder()} that works on this run:"
                " wait for it, stop it, or name another --out."
            ) from None
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be written ({error.strerror or error}): name another --out."
            ) from None
        for left in self.path.glob(f".{self.weights.name}.*"):  # of a process that was killed
            left.unlink()

    def leave(self) -> None:
        """Lets another process in."""
        self.lock.release()

    def _holder(self) -> str:
        try:
            return f" (number {read(self.provenance, Provenance).sessions[-1].process})"
        except (UserError, IndexError):
            return ""

    def claim(self, run: Run) -> None:
        """Makes the folder this run's, unless it is another's already."""
        if not self.run.exists():
            if there := [name for name in OURS if self._holds(name)]:
                raise UserError(
                    f"{self.path} holds {there[0]} and no run.json, so it is not known of which"
                    " run: name another --out."
                )
            write(self.run, run)
            return
        here = read(self.run, Run)
        if here.key != run.key:
            raise UserError(
                f"{self.path} holds another run: {'; '.join(differences(here, run))}."
                " Name another --out, or ask for the run that is there."
            )

    def _holds(self, name: str) -> bool:
        path = self.path / name
        return any(path.iterdir()) if path.is_dir() else path.exists()

    def sessions(self) -> Sequence[Session]:
        """The processes that worked on this run before."""
        return read(self.provenance, Provenance).sessions if self.provenance.exists() else ()

    def planned(self) -> Plan | None:
        """How the run was begun."""
        return read(self.provenance, Provenance).plan if self.provenance.exists() else None

    def finished(self) -> Result | None:
        """What came of the run, if it was brought to its end."""
        return read(self.result, Result) if self.result.exists() else None


def read(path: Path, kind: type[Value]) -> Value:
    """A value from its JSON file; what is wrong with the file is said by its name."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise UserError(f"There is no {path}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None


def write(path: Path, value: Struct) -> None:
    """A value as JSON that people can read too."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def differences(was: Run, wanted: Run) -> list[str]:
    """What differs between two runs, a field each: `recipe.lr was 0.1, is 0.05`."""
    return [
        f"{name} was {before}, is {after}" for name, before, after in _differing(was, wanted, "")
    ]


def _differing(was: Any, wanted: Any, where: str) -> Iterator[tuple[str, str, str]]:
    for field in structs.fields(was):
        name = f"{where}{field.name}"
        before, after = getattr(was, field.name), getattr(wanted, field.name)
        if before == after or name == "name":
            continue
        if isinstance(before, Struct) and isinstance(after, Struct):
            yield from _differing(before, after, f"{name}.")
        else:
            yield name, _told(before), _told(after)


def _told(value: Any) -> str:
    if isinstance(value, Struct):
        return msgspec.json.encode(value).decode()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

"""The last good state of a run and the one before, each two files that say whether they are whole.

The JSON file is renamed into place last: a state without it was never finished. It carries the
digest of the tensors' file and its own, so that a flipped bit is found before anything is built
on it.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ..errors import Failed
from ..spec import Plan
from ..train import Facts, State
from .disk import write_whole

KEPT = 2


class Stretch(Struct, forbid_unknown_fields=True):
    """The steps since the last report, one number each."""

    losses: list[float] = []
    wrong: list[int] = []
    seconds: list[float] = []


class Saved(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a state says beside its tensors."""

    key: str  # of the run
    plan: Plan
    facts: Facts
    stretch: Stretch
    lines: int  # of the log, when it was taken
    seconds: float  # spent on the run until then


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    """A state's JSON file: the digests of both files, and what is said."""

    tensors_sha256: str
    saved_sha256: str
    saved: msgspec.Raw


class Damaged(Exception):
    """A state that is not what was written."""


def sha256(content: bytes | memoryview) -> str:
    """Hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write(folder: Path, state: State, saved: Saved) -> None:
    """Puts the state beside the last one and deletes those before; a broken state is refused."""
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()  # a clone: two names may share one tensor
        for name, tensor in state.tensors().items()
    }
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise Failed(f"{name} holds NaN or infinite values after step {state.step:,}.")
    content, said = save(tensors), msgspec.json.encode(saved)
    path = folder / f"{state.step:09d}.json"
    write_whole(path.with_suffix(".safetensors"), content)
    write_whole(path, msgspec.json.encode(_File(sha256(content), sha256(said), msgspec.Raw(said))))
    _sweep(folder)


def found(folder: Path) -> Iterator[Path]:
    """The JSON files of all states that were finished, newest first."""
    return iter(sorted((p for p in folder.glob("*.json") if p.stem.isdigit()), reverse=True))


def read(path: Path) -> tuple[dict[str, Tensor], Saved]:
    """A state whose digests hold, else `Damaged`."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
        if sha256(file.saved) != file.saved_sha256:
            raise Damaged("the digest of its JSON file does not agree")
        saved = msgspec.json.decode(file.saved, type=Saved)
        content = path.with_suffix(".safetensors").read_bytes()
        if sha256(content) != file.tensors_sha256:
            raise Damaged("the digest of its tensors does not agree")
        return load(content), saved
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"its JSON file cannot be read: {error}") from None
    except (OSError, SafetensorError) as error:
        raise Damaged(f"its tensors cannot be read: {error}") from None


def set_aside(path: Path) -> Path:
    """Renames a damaged state so that nothing takes it for a good one; returns where it lies."""
    for file in (path.with_suffix(".safetensors"), path):
        if file.exists():
            file.replace(file.with_name(f"damaged-{file.name}"))
    return path.with_name(f"damaged-{path.name}")


def _sweep(folder: Path) -> None:
    """Deletes all but the newest states, and what a stopped process left half written."""
    kept = {path.stem for path in list(found(folder))[:KEPT]}
    for path in folder.iterdir():
        if path.name.endswith(".aside") or (path.stem.isdigit() and path.stem not in kept):
            path.unlink()

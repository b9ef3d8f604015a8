"""C that lies beside this file, compiled once by the machine's compiler and kept in the cache."""

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...data import cache
from ...errors import UserError

SOURCES, HEADERS = ("winograd.c", "normalise.c"), ("vectors.h",)
FLAGS = ("-O3", "-fopenmp", "-shared", "-fPIC")
DIGEST = 32  # bytes of sha256, which follow what the compiler wrote
NATIVE = {"aarch64": "-mcpu=native", "arm64": "-mcpu=native"}  # elsewhere -march=native


def compiler() -> str | None:
    """Of C: the program that CC names, or gcc, clang, cc."""
    return next(iter(_compiling()), None)


def _compiling() -> list[str]:
    """The compiler's whole path, and what CC says behind it (`ccache gcc`)."""
    said = os.environ.get("CC", "").strip()
    named = [[said], said.split()] if said else [["gcc"], ["clang"], ["cc"]]
    for words in named:
        if found := shutil.which(words[0]):
            return [found, *words[1:]]
    return []


@functools.cache
def library() -> ctypes.CDLL:
    """The kernels; a UserError says what is missing where they cannot be had."""
    tool = _compiling()
    if not tool:
        raise UserError("--engine native takes a C compiler (gcc or clang); eager does not.")
    texts = [(Path(__file__).parent / name).read_bytes() for name in (*SOURCES, *HEADERS)]
    flags = (*FLAGS, NATIVE.get(platform.machine(), "-march=native"))
    try:
        path = cache.folder().parent / "kernels" / f"{_name(tool, flags, texts)}.so"
        if not _whole(path):
            _compiled(tool, flags, path)
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise UserError(f"--engine native: {error}. --engine eager does without.") from None


def called(name: str, tensors: Sequence[Tensor | None], *sizes: float) -> None:
    """One of the kernels, on these places, by as many threads as torch takes."""
    places = [ctypes.c_void_p(t if t is None else t.data_ptr()) for t in tensors]
    numbers = [ctypes.c_double(n) if isinstance(n, float) else ctypes.c_long(n) for n in sizes]
    if getattr(library(), name)(*places, *numbers, ctypes.c_int(torch.get_num_threads())):
        raise MemoryError(f"There is no memory left for `{name}` to work in.")


def _name(tool: list[str], flags: tuple[str, ...], texts: list[bytes]) -> str:
    """Of what is compiled, by what, for which processor: caches may be shared by machines."""
    about = subprocess.run([*tool, "--version"], capture_output=True, check=False).stdout
    parts = [*texts, about, repr((tool[1:], flags)).encode(), _processor()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]


def _processor() -> bytes:
    """What it can do."""
    try:
        lines = Path("/proc/cpuinfo").read_bytes().splitlines()
    except OSError:
        return platform.processor().encode()
    return next((line for line in lines if line.startswith((b"flags", b"Features"))), b"")


def _whole(path: Path) -> bool:
    """Whether it is there as it was written: half a library ends the process that loads it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content[:-DIGEST]).digest() == content[-DIGEST:]


def _compiled(tool: list[str], flags: tuple[str, ...], path: Path) -> None:
    """Writes it aside and renames it, so that any number of processes may do so at once."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=path.parent) as aside:
        made = Path(aside) / path.name
        here = [str(Path(__file__).parent / name) for name in SOURCES]
        done = subprocess.run([*tool, *flags, *here, "-o", str(made)], capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()  # in whatever the locale is
            last = (said.splitlines() or ["it says nothing"])[-1]
            raise UserError(
                f"--engine native: {tool[0]} fails ({last}). --engine eager does without."
            )
        content = made.read_bytes()
        made.write_bytes(content + hashlib.sha256(content).digest())
        made.replace(path)

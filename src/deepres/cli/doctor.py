"""`deepres doctor`: what is here, what is slow or missing, and the command that mends it."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

from ..errors import UserError
from . import app, printed

EXTRAS = {  # modules, and what goes without them
    "pyarrow": "CIFAR in parquet files, as on the hub, cannot be read",
    "huggingface_hub": "checkpoints on the hub cannot be fetched",
    "tensorboard": "--tensorboard cannot write events",
}
ROOM = 2e9  # bytes that a full run, its states and a cached data set take
MEMORY = 2.5e9  # bytes that training ResNet-110 takes


@app.command(epilog="Example: deepres doctor --json")
def doctor(
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Versions, devices, data found, what is slow or missing and the command that mends it."""
    from ..runs.provenance import machine, versions

    data = {name: found(name) for name in ("digits", "cifar10", "cifar100")}
    answer: dict[str, Any] = {
        "versions": versions() | extras(),
        "machine": machine(),
        "devices": devices(),
        "data": data,
        "problems": [*missing(data), *slow(), *short()],
    }
    printed(answer, "\n".join(_lines(answer)), as_json)


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    for name in ("versions", "machine", "devices", "data"):
        yield f"{name}:"
        for what, value in answer[name].items():
            yield f"  {what:<16} {value}"
    problems = answer["problems"]
    yield "problems:" if problems else "no problems"
    yield from (f"  {problem}" for problem in problems)


def extras() -> dict[str, str]:
    """The versions of what extras bring, where they are there."""
    told = {}
    for module in EXTRAS:
        try:
            told[module] = version(module.replace("_", "-"))
        except PackageNotFoundError:
            told[module] = "not installed"
    return told


def devices() -> dict[str, str]:
    """What could compute: training uses the processor."""
    import torch

    told = {"cpu": f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"}
    for number in range(torch.cuda.device_count()):
        told[f"cuda:{number}"] = torch.cuda.get_device_name(number)
    if torch.backends.mps.is_available():
        told["mps"] = "Apple's GPU"
    return told


def found(name: str) -> str:
    """Where a data set lies, or that it does not."""
    from ..data import source

    parsed = source.parse(name)
    if parsed.word in source.EMBEDDED:
        return "in the package"
    try:
        return str(source.found(parsed).where)
    except UserError:
        return "not found"


def missing(data: dict[str, str]) -> Iterator[str]:
    """What is not there, and how to get it."""
    for name, where in data.items():
        if where == "not found":
            mend = f"`deepres data fetch {name}` fetches it, or DEEPRES_DATA names its folder's"
            yield f"{name} is not here: {mend} parent."
    for module, consequence in EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            package = module.replace("_", "-")
            yield f"{package} is not installed, so {consequence}: `pip install {package}`."


def slow() -> Iterator[str]:
    """What makes training slower than this machine could."""
    import torch

    from ..accel.choose import has_compiler

    cores, threads = len(usable()), torch.get_num_threads()
    if threads < cores:
        limit = "`unset OMP_NUM_THREADS`" if os.environ.get("OMP_NUM_THREADS") else "--threads"
        yield f"Training takes {threads} of {cores} cores: {limit} gives it more."
    if not has_compiler():
        yield (
            "There is no C++ compiler, so long runs go uncompiled, a sixth slower: `apt install"
            " g++`, or what your system calls it."
        )
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > cores + 0.5:
        yield (
            f"Others are at work here (load {os.getloadavg()[0]:.1f} on {cores} cores): what is"
            " measured now misleads; `top` shows who."
        )
    if shutil.which("nvidia-smi") and not torch.cuda.is_available():
        yield (
            "There is an NVIDIA GPU that this torch cannot use: install its CUDA build, as"
            " pytorch.org says."
        )


def short() -> Iterator[str]:
    """What there is too little of."""
    from ..accel.memory import available_bytes
    from ..data import cache

    free = shutil.disk_usage(Path.cwd()).free
    if free < ROOM:
        yield f"{Path.cwd()} has {free / 1e9:.1f} GB left: make room, or name another --out."
    memory = available_bytes()
    if memory < MEMORY:
        yield (
            f"{memory / 1e9:.1f} GB of memory are free: networks of 110 layers want"
            f" {MEMORY / 1e9:.1f}; `top -o %MEM` shows who has it."
        )
    place = next(p for p in (cache.folder(), *cache.folder().parents) if p.exists())
    if not os.access(place, os.W_OK):
        yield f"{place} cannot be written, so data are read anew each time: set DEEPRES_CACHE."


def usable() -> set[int]:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return affinity(0) if affinity else set(range(os.cpu_count() or 1))

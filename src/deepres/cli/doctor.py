"""`deepres doctor`: what is here, what is slow or missing, and the command that mends it."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ..cores import counted, usable
from ..errors import UserError
from . import app, packages, printed

ROOM = 2e9  # bytes that a full run, its states and a cached data set take
MEMORY = 2.5e9  # bytes that training ResNet-110 takes
SOURCES = ("digits", "synthetic", "cifar10", "cifar100", "imagenette", "imagenet")
COMPILERS = (os.environ.get("CXX", "g++"), "g++", "clang++")  # as torch looks for them


@app.command(epilog="Example: deepres doctor --json")
def doctor(
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Versions, devices, data found, what is slow or missing and the command that mends it.

    What is found ill is told and leaves the exit status at 0.
    """
    answer: dict[str, Any] = {
        "versions": versions(),
        "problems": [*packages.problems()],
    }
    fault = torch_fault()
    if fault is None:
        answer |= {"machine": machine(), "devices": devices(), "data": data()}
        answer["problems"] += [*misplaced(), *slow(), *short()]
    else:
        answer["problems"].insert(0, fault)
    printed(answer, "\n".join(_lines(answer)), as_json)


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    for name in ("versions", "machine", "devices", "data"):
        if name in answer:
            yield f"{name}:"
            for what, value in answer[name].items():
                yield f"  {what.replace('_', ' '):<18} {value}"
    problems = answer["problems"]
    yield "problems:" if problems else "no problems"
    yield from (f"  {number}. {problem}" for number, problem in enumerate(problems, 1))


def versions() -> dict[str, str]:
    """Of this package, Python, and what they need or could use."""
    from .. import __version__

    return {"deepres": __version__, "python": platform.python_version()} | packages.versions()


def torch_fault() -> str | None:
    """Why torch cannot be used at all, if it cannot: nothing else can be examined then."""
    try:
        import torch  # noqa: F401
    except (ImportError, OSError) as error:
        why = (str(error).splitlines() or ["it does not say why"])[0]
        return f"torch cannot be imported ({why}): install it anew, as pytorch.org says."
    return None


def machine() -> dict[str, str | int | float]:
    """Processor, memory, compiler and malloc."""
    from ..accel import malloc
    from ..accel.native.build import compiler as of_c
    from ..runs import provenance

    native = of_c()
    compiler = next((found for name in COMPILERS if (found := shutil.which(name))), None)
    return provenance.machine() | {
        "cores_for_us": usable(),
        "compiler": first_line(compiler, "--version") if compiler else "none",
        "c_compiler": first_line(native, "--version") if native else "none",
        "malloc": f"{' '.join(platform.libc_ver()) or 'unknown'}, freed memory is"
        f" {'kept' if malloc.keep() else 'given back'}",
        "threads_that_wait": os.environ.get("OMP_WAIT_POLICY", "as OpenMP likes"),
    }


def first_line(*command: str) -> str:
    """What a program says of itself."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return f"{command[0]}, which does not run"
    return (said.stdout.splitlines() or [command[0]])[0]


def devices() -> dict[str, str]:
    """What could compute: training uses the processor."""
    import torch

    from ..accel.precision import bf16_gain

    gain, capability = bf16_gain(), torch.backends.cpu.get_cpu_capability()
    units = "worth asking for" if gain > 1.2 else "no units for it"
    told = {
        "cpu": f"{counted(torch.get_num_threads())}, {capability}; bf16 {gain:.1f} times as fast as"
        f" fp32: {units}"
    }
    for number in range(torch.cuda.device_count()):
        told[f"cuda:{number}"] = torch.cuda.get_device_name(number)
    if torch.backends.mps.is_available():
        told["mps"] = "Apple's GPU"
    return told


def data() -> dict[str, str]:
    """Where each data set lies that has a name, or that it does not."""
    return {name: place if (place := found(name)) else "not found" for name in SOURCES}


def found(name: str) -> str | None:
    """Where a data set lies."""
    from ..data import source

    parsed = source.parse(name)
    if parsed.word in source.EMBEDDED:
        return "in the package"
    try:
        return str(source.folder_of(parsed) or source.found(parsed).where)
    except UserError:
        return None


def misplaced() -> Iterator[str]:
    """What is wrong with where data are looked for."""
    from ..data import source

    named = os.environ.get("DEEPRES_DATA")
    if named and not Path(named).is_dir():
        yield (
            f"DEEPRES_DATA names {named}, which is no folder: `export DEEPRES_DATA=FOLDER`, where"
            " FOLDER/cifar10 is CIFAR-10."
        )
    try:
        source.found(source.parse("cifar10"))
    except UserError as error:
        yield str(error)


def slow() -> Iterator[str]:
    """What makes training slower than this machine could."""
    import torch

    from ..accel.native.build import compiler as of_c

    cores, threads = usable(), torch.get_num_threads()
    if threads < cores:
        limit = "`unset OMP_NUM_THREADS`" if os.environ.get("OMP_NUM_THREADS") else "`--threads`"
        yield f"Training takes {threads} of {cores} cores: {limit} gives it more."
    if of_c() is None:
        yield (
            "There is no C compiler, so training goes without our own kernels: `apt install gcc`,"
            " or what your system calls it."
        )
    if not any(shutil.which(name) for name in COMPILERS):
        yield (
            "There is no C++ compiler, so no step is compiled by torch: `apt install g++`, or what"
            " your system calls it."
        )
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > cores + 0.5:
        yield (
            f"Others are at work here (load {os.getloadavg()[0]:.1f} on {cores} cores), and"
            " training takes as much longer: `top` shows who."
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
        yield f"{Path.cwd()} has {free / 1e9:.1f} GB left: make room, or name another `--out`."
    memory = available_bytes()
    if memory < MEMORY:
        yield (
            f"{memory / 1e9:.1f} GB of memory are free, and networks of 110 layers want"
            f" {MEMORY / 1e9:.1f}: `top -o %MEM` shows who has it."
        )
    place = next(p for p in (cache.folder(), *cache.folder().parents) if p.exists())
    if not os.access(place, os.W_OK):
        yield (
            f"{place} cannot be written, so data are decoded anew each time:"
            " `export DEEPRES_CACHE=FOLDER` names another place."
        )

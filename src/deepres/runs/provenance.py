"""Where a run's numbers come from: versions, machine, commit, data, command."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from msgspec import Struct

from .. import __version__
from ..data.source import parse
from ..home import at_home
from ..spec import Plan

PACKAGES = ("torch", "numpy", "safetensors", "pillow", "msgspec")


class Session(Struct, frozen=True, kw_only=True):
    """One process that worked on a run."""

    started: str  # UTC, to the second
    process: int
    step: int  # where it began
    command: tuple[str, ...]
    source: str  # the data as they were named, by a path that holds in any folder
    plan: Plan


class Provenance(Struct, frozen=True, kw_only=True):
    """What is needed to tell why two runs differ."""

    versions: dict[str, str]
    machine: dict[str, str | int | float]
    commit: str | None  # of the package's own checkout, where it is one
    plan: Plan
    sessions: tuple[Session, ...] = ()


def session(step: int, source: str, plan: Plan) -> Session:
    """This process."""
    return Session(
        started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        process=os.getpid(),
        step=step,
        command=("deepres", *sys.argv[1:]),
        source=anywhere(source) if source else "",
        plan=plan,
    )


def anywhere(source: str) -> str:
    """The words after `--data` such that they mean the same wherever a run is gone on with."""
    parsed = parse(source)
    path = at_home(parsed.name) if parsed.word == "hub" else parsed.path
    if path is None or not path.exists():
        return source
    return f"{parsed.word}:{path.absolute()}" if parsed.word else str(path.absolute())


def gathered(plan: Plan, sessions: Sequence[Session]) -> Provenance:
    """All that can be told here and now."""
    return Provenance(
        versions=versions(),
        machine=machine() | device(plan),
        commit=commit(),
        plan=plan,
        sessions=tuple(sessions),
    )


def versions() -> dict[str, str]:
    """Of this package, Python and what the numbers depend on."""
    here = {"deepres": __version__, "python": platform.python_version()}
    return here | {name: version(name) for name in PACKAGES}


def machine() -> dict[str, str | int | float]:
    """Processor, system and memory, without a name or an address."""
    told: dict[str, str | int | float] = {
        "processor": processor(),
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        told["memory_gb"] = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
    return told


def device(plan: Plan) -> dict[str, str | int | float]:
    """The GPU by its name, where one computes."""
    if not plan.device.startswith("cuda"):
        return {}
    return {"gpu": torch.cuda.get_device_name(plan.device), "cuda": torch.version.cuda or ""}


def processor() -> str:
    """The processor's own name where the system tells it."""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str | None:
    """The commit of the checkout that this package lies in; `-dirty` where files differ."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--dirty"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()

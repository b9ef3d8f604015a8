"""What is installed beside the package: what it needs, and what its extras would bring."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

# What goes without an extra; those that only developers want are not named.
PURPOSES = {
    "parquet": "CIFAR in parquet files, as on the hub, cannot be read",
    "hub": "data sets and weights of the hub cannot be read",
    "keras": "Keras's weights cannot be read",
    "tensorboard": "`deepres train --tensorboard` cannot write events",
    "export": "`deepres export` cannot write ONNX",
    "serve": "`deepres serve` cannot answer",
    "ray": "`deepres run --on ray` cannot start",
}
NAME = re.compile(r"[\w.-]+")
LEAST = re.compile(r">=\s*([\d.]+)")
EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)['\"]")


def requirements(extra: str | None = None) -> list[str]:
    """What the package asks for, as in `pyarrow>=15`: by an extra, or in any case."""
    told = []
    for line in requires("deepres") or ():
        wanted, _, marker = line.partition(";")
        found = EXTRA.search(marker)
        if (found.group(1) if found else None) == extra:
            told.append(wanted.strip().replace(" ", ""))
    return told


def installed(requirement: str) -> str | None:
    """The version of what a requirement names; None where it is not there."""
    try:
        return version(_name(requirement))
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Of all that a user may want, by name."""
    wanted = [*requirements(), *(r for extra in PURPOSES for r in requirements(extra))]
    return {_name(r): installed(r) or "not installed" for r in wanted}


def problems() -> Iterator[str]:
    """What is missing or too old, what goes without it, and the command that brings it."""
    if lacking := [r for r in requirements() if not _satisfied(r)]:
        yield f"{_told(lacking)}, and deepres needs it: {_command(lacking)}."
    for extra, consequence in PURPOSES.items():
        if lacking := [r for r in requirements(extra) if not _satisfied(r)]:
            yield f"{_told(lacking)}, so {consequence}: {_command(lacking)}."


def _name(requirement: str) -> str:
    found = NAME.match(requirement)
    assert found, requirement
    return found.group()


def _satisfied(requirement: str) -> bool:
    here, least = installed(requirement), LEAST.search(requirement)
    return here is not None and (least is None or _numbers(here) >= _numbers(least.group(1)))


def _numbers(text: str) -> list[int]:
    """2.13.0+cpu: 2, 13, 0."""
    return [int(part) for part in re.findall(r"\d+", text.partition("+")[0])]


def _told(lacking: list[str]) -> str:
    parts = []
    for requirement in lacking:
        here = installed(requirement)
        parts.append(f"{_name(requirement)} is {f'too old ({here})' if here else 'not installed'}")
    return ", ".join(parts)


def _command(lacking: list[str]) -> str:
    quoted = " ".join(f'"{requirement}"' for requirement in lacking)
    return f"`{sys.executable} -m pip install {quoted}`"

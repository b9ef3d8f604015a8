"""What was measured here before, among the user's caches: read and written whole, or not at all."""

import hashlib
import json
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import torch

from ..data import cache
from ..runs.provenance import machine

SCHEMA = 2  # in the key: what is measured otherwise starts anew
PACKAGES = ("torch", "onnxruntime", "openvino")
Times = dict[str, float | None]  # how a way is called -> seconds a batch; None: not to be taken


def recorded(facts: Sequence[object]) -> Times:
    """What was measured of something, with these packages, here; nothing where it was not."""
    try:
        return msgspec.json.decode(_place(facts).read_bytes(), type=Times)
    except (OSError, msgspec.DecodeError):
        return {}


def record(facts: Sequence[object], times: Times) -> None:
    """Keeps what was measured; where nothing can be written it is measured again."""
    place = _place(facts)
    aside = place.with_suffix(f".{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(times))
        aside.replace(place)
    except OSError:
        return


def _place(facts: Sequence[object]) -> Path:
    about = [SCHEMA, torch.get_num_threads(), [_version(name) for name in PACKAGES], machine()]
    key = json.dumps([*facts, about], sort_keys=True)
    name = hashlib.sha256(key.encode()).hexdigest()[:24]
    return cache.folder().parent / "engines" / f"{name}.json"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

"""A hub's folder on disk: one file of weights, and what the JSON beside it says."""

from pathlib import Path
from typing import Any

import msgspec

from ..errors import UserError

# The better one first: a folder often holds the same weights twice.
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
OTHERS = ("tf_model.h5", "flax_model.msgpack", "model.onnx")
JSON_AT_MOST = 16 * 2**20  # bytes; 21,841 named classes take 2
PROCESSOR = "preprocessor_config"


def contents(path: Path) -> tuple[Path, dict[str, Any]]:
    """The weights file and `config.json`, with `preprocessor_config.json` as a field of it."""
    there = [path / name for name in WEIGHTS if (path / name).is_file()]
    if not there:
        raise UserError(f"{path} holds neither {' nor '.join(WEIGHTS)}{_instead(path)}.")
    config = _json(path / "config.json") or {}
    processor = _json(path / f"{PROCESSOR}.json")
    return there[0], config | ({PROCESSOR: processor} if processor is not None else {})


def _instead(path: Path) -> str:
    if shards := sorted(path.glob("*.index.json")):
        return f": its weights are in pieces ({shards[0].name}), as no ResNet's need be"
    found = [name for name in OTHERS if (path / name).is_file()]
    return f", only {found[0]}, which is not read here" if found else ""


def _json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    if path.stat().st_size > JSON_AT_MOST:
        raise UserError(
            f"{path} has {path.stat().st_size:,} bytes, too many for what it should be."
        )
    try:
        value = msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserError(f"{path} is not JSON that can be read: {error}.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} is not a JSON object of settings.")
    return value

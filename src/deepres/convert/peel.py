"""Trainers' wrappers taken off: dictionaries around state dicts, prefixes before names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError
from .family import Checkpoint
from .pickles import shown
from .safe import is_name

LAYERS_AT_MOST = 8  # of wrapping; a dictionary can hold itself
# Where trainers put weights, the better set first where there are two; and what that set is.
INSIDE: tuple[tuple[str, str], ...] = (
    ("state_dict_ema", "their moving average"),
    ("model_ema", "their moving average"),
    ("state_dict", "as trained"),
    ("model_state_dict", "as trained"),
    ("model", "as trained"),
    ("net", "as trained"),
    ("network", "as trained"),
    ("module", "as trained"),
    ("weights", "as trained"),
    ("state", "as trained"),  # composer: state.model
)
OTHER_SETS = {
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "current_model_state",
    "state_dict",
    "model",
}
# Sets of weights that a trainer has exchanged: what is called `state_dict` is the average.
EXCHANGED = {"ema_state_dict": "mmengine", "current_model_state": "Lightning"}
WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}  # anywhere in a name
COUNTERS = {"total_ops", "total_params"}  # left by profilers beside every layer


def peeled(path: Path, content: Any) -> Checkpoint:
    """The tensors of one network, and what was taken off them."""
    notes: list[str] = []
    trainer = container(content)
    tensors = state_dict(path, content, notes)
    tensors = without_prefixes(path, tensors, notes)
    for name, tensor in tensors.items():
        check_tensor(path, name, tensor)
    config = {"meta": content["meta"]} if trainer == "mmengine" else {}
    return Checkpoint(path, trainer, tensors, config, tuple(notes))


def container(content: Any) -> str:
    """Whose wrapper this is, from the keys beside the weights."""
    keys = set(content) if isinstance(content, Mapping) else set()
    if "pytorch-lightning_version" in keys:
        return "lightning"
    if {"meta", "state_dict"} <= keys:
        return "mmengine"
    if {"state", "rng"} <= keys:
        return "composer"
    if {"state_dict", "version", "arch"} <= keys:
        return "timm"
    if {"model", "optimizer", "args"} <= keys:
        return "torchvision"
    if {"net", "acc"} <= keys:
        return "kuangliu"
    if {"state_dict", "best_prec1"} <= keys:
        return "akamaster"
    if {"state_dict", "best_acc1"} <= keys:
        return "pytorch-examples"
    if {"state_dict", "best_acc"} <= keys:
        return "bearpaw"
    return "wrapped" if _wrapped(content) else "plain"


def _wrapped(content: Any) -> bool:
    return isinstance(content, Mapping) and not any(isinstance(v, Tensor) for v in content.values())


def state_dict(path: Path, content: Any, notes: list[str]) -> dict[str, Tensor]:
    """The innermost dictionary: names and tensors and nothing else."""
    for _ in range(LAYERS_AT_MOST):
        if not isinstance(content, Mapping):
            raise UserError(
                f"{path} holds a {type(content).__name__}, not a state dict of names and tensors."
            )
        found = [(key, what) for key, what in INSIDE if isinstance(content.get(key), Mapping)]
        if not found and any(isinstance(value, Tensor) for value in content.values()):
            return {_text(path, key): value for key, value in content.items()}
        if not found:
            keys = ", ".join(sorted(shown(str(key), 40) for key in content)[:8]) or "none"
            raise UserError(f"{path} holds no weights that can be found: its keys are {keys}.")
        key, what = found[0]
        others = sorted(OTHER_SETS & content.keys() - {key})
        for other, trainer in EXCHANGED.items():
            if other in others and key == "state_dict":
                what = f"which {trainer} makes their moving average"
        if others:
            notes.append(
                f"The file holds several sets of weights: {key} ({what}) was taken, "
                f"{' and '.join(others)} left."
            )
        content = content[key]
    raise UserError(f"{path}: its weights are wrapped more than {LAYERS_AT_MOST} times.")


def _text(path: Path, key: Any) -> str:
    if isinstance(key, bytes):  # written by Python 2
        key = key.decode("latin-1")
    if not isinstance(key, str) or not is_name(key):
        raise UserError(f"{path}: {shown(key)} among its weights is no tensor's name.")
    return key


def without_prefixes(path: Path, tensors: dict[str, Tensor], notes: list[str]) -> dict[str, Tensor]:
    """Names without what wrapping modules put before them, in whatever order they nest."""
    averaged = [name for name in tensors if name.rpartition(".")[2] == "n_averaged"]
    counters = [name for name in tensors if name.rpartition(".")[2] in COUNTERS]
    kept = {name: t for name, t in tensors.items() if name not in {*averaged, *counters}}
    if averaged:
        notes.append(f"An average of weights: {averaged[0]} was left out.")
    if counters:
        notes.append(
            f"A profiler's {len(counters)} counters (total_ops, total_params) were left out."
        )
    split = {name: [p for p in name.split(".") if p not in WRAPPERS] for name in kept}
    dropped = {p for name in kept for p in name.split(".") if p in WRAPPERS}
    prefix = ".".join(_shared(list(split.values())))
    if prefix:
        dropped.add(prefix)
    depth = len(prefix.split(".")) if prefix else 0
    renamed = {".".join(parts[depth:]): kept[name] for name, parts in split.items()}
    if len(renamed) < len(kept):
        raise UserError(f"{path}: two tensors have one name once {', '.join(dropped)} is gone.")
    if dropped:
        notes.append(f"Taken off the names: {', '.join(sorted(dropped))}.")
    return renamed


def _shared(names: list[list[str]]) -> Iterator[str]:
    """The parts that every name starts with: no network has all of its tensors in one module."""
    for parts in zip(*(name[:-1] for name in names), strict=False):
        if len(set(parts)) > 1:
            return
        yield parts[0]


def check_tensor(path: Path, name: str, tensor: Any) -> None:
    """A dense tensor of plain numbers, with memory for each of them."""
    if not isinstance(tensor, Tensor):
        raise UserError(f"{path}: {name} is a {type(tensor).__name__}, not a tensor.")
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
        raise UserError(f"{path}: {name} is not a dense tensor of plain numbers.")
    if tensor.dim() == 0 and name.endswith("weight"):
        raise UserError(f"{path}: {name} is a single number, not a layer's weights.")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise UserError(
            f"{path}: {name} says {tuple(tensor.shape)}, more numbers than the file holds for it."
        )

"""One file, written aside, compared with the network, and only then given its name."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec

from ..data.pictured import Pictured
from ..errors import UserError
from ..models.predict import carded
from ..models.resnet import ResNet
from . import graph, int8, program, read
from .compare import Report, compared, tested
from .takes import TAKES, Takes


def export(
    network: ResNet,
    path: Path,
    takes: Takes = "normalised",
    *,
    test: Pictured | None = None,
    training: Pictured | None = None,
) -> Report:
    """Writes the file and its report, `<file>.json`; with `training`, in eight bits.

    Where a comparison fails nothing is left, and what was there before stays.
    """
    precision = "fp32" if training is None else "int8"
    if path.suffix not in read.SUFFIXES:
        raise UserError(f"{path}: name a file that ends in .onnx or .pt2.")
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file in it.")
    if precision == "int8" and path.suffix != ".onnx":
        raise UserError(f"{path}: eight bits are for ONNX Runtime; name a file that ends in .onnx.")
    if takes == "normalised" and carded(network).preprocessing.mean_image:
        raise UserError(
            f"{carded(network).network} subtracts a mean image, which has to be in the file:"
            " --input rgb puts it there."
        )
    content = _content(network, path.suffix, takes, training)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        aside.write_bytes(content)
        run = read.runs(aside)
        report = compared(network, run, takes, precision, test)
        if test is not None:
            errors = tested(network, read.load(aside), test)
            report = msgspec.structs.replace(report, test=errors)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    beside(path).write_text(json.dumps(described(network, path, takes, precision, report)) + "\n")
    return report


def _content(network: ResNet, suffix: str, takes: Takes, training: Pictured | None) -> bytes:
    if training is not None:
        return int8.exported(network, takes, training)
    return (graph if suffix == ".onnx" else program).exported(network, takes)


def beside(path: Path) -> Path:
    """Where the report lies: `resnet56.onnx.json`."""
    return path.with_name(f"{path.name}.json")


def described(
    network: ResNet, path: Path, takes: Takes, precision: str, report: Report
) -> dict[str, Any]:
    """What was made and compared, in plain values."""
    card = carded(network)
    told = {
        "file": path.name,
        "network": card.network,
        "precision": precision,
        "takes": TAKES[takes].format(card.preprocessing.size),
        "gives": f"float32 N x {network.arch.classes} logits",
        "opset": graph.OPSET if path.suffix == ".onnx" else None,
        **msgspec.to_builtins(report),
    }
    return {name: value for name, value in told.items() if value is not None}

"""Caffe's files: a network's layers with their blobs, and a mean image, which is a blob alone."""

import math
import mmap
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..models.weights import MEAN_IMAGE
from .family import Checkpoint
from .protobuf import EIGHT_BYTES, FOUR_BYTES, Wire

MEAN_FILE = "ResNet_mean.binaryproto"  # as the authors' release calls it
AXES_AT_MOST = 32  # Caffe's own limit

# Field numbers of caffe.proto: NetParameter's layers, new and old; in each its name and blobs.
LAYER, OLD_LAYER = 100, 2
NAME_AND_BLOBS = {LAYER: (1, 7), OLD_LAYER: (4, 6)}
CONVOLUTION, STRIDE = 106, 6
BATCH_NORM, EPS = 139, 3
LEGACY_SHAPE, FLOATS, SHAPE, DOUBLES = range(1, 5), 5, 7, 8


@dataclass
class Layer:
    """A layer while it is being read."""

    name: str = ""
    blobs: list[Tensor] = field(default_factory=list)
    stride: int | None = None  # where the file tells a convolution's settings
    eps: float | None = None  # where it tells a batch normalisation's


def read(path: Path) -> Checkpoint:
    """Every layer's blobs as `layer.index`, and the mean image where it lies beside the file."""
    wire = Wire(path)
    tensors: dict[str, Tensor] = {}
    strides: dict[str, int] = {}
    eps: dict[str, float] = {}
    for number, kind, value in wire.fields(_mapped(path)):
        if number not in NAME_AND_BLOBS:
            continue
        layer = _layer(wire, number, wire.message(kind, value))
        if layer.stride is not None:
            strides[layer.name] = layer.stride
        if layer.eps is not None:
            eps[layer.name] = layer.eps
        for index, tensor in enumerate(layer.blobs):
            if f"{layer.name}.{index}" in tensors:
                raise wire.broken(f"two layers are called {layer.name!r}")
            tensors[f"{layer.name}.{index}"] = tensor
    if not tensors:
        raise UserError(f"{path} holds no weights: a .caffemodel of Caffe's has layers with blobs.")
    notes: tuple[str, ...] = ()
    if (beside := path.with_name(MEAN_FILE)).is_file():
        tensors[MEAN_IMAGE] = mean_image(beside)
        notes = (f"The mean image is that of {MEAN_FILE}, which lies beside the weights.",)
    return Checkpoint(path, "caffemodel", tensors, {"strides": strides, "eps": eps}, notes)


def mean_image(path: Path) -> Tensor:
    """The picture that is subtracted: 3 x H x W, blue first."""
    image = blob(Wire(path), _mapped(path))
    while image.dim() > 3 and len(image) == 1:
        image = image[0]
    if image.dim() != 3 or len(image) != 3 or image.shape[1] != image.shape[2]:
        raise UserError(f"{path} holds {tuple(image.shape)}, not a mean image of 3 x 224 x 224.")
    if not image.isfinite().all():
        raise UserError(f"{path} holds NaN or infinite values: copy it again.")
    return image


def blob(wire: Wire, message: memoryview) -> Tensor:
    """Caffe's array: its numbers in single or double precision, its shape in either spelling."""
    shape, legacy, rows = list[int](), dict[int, int](), list[np.ndarray]()
    for number, kind, value in wire.fields(message):
        if number in LEGACY_SHAPE and isinstance(value, int):
            legacy[number] = value
        elif number == SHAPE:
            for axis, axis_kind, sizes in wire.fields(wire.message(kind, value)):
                shape += wire.varints(axis_kind, sizes, AXES_AT_MOST) if axis == 1 else []
        elif number == FLOATS:
            rows.append(wire.numbers(kind, value, FOUR_BYTES))
        elif number == DOUBLES:
            rows.append(wire.numbers(kind, value, EIGHT_BYTES))
    if legacy and not shape:
        shape = [legacy.get(axis, 1) for axis in LEGACY_SHAPE]
    count = sum(len(row) for row in rows)
    if len(shape) > AXES_AT_MOST or math.prod(shape) != count or count == 0:
        raise wire.broken(f"a blob of shape {shape[:8]} comes with {count:,} numbers")
    numbers = np.concatenate(rows, dtype=np.float32, casting="same_kind")
    return torch.from_numpy(numbers).reshape(shape)


def _mapped(path: Path) -> memoryview:
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty.")
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _layer(wire: Wire, number: int, message: memoryview) -> Layer:
    layer = Layer()
    name, blobs = NAME_AND_BLOBS[number]
    for part, kind, value in wire.fields(message):
        if part == name:
            layer.name = wire.text(kind, value)
        elif part == blobs:
            layer.blobs.append(blob(wire, wire.message(kind, value)))
        elif part == CONVOLUTION and number == LAYER:
            layer.stride = 1  # caffe.proto's default
            for setting, setting_kind, strides in wire.fields(wire.message(kind, value)):
                if setting == STRIDE:
                    layer.stride = wire.varints(setting_kind, strides, AXES_AT_MOST)[-1]
        elif part == BATCH_NORM and number == LAYER:
            for setting, setting_kind, eps in wire.fields(wire.message(kind, value)):
                if setting == EPS:
                    layer.eps = float(wire.numbers(setting_kind, eps, FOUR_BYTES)[-1])
    return layer

"""Torch7's binary files (torch.save of Lua): numbers, texts, tables, tensors and modules."""

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError

NIL, NUMBER, TEXT, TABLE, OBJECT, TRUTH = range(6)
CODE = (6, 7, 8)  # Lua functions, compiled: never read
OBJECTS_AT_MOST = 300_000  # ResNet-152 with its gradients has some 50,000
NESTED_AT_MOST = 60  # tables in tables; a network's blocks take 20
TENSOR_AXES = 16
KINDS = {
    "Float": "<f4",
    "Cuda": "<f4",
    "Double": "<f8",
    "CudaDouble": "<f8",
    "Half": "<f2",
    "CudaHalf": "<f2",
    "Long": "<i8",
    "CudaLong": "<i8",
    "Int": "<i4",
    "CudaInt": "<i4",
    "Short": "<i2",
    "Byte": "u1",
    "CudaByte": "u1",
    "Char": "i1",
}


@dataclass
class Module:
    """An object of a Lua class: `nn.SpatialConvolution` and its fields."""

    kind: str
    fields: dict[Any, Any]


class Reader:
    """One file while it is read: where we are, and the objects that others point back to."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.path, self.content, self.at = path, memoryview(mapped), 0
        self.objects: dict[int, Any] = {}
        self.left = OBJECTS_AT_MOST

    def value(self, depth: int = 0) -> Any:
        """Whatever comes next."""
        self.left -= 1
        if depth > NESTED_AT_MOST or self.left < 0:
            raise self.broken("it nests too deeply or has too many objects")
        kind = self.integer()
        if kind == NIL:
            return None
        if kind == NUMBER:
            return struct.unpack("<d", self.taken(8))[0]
        if kind == TEXT:
            return self.text()
        if kind == TRUTH:
            return self.integer() == 1
        if kind in CODE:
            raise self.broken("it holds Lua code, which is not read")
        if kind not in (TABLE, OBJECT):
            raise self.broken(f"no value is of kind {kind}")
        index = self.integer()
        if index not in self.objects:
            if kind == TABLE:
                self.objects[index] = {}
                self.filled(self.objects[index], depth)
            else:
                self.thing(index, depth)
        return self.objects[index]

    def filled(self, table: dict[Any, Any], depth: int) -> None:
        """Pairs of a table; whole numbers as keys are integers."""
        pairs = self.integer()
        if pairs < 0:
            raise self.broken(f"a table has {pairs} pairs")
        for _ in range(pairs):
            key, value = self.value(depth + 1), self.value(depth + 1)
            if isinstance(key, float) and key.is_integer():
                key = int(key)
            if isinstance(key, str | int):
                table[key] = value

    def thing(self, index: int, depth: int) -> None:
        """A tensor, its numbers, or a module, which is a table with a name."""
        name = self.text()
        if name.startswith("V "):  # the version; files before there were any lack it
            name = self.text()
        family, _, kind = name.partition(".")
        if family == "torch" and kind.removesuffix("Storage") in KINDS:
            self.objects[index] = self.storage(KINDS[kind.removesuffix("Storage")])
        elif family == "torch" and kind.removesuffix("Tensor") in KINDS:
            self.objects[index] = None  # a tensor does not hold itself
            self.objects[index] = self.tensor(depth)
        else:
            self.objects[index] = module = Module(name, {})
            fields = self.value(depth + 1)
            if not isinstance(fields, dict):
                raise self.broken(f"a {name} has no fields")
            module.fields = fields

    def storage(self, dtype: str) -> Tensor:
        """A row of numbers in memory of its own."""
        count, width = self.long(), np.dtype(dtype).itemsize
        if not 0 <= count <= (len(self.content) - self.at) // width:
            raise self.broken(f"{count:,} numbers are announced, the file ends before")
        return torch.from_numpy(np.frombuffer(self.taken(count * width), dtype).copy())

    def tensor(self, depth: int) -> Tensor | None:
        """A view of a row; only tensors that lie whole and in order, as weights do."""
        axes = self.integer()
        if not 0 <= axes <= TENSOR_AXES:
            raise self.broken(f"a tensor has {axes} dimensions")
        sizes = [self.long() for _ in range(axes)]
        strides = [self.long() for _ in range(axes)]
        offset, row = self.long() - 1, self.value(depth + 1)
        if axes == 0 or row is None:
            return None
        count = math.prod(sizes)
        dense = [math.prod(sizes[axis + 1 :]) for axis in range(axes)]
        in_order = all(s == d or n == 1 for s, d, n in zip(strides, dense, sizes, strict=True))
        if not isinstance(row, Tensor) or row.dim() != 1 or min(sizes) < 1 or offset < 0:
            raise self.broken(f"a tensor of {sizes} has no numbers")
        if not in_order or offset + count > len(row):
            raise self.broken(f"a tensor of {sizes} does not lie whole in its {len(row):,} numbers")
        return row[offset : offset + count].view(sizes)

    def integer(self) -> int:
        return int(struct.unpack("<i", self.taken(4))[0])

    def long(self) -> int:
        return int(struct.unpack("<q", self.taken(8))[0])

    def text(self) -> str:
        return bytes(self.taken(self.integer())).decode("utf-8", "replace")

    def taken(self, count: int) -> memoryview:
        if not 0 <= count <= len(self.content) - self.at:
            raise self.broken(f"{count:,} bytes are announced, the file ends before")
        self.at += count
        return self.content[self.at - count : self.at]

    def broken(self, how: str) -> UserError:
        return UserError(
            f"{self.path} is not a whole file of torch7's ({how}): it is cut off or of another"
            " format; copy it again."
        )

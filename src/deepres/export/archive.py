"""Our `.pt2` files read back, by a reader that can do nothing but what it is listed to do.

torch.export.load unpickles what an archive holds and has sympy evaluate its expressions, so that
a file can run any code (tests/attacks shows both). Here JSON and plain numbers are read, and the
graph is run by the dozen operators that our networks are made of.
"""

import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec import Struct
from torch import Tensor

from ..convert.pickles import shown
from ..errors import UserError

JSON_AT_MOST = 64 * 2**20  # bytes; ResNet-152 takes one
MODEL = "models/model.json"
WEIGHTS, CONSTANTS = "data/weights/", "data/constants/"
TYPES = {1: torch.uint8, 5: torch.int64, 7: torch.float32}  # torch's numbers in archives
OPERATORS: dict[str, Callable[..., Any]] = {
    f"torch.ops.aten.{name}.{overload}": getattr(getattr(torch.ops.aten, name), overload)
    for name, overload in (
        ("add", "Tensor"),
        ("conv2d", "default"),
        ("flip", "default"),
        ("linear", "default"),
        ("max_pool2d", "default"),
        ("mean", "dim"),
        ("mul", "Tensor"),
        ("pad", "default"),
        ("permute", "default"),
        ("relu", "default"),
        ("slice", "Tensor"),
        ("to", "dtype"),
    )
}
ASSERTION = "torch.ops.aten._assert_tensor_metadata.default"  # computes nothing
PLAIN = ("as_int", "as_ints", "as_float", "as_floats", "as_bool")


class Input(Struct):
    """An argument of a node: its name and, under one key, its value."""

    name: str
    arg: dict[str, Any]


class Node(Struct):
    """An operator applied."""

    target: str
    inputs: list[Input]
    outputs: list[dict[str, Any]]


class Graph(Struct):
    """Values by name, in the order in which they are made."""

    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    nodes: list[Node]


class Signature(Struct):
    """What each input of the graph is, in their order."""

    input_specs: list[dict[str, dict[str, Any]]]


class Module(Struct):
    """A graph and its signature."""

    graph: Graph
    signature: Signature


class Model(Struct):
    """models/model.json, as much of it as is read."""

    graph_module: Module


class Meta(Struct):
    """How a tensor's bytes are to be understood."""

    dtype: int
    sizes: list[dict[str, int]]
    strides: list[dict[str, int]]


class Payload(Struct):
    """One tensor of the archive."""

    path_name: str
    use_pickle: bool
    tensor_meta: Meta | None = None


class Config(Struct):
    """Tensors by name."""

    config: dict[str, Payload]


class Archive:
    """The members of one file: stored, not packed, and none of them a pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
            raise UserError(f"{path} is no whole .pt2 file: {error}.") from None
        self.members: dict[str, zipfile.ZipInfo] = {}
        for entry in self.file.infolist():
            name = entry.filename.partition("/")[2]
            if name in self.members or entry.compress_type != zipfile.ZIP_STORED:
                raise UserError(f"{path}: {shown(name)} is there twice, or packed.")
            self.members[name] = entry
        if sum(entry.file_size for entry in self.members.values()) > path.stat().st_size:
            raise UserError(f"{path}: its members overlap.")
        for name, entry in self.members.items():
            if entry.file_size and not _known(name):
                raise UserError(
                    f"{path} holds {shown(name)}, which torch would unpickle and so may run code:"
                    " it is not opened. Files of `deepres export` have no such member."
                )

    def bytes(self, name: str, at_most: int = JSON_AT_MOST) -> bytes:
        """One member."""
        if name not in self.members:
            raise UserError(f"{self.path} lacks {shown(name)}: `deepres export` writes it.")
        if self.members[name].file_size > at_most:
            raise UserError(f"{self.path}: {shown(name)} is far too long.")
        try:
            return self.file.read(self.members[name])
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError) as error:
            raise UserError(f"{self.path}: {shown(name)} is damaged ({error}).") from None

    def tensors(self, folder: str, config: str) -> dict[str, Tensor]:
        """The tensors of one folder, each as long as its shape says."""
        described = _json(self.path, self.bytes(folder + config), Config).config
        return {name: self._tensor(folder, name, one) for name, one in described.items()}

    def _tensor(self, folder: str, name: str, payload: Payload) -> Tensor:
        meta = payload.tensor_meta
        if payload.use_pickle or meta is None or meta.dtype not in TYPES:
            raise UserError(
                f"{self.path}: {shown(name)} is pickled or of an unknown type: it is not opened."
            )
        shape = [size.get("as_int", -1) for size in meta.sizes]
        strides = [stride.get("as_int", -1) for stride in meta.strides]
        content = self.bytes(folder + payload.path_name, self.path.stat().st_size)
        kind = TYPES[meta.dtype]
        if (
            min(shape, default=0) < 0
            or math.prod(shape) * kind.itemsize != len(content)
            or strides != _contiguous(shape)
        ):
            raise UserError(
                f"{self.path}: {shown(name)} of shape {shape} does not fit its {len(content):,}"
                " bytes."
            )
        return torch.frombuffer(bytearray(content), dtype=kind).view(shape)


def _known(name: str) -> bool:
    """Members that are text or plain numbers; weights are pickled under names of their own."""
    if name in ("archive_format", "archive_version", "byteorder", MODEL):
        return True
    if name.startswith((WEIGHTS, CONSTANTS)):
        last = name.rpartition("/")[2]
        return last.endswith("_config.json") or last.startswith(("weight_", "tensor_"))
    return name.startswith((".data/", "extra/"))


def _contiguous(shape: list[int]) -> list[int]:
    return [math.prod(shape[n + 1 :]) for n in range(len(shape))]


def _json(path: Path, content: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserError(f"{path} is not laid out as torch.export does: {error}.") from None


def program(archive: Archive) -> Callable[[Tensor], Tensor]:
    """The graph as a function of its one input."""
    module = _json(archive.path, archive.bytes(MODEL), Model).graph_module
    held = archive.tensors(WEIGHTS, "model_weights_config.json")
    held |= archive.tensors(CONSTANTS, "model_constants_config.json")
    module.graph.nodes = [node for node in module.graph.nodes if node.target != ASSERTION]
    for node in module.graph.nodes:
        if node.target not in OPERATORS:
            raise UserError(
                f"{archive.path} calls {shown(node.target)}, which no network of ours does: it is"
                " not run."
            )
    try:
        values, entry = _bound(module, held)
        leaving = module.graph.outputs[0]["as_tensor"]["name"]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise _garbled(archive.path, error) from None

    @torch.inference_mode()
    def run(x: Tensor) -> Tensor:
        known = {**values, entry: x}
        try:
            for node in module.graph.nodes:
                arguments = {one.name: _value(one.arg, known) for one in node.inputs}
                known[node.outputs[0]["as_tensor"]["name"]] = OPERATORS[node.target](**arguments)
            return known[leaving]
        except (KeyError, TypeError, IndexError, ValueError, RuntimeError) as error:
            raise _garbled(archive.path, error) from None

    return run


def _garbled(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: its graph cannot be followed ({shown(str(error), 120)}).")


def _bound(module: Module, held: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Tensors under the names that the graph gives them, and the name of its input."""
    values, entries = dict[str, Tensor](), list[str]()
    for spec in module.signature.input_specs:
        ((kind, what),) = spec.items()
        if kind == "user_input":
            entries.append(what["arg"]["as_tensor"]["name"])
        else:
            values[what["arg"]["name"]] = held[what[f"{kind}_name"]]
    (entry,) = entries
    return values, entry


def _value(arg: dict[str, Any], known: Mapping[str, Tensor]) -> Any:
    ((kind, value),) = arg.items()
    if kind == "as_tensor":
        return known[value["name"]]
    if kind == "as_scalar_type":
        return TYPES[value]
    if kind == "as_none":
        return None
    if kind in PLAIN:
        return value
    raise ValueError(f"an argument {kind}")

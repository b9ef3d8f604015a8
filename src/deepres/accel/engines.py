"""A trained network made ready to run fast: the same answers to rounding, one way or another.

Each backend folds batch normalisation and takes what the network's `forward` takes. Precision is
what was asked for; how it is computed is the engine's own affair.
"""

import functools
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..card import Card
from ..cores import counted
from ..models.predict import predict
from ..models.resnet import ResNet
from ..runs.states import sha256
from .choose import has_compiler
from .fuse import fused
from .graph import graph
from .session import installed, running, session

Run = Callable[[Tensor], Tensor]
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
LABELS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclass(frozen=True)
class Way:
    """How a network is to run."""

    kind: str = "eager"
    precision: str = "fp32"
    threads: int = 1
    batch: int = 64  # what it is made for; it takes any

    def __str__(self) -> str:
        return f"{LABELS.get(self.kind, self.kind)} {self.precision}, {counted(self.threads)}"


@dataclass(frozen=True)
class Kind:
    """One backend."""

    precisions: tuple[str, ...]
    needs: str  # what has to be here
    available: Callable[[], bool]
    run: Callable[[Any, Way], Run]  # of a network, or of a file
    slow_to_build: bool = False


@dataclass(frozen=True)
class File:
    """What `deepres export` wrote, where it lies; of ONNX, backends may choose to run it."""

    path: Path
    precision: str
    run: Callable[[Way], Run]  # takes what an engine's `forward` takes
    kinds: Mapping[str, Kind]  # of what can run it

    def digest(self) -> str:
        """Of its content."""
        return sha256(self.path.read_bytes())


class Engine(nn.Module):
    """A network that only answers: `forward` as the network's own, its card, `predict`."""

    predict = predict

    def __init__(
        self,
        run: Run,
        card: Card | None,
        mean_image: Tensor | None,
        about: str = "",
        file: File | None = None,
    ) -> None:
        super().__init__()
        self.run, self.card, self.mean_image, self.about = run, card, mean_image, about
        self.file = file
        self.training = False

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


def kinds_of(network: ResNet | Engine) -> Mapping[str, Kind]:
    """The backends that could run a network, or an exported file; not all need be here."""
    if isinstance(network, ResNet):
        return KINDS
    return network.file.kinds if network.file else {}


def built(network: ResNet | Engine, way: Way) -> Engine:
    """The network, or the file, made ready to run in one way; itself it stays as it is."""
    file = network.file if isinstance(network, Engine) else None
    run = kinds_of(network)[way.kind].run(file or network, way)
    return Engine(run, network.card, network.mean_image, str(way), file)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """So many of torch's threads for as long as this is entered."""
    before = torch.get_num_threads()
    if before != number:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if before != number:
            torch.set_num_threads(before)


def _eager(network: ResNet, way: Way) -> Run:
    kind = TYPES[way.precision]
    made = fused(network).to(kind)

    @torch.inference_mode()
    def run(x: Tensor) -> Tensor:
        with _threads(way.threads):
            return made(x.to(kind, memory_format=torch.channels_last)).float()

    return run


def _compiled(network: ResNet, way: Way) -> Run:
    """One program for one size of batch: a shorter one is filled up, a longer one cut."""
    kind = TYPES[way.precision]
    made = fused(network).to(kind).requires_grad_(False)
    torch.compiler.reset()
    program = torch.compile(made, dynamic=False, options={"freezing": True})

    @torch.no_grad()
    def run(x: Tensor) -> Tensor:
        x = x.to(kind, memory_format=torch.channels_last)
        with _threads(way.threads):
            parts = [_filled(program, part, way.batch) for part in torch.split(x, way.batch)]
            return torch.cat(parts).float()

    return run


def _filled(program: Any, x: Tensor, batch: int) -> Tensor:
    missing = batch - len(x)
    whole = F.pad(x, (0, 0, 0, 0, 0, 0, 0, missing)) if missing else x
    return program(whole.contiguous(memory_format=torch.channels_last))[: len(x)]


def by_onnxruntime(graph: bytes | Path, way: Way) -> Run:
    """An ONNX graph run by ONNX Runtime."""
    return running(session(graph, way.threads))


def by_openvino(graph: bytes | Path, way: Way) -> Run:
    """An ONNX graph run by OpenVINO; what is quantised in it stays so."""
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if way.precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": way.threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # somebody may write over the file meanwhile
    model = core.compile_model(core.read_model(graph), "CPU", settings)

    def run(x: Tensor) -> Tensor:
        (output,) = model([x.detach().contiguous().numpy()]).values()
        return torch.tensor(output)  # a copy: the next run writes over its own output

    return run


def _here(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) for module in modules)


def _of_file(file: File, way: Way) -> Run:
    return file.run(way)


GRAPHS = {"onnxruntime": by_onnxruntime, "openvino": by_openvino}
KINDS = {
    "onnxruntime": Kind(
        ("fp32",),
        "onnxruntime and onnx installed",
        installed,
        lambda network, way: by_onnxruntime(graph(network), way),
    ),
    "openvino": Kind(
        ("fp32", "bf16"),
        "openvino and onnx installed",
        lambda: _here("openvino", "onnx"),
        lambda network, way: by_openvino(graph(network), way),
    ),
    "eager": Kind(("fp32", "bf16"), "nothing", lambda: True, _eager),
    "compiled": Kind(
        ("fp32", "bf16"), "a C++ compiler", has_compiler, _compiled, slow_to_build=True
    ),
}
OF_FILES = {
    name: Kind(("fp32", "int8"), f"{name} installed", functools.partial(_here, name), _of_file)
    for name in GRAPHS
}

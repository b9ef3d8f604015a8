"""A trained network made ready to run fast: the same answers to rounding, one way or another.

Each backend folds batch normalisation and takes what the network's `forward` takes. Precision is
what was asked for; how it is computed is the engine's own affair.
"""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..card import Card
from ..models.predict import predict
from ..models.resnet import ResNet
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
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{LABELS.get(self.kind, self.kind)} {self.precision}, {threads}"


@dataclass(frozen=True)
class Kind:
    """One backend."""

    precisions: tuple[str, ...]
    available: Callable[[], bool]
    run: Callable[[ResNet, Way], Run]
    slow_to_build: bool = False


class Engine(nn.Module):
    """A network that only answers: `forward` as the network's own, its card, `predict`."""

    predict = predict

    def __init__(
        self, run: Run, card: Card | None, mean_image: Tensor | None, about: str = ""
    ) -> None:
        super().__init__()
        self.run, self.card, self.mean_image, self.about = run, card, mean_image, about
        self.training = False

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


def built(network: ResNet, way: Way) -> Engine:
    """The network made ready to run in one way; itself it stays as it is."""
    run = KINDS[way.kind].run(network, way)
    return Engine(run, network.card, network.mean_image, str(way))


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


def _onnxruntime(network: ResNet, way: Way) -> Run:
    return running(session(graph(network), way.threads))


def _openvino(network: ResNet, way: Way) -> Run:
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[way.precision],
        "INFERENCE_NUM_THREADS": way.threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()
    model = core.compile_model(core.read_model(graph(network)), "CPU", settings)

    def run(x: Tensor) -> Tensor:
        (output,) = model([x.detach().contiguous().numpy()]).values()
        return torch.tensor(output)  # a copy: the next run writes over its own output

    return run


def _here(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) for module in modules)


KINDS = {
    "onnxruntime": Kind(("fp32",), installed, _onnxruntime),
    "openvino": Kind(("fp32", "bf16"), lambda: _here("openvino", "onnx"), _openvino),
    "eager": Kind(("fp32", "bf16"), lambda: True, _eager),
    "compiled": Kind(("fp32", "bf16"), has_compiler, _compiled, slow_to_build=True),
}

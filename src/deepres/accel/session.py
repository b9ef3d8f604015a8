"""An ONNX graph run by ONNX Runtime, as a function from tensors to logits."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import UserError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def installed() -> bool:
    """Whether graphs can be written (onnx) and run (onnxruntime)."""
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))


def session(graph: bytes | Path, threads: int) -> "InferenceSession":
    """A session on the processor; nothing but errors is logged."""
    try:
        import onnxruntime
    except ImportError:
        raise UserError(
            f"{graph if isinstance(graph, Path) else 'This'} is run by ONNX Runtime, which is not"
            " installed: `pip install deepres[export]`."
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # A thread that spins while it waits takes the processor from those that decode pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    given = str(graph) if isinstance(graph, Path) else graph
    return onnxruntime.InferenceSession(
        given,
        options,
        providers=["CPUExecutionProvider"],
        enable_fallback=False,  # which prints, and tries the same again
    )


def running(made: "InferenceSession") -> Callable[[Tensor], Tensor]:
    """The session's only input to its only output, both as tensors."""
    (entry,), (leaving,) = made.get_inputs(), made.get_outputs()

    def run(x: Tensor) -> Tensor:
        (output,) = made.run([leaving.name], {entry.name: x.detach().contiguous().numpy()})
        return torch.from_numpy(output)

    return run

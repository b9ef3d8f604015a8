"""ONNX in one file, by torch's exporter: any batch, the card within, nothing of this machine."""

import warnings
from typing import TYPE_CHECKING, Any

import torch

from ..card import encode
from ..errors import UserError
from ..models.predict import carded
from ..models.resnet import ResNet
from .takes import TAKES, Takes, traceable

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20
INPUT, OUTPUT = "pictures", "logits"
CARD, ENTRY = "deepres", "input"  # keys of the metadata
# Where the exporter writes what it traced, with the paths of files.
CARRIERS = ("node", "input", "output", "initializer", "value_info")


def exported(network: ResNet, takes: Takes, opset: int = OPSET) -> bytes:
    """The whole file's content."""
    return finished(traced(network, takes, opset), network, takes)


def traced(network: ResNet, takes: Takes, opset: int) -> "ModelProto":
    """The network as an ONNX model with a batch of any size."""
    try:
        import onnxscript  # noqa: F401 - what the exporter needs and does not name well
    except ImportError:
        raise UserError(
            "ONNX files take onnx, onnxscript and onnxruntime: `pip install deepres[export]`."
        ) from None
    module, example = traceable(network, takes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, to torch's own developers
        program: Any = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            dynamic_shapes=({0: "batch"},),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=opset,
            verbose=False,
        )
    model: ModelProto = program.model_proto
    return model


def finished(model: "ModelProto", network: ResNet, takes: Takes, precision: str = "fp32") -> bytes:
    """The file's content: what was traced is forgotten, the card is written in."""
    from onnx import helper

    card = carded(network)
    for holder in (
        model,
        model.graph,
        *(one for of in CARRIERS for one in getattr(model.graph, of)),
    ):
        del holder.metadata_props[:]
        holder.doc_string = ""
    entry = TAKES[takes].format(card.preprocessing.size)
    helper.set_model_props(
        model, {CARD: encode(card), "takes": takes, ENTRY: entry, "precision": precision}
    )
    content: bytes = model.SerializeToString()
    return content

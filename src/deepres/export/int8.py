"""Eight bits for ONNX Runtime: quantised once from training images, a scale for each channel.

Activations are U8, weights S8, which ONNX Runtime runs fastest. Weights use seven of their bits:
processors without VNNI add pairs of products in 16 bits, which eight would overflow, and silently.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data.pictured import Pictured, views
from ..errors import UserError
from ..models.predict import carded
from ..models.resnet import ResNet
from .graph import INPUT, OPSET, finished, traced
from .takes import Takes, given

IMAGES, BATCH = 512, 32  # that ranges are taken from


def exported(network: ResNet, takes: Takes, training: Pictured) -> bytes:
    """The whole file's content; ranges are the least and most of the first training images."""
    try:
        import onnx
        from onnxruntime import quantization
    except ImportError:
        raise UserError(
            "--int8 takes onnx and onnxruntime: `pip install deepres[export]`."
        ) from None
    model = traced(network, takes, OPSET)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, quantised = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        plain.write_bytes(model.SerializeToString())
        logging.disable(logging.WARNING)  # advice on preparing graphs, which this one was
        try:
            quantization.quantize_static(
                str(plain),
                str(quantised),
                _Reader(_batches(network, takes, training)),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod.MinMax,
            )
        finally:
            logging.disable(logging.NOTSET)
        return finished(onnx.load(str(quantised)), network, takes, "int8")


class _Reader:
    """Batches as ONNX Runtime asks for them."""

    def __init__(self, batches: Iterator[Tensor]) -> None:
        self.batches = batches

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch.numpy()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while (batch := self.get_next()) is not None:
            yield batch


def _batches(network: ResNet, takes: Takes, training: Pictured) -> Iterator[Tensor]:
    """The first training images: a fair sample, since the canonical order scatters."""
    count = min(IMAGES, len(training))
    for at in range(0, count, BATCH):
        pixels = views(training, slice(at, min(at + BATCH, count)), carded(network).preprocessing)
        with torch.inference_mode():
            yield given(pixels, network, takes).clone()

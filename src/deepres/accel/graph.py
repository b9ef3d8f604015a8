"""Our networks as ONNX graphs, written node by node: nothing is traced, so it takes no time.

For engines that read ONNX. `export` writes its files by torch's own exporter; a test compares.
"""

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..models.resnet import Bottleneck, ResNet, Zeros
from .fuse import fused

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

OPSET = 20
INPUT, OUTPUT = "pictures", "logits"


def graph(network: ResNet) -> bytes:
    """The network with batch normalisation folded, any batch and picture size, fp32."""
    from onnx import TensorProto, helper

    writer = _Writer()
    output = writer.network(fused(network))
    writer.node("Identity", [output], OUTPUT)
    made = helper.make_graph(
        writer.nodes,
        "deepres",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", network.arch.classes])],
        writer.tensors,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    content: bytes = model.SerializeToString()
    return content


class _Writer:
    """Nodes and tensors as they are met; each method gives the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []
        self.numbers = itertools.count()

    def node(self, operator: str, inputs: list[str], name: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = name or f"{operator.lower()}{next(self.numbers)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def tensor(self, values: Tensor) -> str:
        from onnx import numpy_helper

        name = f"tensor{next(self.numbers)}"
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values.numpy()), name))
        return name

    def network(self, network: Any) -> str:
        x = self.relu(self.conv(network.conv1, INPUT))
        if isinstance(network.maxpool, nn.MaxPool2d):
            pool = network.maxpool
            x = self.node(
                "MaxPool",
                [x],
                kernel_shape=[3, 3],
                strides=[2, 2],
                pads=[0 if pool.ceil_mode else 1] * 4,
                ceil_mode=int(pool.ceil_mode),
            )
        for stage in network.stages():
            for block in stage:
                x = self.block(block, x)
        x = self.node("Flatten", [self.node("GlobalAveragePool", [x])])
        weight, bias = (
            self.tensor(network.fc.weight.detach()),
            self.tensor(network.fc.bias.detach()),
        )
        return self.node("Gemm", [x, weight, bias], transB=1)

    def block(self, block: Any, x: str) -> str:
        f = self.conv(block.conv2, self.relu(self.conv(block.conv1, x)))
        if isinstance(block, Bottleneck):
            f = self.conv(block.conv3, self.relu(f))
        if block.downsample is not None:
            inputs: int = block.conv1.in_channels
            f = self.node("Add", [f, self.shortcut(block.downsample, inputs, x)])
        return self.relu(f)

    def shortcut(self, shortcut: nn.Module, inputs: int, x: str) -> str:
        if isinstance(shortcut, Zeros):
            return self.zeros(shortcut, inputs, x)
        if isinstance(shortcut, nn.Sequential):
            return self.conv(shortcut[0], x)
        return x

    def zeros(self, shortcut: Zeros, inputs: int, x: str) -> str:
        """Option A as a 1x1 convolution with ones: exact, and engines keep their own layout."""
        before, after = shortcut.padding[4:]
        outputs = before + inputs + after
        ones = torch.zeros(outputs, inputs, 1, 1)
        ones[range(before, before + inputs), range(inputs), 0, 0] = 1
        return self.node(
            "Conv", [x, self.tensor(ones)], kernel_shape=[1, 1], strides=[shortcut.stride] * 2
        )

    def conv(self, conv: Any, x: str) -> str:
        inputs = [x, self.tensor(conv.weight.detach()), self.tensor(conv.bias.detach())]
        return self.node(
            "Conv",
            inputs,
            kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride),
            pads=list(conv.padding) * 2,
        )

    def relu(self, x: str) -> str:
        return self.node("Relu", [x])

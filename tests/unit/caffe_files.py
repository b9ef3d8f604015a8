"""Caffe's files made by hand: a writer of protocol buffers and the networks in Caffe's own order.

Shares nothing with the reader: written from caffe.proto and from what Caffe's layers compute.
"""

import struct

import numpy as np
import torch
from torch.nn import functional as F


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value % 128 + 128])
        value //= 128
    return out + bytes([value])


def number(field, value):
    return varint(field * 8) + varint(value)


def chunk(field, content):
    return varint(field * 8 + 2) + varint(len(content)) + content


def packed(field, values):
    return chunk(field, np.asarray(values, "<f4").tobytes())


def unpacked(field, values):
    values = np.ravel(np.asarray(values, "<f4"))
    rows = np.empty((len(values), len(varint(field * 8 + 5)) + 4), np.uint8)
    rows[:, :-4] = list(varint(field * 8 + 5))
    rows[:, -4:] = values.view(np.uint8).reshape(-1, 4)
    return rows.tobytes()


def doubles(field, values):
    return chunk(field, np.asarray(values, "<f8").tobytes())


def blob(values, *, floats=packed, field=5, legacy=False):
    """A BlobProto; `legacy` spells its shape as num, channels, height, width."""
    values = np.asarray(values)
    if legacy:
        shape = (1, 1, 1, 1, *values.shape)[-4:]
        head = b"".join(number(axis, n) for axis, n in enumerate(shape, 1))
        return head + floats(field, values)
    return floats(field, values) + chunk(7, chunk(1, b"".join(map(varint, values.shape))))


def layer(name, kind, blobs, stride=None, eps=None, **how):
    """A LayerParameter (field 100 of the network)."""
    content = chunk(1, name.encode()) + chunk(2, kind.encode())
    content += b"".join(chunk(7, blob(values, **how)) for values in blobs)
    if stride is not None:
        content += chunk(106, number(1, 64) + number(2, 0) + number(6, stride))
    if eps is not None:
        content += chunk(139, number(1, 1) + varint(3 * 8 + 5) + struct.pack("<f", eps))
    return chunk(100, content)


def old_layer(name, kind, blobs, **how):
    """A V1LayerParameter (field 2): blobs before types have names."""
    content = chunk(4, name.encode()) + number(5, kind)
    return chunk(2, content + b"".join(chunk(6, blob(values, **how)) for values in blobs))


def names(depths, numbered):
    """(stage, block's name) of each block; stages 3 and 4 say b1, b2, ... where `numbered`."""
    for stage, depth in enumerate(depths, 2):
        for block in range(depth):
            if numbered and stage in (3, 4) and block:
                yield stage, f"b{block}"
            else:
                yield stage, "abcdefghijklmnopqrstuvwxyz"[block]


class Net:
    """Random layers in Caffe's order: what is written, and what it computes."""

    def __init__(
        self, depths, seed=0, *, numbered=False, conv1_bias=False, eps=1e-5, stride_at="2a"
    ):
        self.rng = np.random.default_rng(seed)
        self.eps, self.factor, self.stride_at = eps, 999.982, stride_at
        self.layers = {}  # name -> (kind, blobs, stride)
        self.units = list(names(depths, numbered))
        self.conv("conv1", 3, 64, 7, 2, bias=conv1_bias)
        inputs = 64
        for stage, block in self.units:
            width, stride = 2 ** (stage + 4), 2 if stage > 2 and block == "a" else 1
            here = f"{stage}{block}_branch"
            if block == "a":
                self.conv(f"res{here}1", inputs, 4 * width, 1, stride)
            first = stride if stride_at == "2a" else 1
            self.conv(f"res{here}2a", inputs, width, 1, first)
            self.conv(f"res{here}2b", width, width, 3, stride // first)
            self.conv(f"res{here}2c", width, 4 * width, 1, 1)
            inputs = 4 * width
        self.layers["fc1000"] = (
            "InnerProduct",
            [self.normal(7, inputs) * inputs**-0.5, self.normal(7)],
            None,
        )

    def normal(self, *shape):
        return self.rng.standard_normal(shape, dtype=np.float32)

    def conv(self, name, inputs, outputs, edge, stride, bias=False):
        weight = self.normal(outputs, inputs, edge, edge) * (inputs * edge**2) ** -0.5
        blobs = [weight] + [self.normal(outputs)] * bias
        self.layers[name] = ("Convolution", blobs, stride)
        norm = "_conv1" if name == "conv1" else name[3:]
        mean = self.normal(outputs) * np.float32(0.3 * self.factor)
        variance = (0.5 + self.rng.random(outputs, dtype=np.float32)) * np.float32(self.factor)
        blobs = [mean, variance, np.float32([self.factor])]
        self.layers[f"bn{norm}"] = ("BatchNorm", blobs, None)
        gamma = 0.5 + self.rng.random(outputs, dtype=np.float32)
        self.layers[f"scale{norm}"] = ("Scale", [gamma, self.normal(outputs) * 0.2], None)

    def file(self, **how):
        told = {"BatchNorm": {"eps": self.eps}}
        content = chunk(1, b"ResNet") + chunk(3, b"data")
        content += layer("input", "Input", [])
        for name, (kind, blobs, stride) in self.layers.items():
            content += layer(name, kind, blobs, stride, **told.get(kind, {}), **how)
        return content + layer("prob", "Softmax", [])

    def old_file(self, **how):
        kinds = {"Convolution": 4, "InnerProduct": 14, "BatchNorm": 39, "Scale": 40}
        rows = (old_layer(n, kinds[k], blobs, **how) for n, (k, blobs, _) in self.layers.items())
        return chunk(1, b"ResNet") + b"".join(rows)

    def unit(self, x, name):
        """Convolution, BatchNorm, Scale as Caffe computes them, one after the other."""
        _, blobs, stride = self.layers[name]
        norm = "_conv1" if name == "conv1" else name[3:]
        weight, *bias = (torch.tensor(b, dtype=x.dtype) for b in blobs)
        x = F.conv2d(x, weight, *bias, stride=stride, padding=weight.shape[-1] // 2)
        mean, variance, factor = (
            torch.tensor(b, dtype=x.dtype) for b in self.layers[f"bn{norm}"][1]
        )
        if factor != 0:
            mean, variance = mean / factor, variance / factor
        x = (x - mean.view(-1, 1, 1)) / torch.sqrt(variance.view(-1, 1, 1) + self.eps)
        gamma, beta = (torch.tensor(b, dtype=x.dtype) for b in self.layers[f"scale{norm}"][1])
        return x * gamma.view(-1, 1, 1) + beta.view(-1, 1, 1)

    def forward(self, x):
        x = F.relu(self.unit(x, "conv1"))
        # Caffe: no padding, sizes rounded up, so the last window may hang over the edge
        over = (x.shape[-1] - 3) % 2
        x = F.max_pool2d(F.pad(x, (0, over, 0, over), value=float("-inf")), 3, 2)
        for stage, block in self.units:
            here = f"res{stage}{block}_branch"
            f = F.relu(self.unit(x, f"{here}2a"))
            f = F.relu(self.unit(f, f"{here}2b"))
            f = self.unit(f, f"{here}2c")
            x = F.relu(f + (self.unit(x, f"{here}1") if block == "a" else x))
        weight, bias = (torch.tensor(b, dtype=x.dtype) for b in self.layers["fc1000"][1])
        return x.mean((2, 3)) @ weight.T + bias

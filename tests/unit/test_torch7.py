"""fb.resnet.torch's files, made by hand: a writer of Lua's objects, and its modules run."""

import re
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import deepres
from deepres.convert.t7 import Reader
from deepres.data.cifar.names import CIFAR10
from deepres.errors import UserError


class Lua:
    """A module: its class and its fields."""

    def __init__(self, kind, *modules, **fields):
        self.kind, self.fields = kind, fields
        if modules:
            self.fields["modules"] = dict(enumerate(modules, 1))

    def __iter__(self):
        return iter(self.fields["modules"].values())


class Writer:
    """torch.save of Lua in binary: a kind, an index for what can be met again, the content."""

    def __init__(self, tensor="torch.FloatTensor", version=True):
        self.tensor, self.version, self.seen, self.out = tensor, version, {}, []

    def file(self, value):
        self.value(value)
        return b"".join(self.out)

    def int(self, *values):
        self.out.append(struct.pack(f"<{len(values)}i", *values))

    def text(self, words):
        self.int(len(words))
        self.out.append(words.encode())

    def value(self, value):
        if value is None:
            self.int(0)
        elif isinstance(value, bool):
            self.int(5, value)
        elif isinstance(value, int | float):
            self.int(1)
            self.out.append(struct.pack("<d", value))
        elif isinstance(value, str):
            self.int(2)
            self.text(value)
        else:
            self.int(3 if isinstance(value, dict) else 4)
            new = id(value) not in self.seen
            index, _ = self.seen.setdefault(id(value), (len(self.seen) + 1, value))
            self.int(index)
            if new:
                self.content(value)

    def content(self, value):
        if isinstance(value, dict):
            self.int(len(value))
            for key, item in value.items():
                self.value(key)
                self.value(item)
            return
        if self.version:
            self.text("V 1")
        if isinstance(value, Lua):
            self.text(value.kind)
            self.value(value.fields)
        elif isinstance(value, Storage):
            self.text(self.tensor.replace("Tensor", "Storage"))
            self.out.append(struct.pack("<q", len(value.numbers)) + value.numbers.tobytes())
        else:
            self.text(self.tensor)
            dense = [int(np.prod(value.shape[axis + 1 :])) for axis in range(value.ndim)]
            self.int(value.ndim)
            self.out.append(struct.pack(f"<{2 * value.ndim + 1}q", *value.shape, *dense, 3))
            kind = "<f8" if "Double" in self.tensor else "<f4"
            self.value(Storage(np.concatenate([[9, 9], value.ravel(), [9]]).astype(kind)))


class Storage:
    def __init__(self, numbers):
        self.numbers = numbers


class Net:
    """The modules that models/resnet.lua puts together, with random weights."""

    def __init__(
        self, option, *, bottleneck=False, small=False, first=False, bias=False, old=False
    ):
        self.rng, self.option, self.old, self.bias = np.random.default_rng(0), option, old, bias
        self.expansion, self.first = (4 if bottleneck else 1), first
        widths = (16, 32, 64) if small else (64, 128, 256, 512)
        self.inputs = widths[0]
        stem = [self.conv(3, self.inputs, 3 if small else 7, 1 if small else 2)]
        stem += [self.bn(self.inputs), Lua("cudnn.ReLU", inplace=True)]
        if not small:
            stem.append(Lua("nn.SpatialMaxPooling", kW=3, kH=3, dW=2, padW=1, ceil_mode=False))
        stages = [
            Lua("nn.Sequential", *(self.block(w, 2 if s and not i else 1) for i in range(2)))
            for s, w in enumerate(widths)
        ]
        head = Lua("nn.Linear", weight=self.normal(10, self.inputs) * 0.1, bias=self.normal(10))
        tail = [Lua("cudnn.SpatialAveragePooling", kW=7), Lua("nn.View", numElements=64), head]
        self.root = Lua("nn.Sequential", *stem, *stages, *tail)

    def normal(self, *shape):
        return self.rng.standard_normal(shape, dtype=np.float32)

    def conv(self, inputs, outputs, edge, stride, bias=None):
        weight = self.normal(outputs, inputs, edge, edge) * (inputs * edge**2) ** -0.5
        if self.old:
            weight = weight.reshape(outputs, -1)
        fields = {"kW": edge, "kH": edge, "dW": stride, "dH": stride, "padW": edge // 2}
        if self.bias if bias is None else bias:
            fields["bias"] = self.normal(outputs)
        kind = "nn.SpatialConvolutionMM" if self.old else "cudnn.SpatialConvolution"
        return Lua(kind, weight=weight, gradWeight=weight[:1], **fields)

    def bn(self, channels):
        variance = 0.5 + self.rng.random(channels, dtype=np.float32)
        name, value = "running_var", variance
        if self.old:
            name, value = "running_std", (variance + 1e-3) ** -0.5
        return Lua(
            "nn.SpatialBatchNormalization",
            eps=1e-3 if self.old else 1e-5,
            weight=0.5 + self.rng.random(channels, dtype=np.float32),
            bias=self.normal(channels) * 0.2,
            running_mean=self.normal(channels) * 0.3,
            **{name: value},
        )

    def block(self, width, stride):
        inputs, outputs = self.inputs, self.expansion * width
        self.inputs = outputs
        layers = [(inputs, width, 3, stride), (width, width, 3, 1)]
        if self.expansion == 4:
            one, three = (stride, 1) if self.first else (1, stride)
            layers = [(inputs, width, 1, one), (width, width, 3, three), (width, outputs, 1, 1)]
        branch = []
        for layer in layers:
            branch += [self.conv(*layer), self.bn(layer[1]), Lua("cudnn.ReLU")]
        sides = Lua("nn.Sequential", *branch[:-1]), self.shortcut(inputs, outputs, stride)
        parts = Lua("nn.ConcatTable", *sides), Lua("nn.CAddTable"), Lua("cudnn.ReLU")
        return Lua("nn.Sequential", *parts)

    def shortcut(self, inputs, outputs, stride):
        if inputs == outputs:
            return Lua("nn.Identity")
        if self.option == "A":
            halves = Lua("nn.Identity"), Lua("nn.MulConstant", constant_scalar=0)
            picked = Lua("nn.SpatialAveragePooling", kW=1, kH=1, dW=stride, dH=stride)
            return Lua("nn.Sequential", picked, Lua("nn.Concat", *halves, dimension=2))
        if self.option == "bare":
            return self.conv(inputs, outputs, 1, stride, bias=True)
        return Lua("nn.Sequential", self.conv(inputs, outputs, 1, stride), self.bn(outputs))


def run(module, x):
    """What Lua computes, module by module; the sum is a list's."""
    kind, f = module.kind.split(".")[1], module.fields
    tensors = {n: torch.from_numpy(v).double() for n, v in f.items() if isinstance(v, np.ndarray)}
    if kind == "Sequential":
        for part in module:
            x = run(part, x)
        return x
    if kind == "ConcatTable":
        return [run(part, x) for part in module]
    if kind == "Concat":
        return torch.cat([run(part, x) for part in module], dim=1)
    if kind.startswith("SpatialConvolution"):
        weight = tensors["weight"].reshape(len(tensors["weight"]), -1, f["kH"], f["kW"])
        return F.conv2d(x, weight, tensors.get("bias"), f["dW"], f["padW"])
    if kind == "SpatialBatchNormalization":
        scale = tensors.get("running_std")
        if scale is None:
            scale = (tensors["running_var"] + f["eps"]) ** -0.5
        t = {name: value.view(-1, 1, 1) for name, value in tensors.items()}
        return (x - t["running_mean"]) * scale.view(-1, 1, 1) * t["weight"] + t["bias"]
    if kind == "SpatialMaxPooling":
        return F.max_pool2d(x, f["kW"], f["dW"], f["padW"], ceil_mode=f["ceil_mode"])
    simple = {
        "ReLU": lambda: F.relu(x),
        "CAddTable": lambda: x[0] + x[1],
        "Identity": lambda: x,
        "MulConstant": lambda: x * f["constant_scalar"],
        "SpatialAveragePooling": lambda: (
            x[:, :, :: f["dW"], :: f["dW"]] if "dW" in f else x.mean((2, 3))
        ),
        "View": lambda: x,
        "Linear": lambda: x @ tensors["weight"].T + tensors["bias"],
    }
    return simple[kind]()


def saved(path, root, **how):
    path.write_bytes(Writer(**how).file(root))
    return path


@pytest.mark.parametrize(
    ("net", "how", "network"),
    [
        (lambda: Net("A", small=True), {}, "resnet14"),
        (lambda: Net("B", small=True, bias=True), {"tensor": "torch.DoubleTensor"}, "resnet14-b"),
        (lambda: Net("bare", small=True), {"tensor": "torch.CudaTensor"}, "resnet14-b"),
        (lambda: Net("B", small=True, old=True), {"version": False}, "resnet14-b"),
        (lambda: Net("bare"), {}, "resnet18"),
        (lambda: Net("B", bottleneck=True), {}, "resnet26-v1.5-bottleneck-2.2.2.2"),
        (lambda: Net("B", bottleneck=True, first=True), {}, "resnet26-bottleneck-2.2.2.2"),
    ],
    ids=["A", "B", "bare projections", "of 2015", "resnet18", "bottleneck", "authors' stride"],
)
def test_lua_networks_answer_as_theirs(tmp_path, net, how, network):
    net = net()
    ours = deepres.load(saved(tmp_path / "x.t7", net.root, **how))
    assert (ours.card.network, ours.card.source) == (network, "torch7")
    assert ours.card.guessed == ()
    size = ours.arch.input_size // (1 if ours.arch.input_size == 32 else 3)
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1)).double()
    with torch.inference_mode():
        found, expected = ours.double()(x), run(net.root, x)
    assert (expected[0] - expected[1]).abs().max() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    pictures = ours.card.preprocessing
    if ours.arch.input_size == 32:
        assert (pictures.mean, pictures.maximum) == ((125.3, 123.0, 113.9), 255)
        assert ours.card.classes == CIFAR10
    else:
        assert (pictures.resize, pictures.interpolation, pictures.maximum) == (256, "bicubic", 1)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda root: Lua("nn.DataParallelTable", root, gpuAssignments={1: 1}),
        lambda root: {"epoch": 3, "model": root},
    ],
)
def test_wrappers_come_off(tmp_path, wrapped):
    path = saved(tmp_path / "x.t7", wrapped(Net("A", small=True).root))
    assert deepres.load(path).card.network == "resnet14"


def shrinking(net):
    """The block in which maps shrink first."""
    return net.root.fields["modules"][5].fields["modules"][1]


def changed(kind, **fields):
    """Puts other fields into every module of a kind."""

    def change(module):
        for part in module.fields.get("modules", {}).values():
            change(part)
        if module.kind.endswith(kind):
            module.fields.update(fields)

    return lambda net: change(net.root)


OTHERS = [
    (
        lambda n: shrinking(n).fields["modules"].update({3: n.bn(32), 4: Lua("nn.ReLU")}),
        "layer2.0 normalises after the addition",
    ),
    (lambda n: shrinking(n).fields["modules"].update({2: Lua("nn.JoinTable")}), "JoinTable"),
    (lambda n: n.root.fields["modules"].update({3: Lua("nn.PReLU")}), "PReLU"),
    (lambda n: n.root.fields["modules"].update({9: Lua("nn.Dropout")}), "Dropout"),
    (lambda n: n.root.fields["modules"].clear(), "holds none"),
    (lambda n: n.root.fields.pop("modules"), "holds none"),
    (changed("MulConstant", constant_scalar=1), "zeros should come last"),
    (changed("AveragePooling", dW=1), "shortcut strides by 1"),
    (changed("SpatialConvolution", dW=1), "layer2.0 strides by [1, 1]"),
    (changed("SpatialConvolution", padW=0), "conv1 is padded by 0"),
    (changed("SpatialConvolution", padW=None), "lacks its padW"),
    (changed("SpatialConvolution", weight=None), "lacks its weight"),
    (changed("SpatialConvolution", bias=np.ones(5, "f4")), "5 biases"),
    (changed("Normalization", running_var=None), "lacks its running_std"),
    (changed("Normalization", running_var=np.ones((3, 5), "f4")), "bn1.running_var"),
    (changed("Linear", weight=np.full((10, 64), np.nan, "f4")), "NaN"),
]


@pytest.mark.parametrize(("spoil", "says"), OTHERS, ids=[says for _, says in OTHERS])
def test_other_networks_are_refused_by_what_differs(tmp_path, spoil, says):
    net = Net("A", small=True)
    spoil(net)
    path = saved(tmp_path / "x.t7", net.root)
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        deepres.load(path)
    assert str(path) in str(caught.value)


def t7(*parts):
    return b"".join(struct.pack("<i", p) if isinstance(p, int) else p for p in parts)


def named(words):
    return t7(len(words), words.encode())


def longs(*values):
    return struct.pack(f"<{len(values)}q", *values)


TENSOR = t7(4, 1, named("V 1"), named("torch.FloatTensor"))
STORAGE = t7(4, 2, named("V 1"), named("torch.FloatStorage"))
DAMAGED = [
    t7(4, 1, named("V 1"), -1),
    t7(4, 1, named("V 1"), 2**31 - 1),
    t7(3, 1, -1),
    t7(3, 1, 2**31 - 1),
    t7(9),
    t7(6, 0, 5),
    t7(8, 1, 5),
    t7(4, 1, named("V 1"), named("nn.Sequential"), 0),
    TENSOR + t7(-1),
    TENSOR + t7(2**30),
    TENSOR + t7(1) + longs(4, 1, 1) + STORAGE + longs(2**40),
    TENSOR + t7(1) + longs(4, 1, 1) + STORAGE + longs(-1),
    TENSOR + t7(1) + longs(4, 1, 1) + STORAGE + longs(2) + bytes(8),
    TENSOR + t7(1) + longs(2, 1, 0) + STORAGE + longs(2) + bytes(8),
    TENSOR + t7(1) + longs(2**40, 0, 1) + STORAGE + longs(2) + bytes(8),
    TENSOR + t7(2) + longs(-1, -1, 1, 1, 1) + STORAGE + longs(2) + bytes(8),
    TENSOR + t7(2) + longs(2, 2, 1, 2, 1) + STORAGE + longs(4) + bytes(16),
    TENSOR + t7(1) + longs(2, 1, 1) + t7(2, named("text")),
    t7(1, 1),
]


@pytest.mark.parametrize("content", DAMAGED, ids=str)
def test_damage_is_one_sentence(tmp_path, content):
    path = tmp_path / "x.t7"
    path.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(str(path))):
        Reader(path).value()


@pytest.mark.parametrize("levels", [100, 100_000])
def test_tables_in_tables_end_somewhere(tmp_path, levels):
    path = tmp_path / "x.t7"
    inner = (t7(3, n, 1, 1) + struct.pack("<d", 1) for n in range(1, levels))
    path.write_bytes(b"".join(inner) + t7(0))
    with pytest.raises(UserError, match="nests too deeply"):
        Reader(path).value()


def test_objects_end_somewhere(tmp_path):
    path = tmp_path / "x.t7"
    path.write_bytes(t7(3, 1, 10**6) + t7(0) * 400_000)
    with pytest.raises(UserError, match="too many objects"):
        Reader(path).value()


def test_a_table_may_hold_itself(tmp_path):
    path = tmp_path / "x.t7"
    path.write_bytes(t7(3, 1, 1, 2, named("me"), 3, 1))
    table = Reader(path).value()
    assert table["me"] is table
    with pytest.raises(UserError, match="holds no network"):
        deepres.load(path)


@settings(max_examples=150, deadline=2000)
@given(st.data())
def test_a_cut_or_changed_file_never_does_worse_than_a_sentence(tmp_path_factory, data):
    rng = np.random.default_rng(0)
    conv = Lua("nn.SpatialConvolution", weight=rng.random((2, 2)), dW=1, ceil_mode=True)
    content = bytearray(Writer().file(Lua("nn.Sequential", conv, conv, Lua("nn.ReLU"))))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzzed.t7"
    path.write_bytes(content[: data.draw(st.integers(8, len(content)))])
    with pytest.raises(UserError, match=re.escape(str(path))):
        deepres.load(path)

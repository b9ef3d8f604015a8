"""Keras's HDF5 files, old and new: written by hand with h5py, and an independent forward."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import deepres
from deepres.convert import keras
from deepres.errors import UserError

h5py = pytest.importorskip("h5py", reason="h5py is not installed: the extra `keras`")

OLD, NEW = "old", "new"
EPS = {OLD: 1e-3, NEW: 1.001e-5}
DEPTHS = (1, 2, 1, 1)


class Net:
    """Keras's layers, channels last and with biases: what is written and what it computes."""

    def __init__(self, kind, seed=0):
        self.kind, self.rng, self.arrays = kind, np.random.default_rng(seed), {}
        self.unit_weights(*self.names(1, 0, None), 3, 64, 7)
        inputs = 64
        for stage, depth in enumerate(DEPTHS, 2):
            width = 2 ** (stage + 4)
            for block in range(depth):
                if block == 0:
                    self.unit_weights(*self.names(stage, block, 0), inputs, 4 * width, 1)
                self.unit_weights(*self.names(stage, block, 1), inputs, width, 1)
                self.unit_weights(*self.names(stage, block, 2), width, width, 3)
                self.unit_weights(*self.names(stage, block, 3), width, 4 * width, 1)
                inputs = 4 * width
        self.head = "fc1000" if kind == OLD else "predictions"
        self.arrays[self.head] = {
            "kernel": self.normal(inputs, 6) * inputs**-0.5,
            "bias": self.normal(6),
        }

    def names(self, stage, block, part):
        """Convolution and normalisation of one part of a block; 0 is the shortcut."""
        if stage == 1:
            return ("conv1", "bn_conv1") if self.kind == OLD else ("conv1_conv", "conv1_bn")
        if self.kind == OLD:
            branch = f"{stage}{'abcdef'[block]}_branch{('1', '2a', '2b', '2c')[part]}"
            return f"res{branch}", f"bn{branch}"
        here = f"conv{stage}_block{block + 1}_{part}"
        return f"{here}_conv", f"{here}_bn"

    def normal(self, *shape):
        return self.rng.standard_normal(shape, dtype=np.float32)

    def unit_weights(self, conv, norm, inputs, outputs, edge):
        scale = np.float32((inputs * edge**2) ** -0.5)
        self.arrays[conv] = {
            "kernel": self.normal(edge, edge, inputs, outputs) * scale,
            "bias": self.normal(outputs),
        }
        self.arrays[norm] = {
            "gamma": 0.5 + self.rng.random(outputs, dtype=np.float32),
            "beta": self.normal(outputs) * np.float32(0.2),
            "moving_mean": self.normal(outputs) * np.float32(0.3),
            "moving_variance": 0.02 + self.rng.random(outputs, dtype=np.float32),
        }

    def unit(self, x, conv, norm, stride=1):
        weights = {name: torch.from_numpy(a).double() for name, a in self.arrays[conv].items()}
        kernel = weights["kernel"].permute(3, 2, 0, 1)
        x = F.conv2d(x, kernel, weights["bias"], stride, kernel.shape[-1] // 2)
        bn = {
            name: torch.from_numpy(a).double().view(-1, 1, 1)
            for name, a in self.arrays[norm].items()
        }
        root = torch.sqrt(bn["moving_variance"] + EPS[self.kind])
        return bn["gamma"] * (x - bn["moving_mean"]) / root + bn["beta"]

    def forward(self, x):
        x = F.relu(self.unit(x, *self.names(1, 0, None), stride=2))
        x = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2)  # ZeroPadding2D behind a ReLU
        for stage, depth in enumerate(DEPTHS, 2):
            for block in range(depth):
                stride = 2 if stage > 2 and block == 0 else 1
                f = F.relu(self.unit(x, *self.names(stage, block, 1), stride=stride))
                f = F.relu(self.unit(f, *self.names(stage, block, 2)))
                f = self.unit(f, *self.names(stage, block, 3))
                if block == 0:
                    x = self.unit(x, *self.names(stage, block, 0), stride=stride)
                x = F.relu(f + x)
        head = {name: torch.from_numpy(a).double() for name, a in self.arrays[self.head].items()}
        return x.mean((2, 3)) @ head["kernel"] + head["bias"]

    def write(self, path, called=lambda layer, name: f"{layer}/{layer}/{name}:0", whole=False):
        with h5py.File(path, "w") as file:
            root = file.create_group("model_weights") if whole else file
            root.attrs["layer_names"] = [layer.encode() for layer in self.arrays]
            root.create_group("pool1_pad").attrs["weight_names"] = []
            for layer, arrays in self.arrays.items():
                for name, array in arrays.items():
                    root[called(layer, name)] = array
            if whole:
                file["optimizer_weights/conv1/m"] = np.zeros(3, np.float32)
        return path


def in_keras_1(layer, name):
    """Names of 2016, in which a running_std is a variance."""
    before = {
        "kernel": "W",
        "bias": "b",
        "moving_mean": "running_mean",
        "moving_variance": "running_std",
    }
    return f"{layer}/{layer}_{before.get(name, name)}_1:0"


@pytest.mark.parametrize(
    ("kind", "how"),
    [(OLD, {}), (NEW, {}), (NEW, {"whole": True}), (OLD, {"called": in_keras_1})],
    ids=["old", "new", "whole model", "Keras 1"],
)
def test_keras_networks_answer_as_theirs(tmp_path, kind, how):
    net = Net(kind)
    network = deepres.load(net.write(tmp_path / "resnet.h5", **how))
    card = network.card
    assert (card.network, card.source) == ("resnet17-bottleneck-1.2.1.1", "keras")
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)).double() * 60
    with torch.inference_mode():
        ours, theirs = network.double()(x), net.forward(x)
    assert theirs.std() > 0.1
    assert ((ours - theirs).abs().max() / theirs.abs().max()).item() < 1e-5
    how = card.preprocessing
    assert (how.colour, how.maximum, how.mean) == ("BGR", 255, (103.939, 116.779, 123.68))
    assert any("max-pool" in sentence for sentence in card.guessed) == (kind == OLD)


@pytest.fixture(scope="module")
def net():
    return Net(NEW)


@pytest.fixture
def spoilt(net, tmp_path):
    """A file with something done to it, and the sentence that reading it gives."""

    def sentence(spoil):
        path = net.write(tmp_path / "spoilt.h5")
        with h5py.File(path, "a") as file:
            spoil(file)
        with pytest.raises(UserError) as caught:
            deepres.load(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return sentence


def replaced(file, name, **how):
    del file[name]
    file.create_dataset(name, **how)


KERNEL = "conv1_conv/conv1_conv/kernel:0"
SPOILT = [
    (lambda f: f.__delitem__("predictions"), "lacks fc.weight"),
    (lambda f: f.__delitem__("conv1_bn/conv1_bn/moving_variance:0"), "no variance"),
    (lambda f: f.__delitem__("conv3_block2_2_conv/conv3_block2_2_conv/kernel:0"), "conv2.weight"),
    (lambda f: f.create_dataset("lstm/kernel:0", data=np.ones((2, 2), "f4")), "lstm.weight"),
    (lambda f: f.create_dataset("conv2_block1_preact_bn/gamma:0", data=np.ones(3)), "ResNetV2"),
    (
        lambda f: replaced(f, "conv1_conv/conv1_conv/bias:0", data=np.ones(63, "f4")),
        "63 biases stand before a normalisation of 64",
    ),
    (
        lambda f: replaced(
            f, "conv2_block1_2_conv/conv2_block1_2_conv/kernel:0", data=np.ones((3, 3, 64, 9), "f4")
        ),
        "conv2_block1_2_conv.weight is (9, 64, 3, 3)",
    ),
    (lambda f: replaced(f, KERNEL, data=np.full((7, 7, 3, 64), np.nan, "f4")), "NaN"),
    (lambda f: replaced(f, KERNEL, data=np.ones((7, 7, 3, 64), "i4")), "array of numbers"),
    (lambda f: replaced(f, KERNEL, data="text"), "array of numbers"),
    (lambda f: replaced(f, KERNEL, shape=(10**6, 10**6), dtype="f4", chunks=(1, 9)), "whole in"),
    (
        lambda f: replaced(
            f, KERNEL, shape=(10**9,), dtype="f4", chunks=(10**6,), compression="gzip"
        ),
        "whole in this file",
    ),
    (
        lambda f: replaced(f, KERNEL, shape=(4,), dtype="f4", external=[("/etc/hostname", 0, 16)]),
        "whole in this file",
    ),
    (lambda f: f.__setitem__("other", h5py.ExternalLink("other.h5", "/")), "somewhere else"),
    (lambda f: f.__setitem__("soft", h5py.SoftLink("/conv1_conv")), "somewhere else"),
    (lambda f: f.__setitem__("pool1_pad/loop", f["pool1_pad"]), "more than 10,000"),
    (lambda f: f.__setitem__("conv1_conv/again/kernel:0", np.ones(3, "f4")), "there twice"),
]


@pytest.mark.parametrize(("spoil", "says"), SPOILT, ids=[says for _, says in SPOILT])
def test_what_cannot_be_is_one_sentence(spoilt, spoil, says):
    assert says in spoilt(spoil)


def test_a_view_of_another_file_is_refused(spoilt, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as other:
        other["numbers"] = np.ones(4, "f4")

    def spoil(file):
        del file[KERNEL]
        layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
        layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "numbers", shape=(4,))
        file.create_virtual_dataset(KERNEL, layout)

    assert "whole in this file" in spoilt(spoil)


def test_keras_3_keeps_no_names(tmp_path):
    path = tmp_path / "x.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/conv2d/vars/0"] = np.ones(3, "f4")
    with pytest.raises(UserError, match="Keras 3's layout"):
        deepres.load(path)


def test_without_h5py_it_is_asked_for(tmp_path, monkeypatch):
    path = tmp_path / "x.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(UserError, match=re.escape("pip install deepres[keras]")):
        deepres.load(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "small.h5"
    with h5py.File(path, "w") as file:
        for layer in ("conv1_conv", "conv1_bn"):
            for name in ("kernel:0", "gamma:0", "bias:0"):
                file[f"{layer}/{layer}/{name}"] = np.ones(5, "f4")
    return path.read_bytes()


@settings(max_examples=100, deadline=2000)
@given(st.data())
def test_a_cut_or_changed_file_never_does_worse_than_a_sentence(tmp_path_factory, small, data):
    content = bytearray(small)
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzzed.h5"
    path.write_bytes(content[: data.draw(st.integers(8, len(content)))])
    try:
        tensors = keras.read(path).tensors
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert sum(tensor.numel() for tensor in tensors.values()) * 4 <= len(content)

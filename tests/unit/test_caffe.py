"""The authors' caffemodels, made by hand: an independent writer and an independent forward."""

import re

import caffe_files as by_hand
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import deepres
from deepres.convert import caffemodel
from deepres.convert.caffe import NAMES
from deepres.convert.protobuf import Wire
from deepres.errors import UserError

SMALL = (1, 2, 2, 1)  # 4 million parameters, each kind of name


def saved(path, content):
    path.write_bytes(content)
    return path


def difference(network, net, size=64):
    """The largest, relative to the largest output; both in double precision."""
    x = torch.randn(2, 3, size, size, dtype=torch.float64) * 50
    theirs = net.forward(x)
    with torch.inference_mode():
        ours = network.double()(x)
    assert theirs.std() > 0.1
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


@pytest.mark.parametrize(
    ("depths", "name", "how"),
    [
        ((3, 4, 6, 3), "resnet50-ceil", {"conv1_bias": True}),
        pytest.param((3, 4, 23, 3), "resnet101-ceil", {"numbered": True}, marks=pytest.mark.slow),
    ],
)
def test_the_authors_networks(tmp_path, depths, name, how):
    net = by_hand.Net(depths, **how)
    network = deepres.load(saved(tmp_path / "ResNet.caffemodel", net.file()))
    assert network.card.network == name
    assert network.card.source == "msra"
    assert network.arch.classes == 7
    assert difference(network, net) < 1e-5


@pytest.mark.parametrize(
    ("how", "old"),
    [
        ({"legacy": True}, False),
        ({"legacy": True}, True),
        ({"floats": by_hand.unpacked}, False),
        ({"floats": by_hand.doubles, "field": 8}, False),
    ],
    ids=["legacy shape", "V1 layers", "unpacked", "doubles"],
)
def test_every_spelling_of_a_file(tmp_path, how, old):
    net = by_hand.Net((1, 1, 1, 1), conv1_bias=True)
    content = net.old_file(**how) if old else net.file(**how)
    network = deepres.load(saved(tmp_path / "x.caffemodel", content))
    assert network.card.network == "resnet14-bottleneck-1.1.1.1-ceil"
    assert difference(network, net) < 1e-5
    untold = [sentence for sentence in network.card.guessed if "strides" in sentence]
    assert bool(untold) == old


def test_what_the_file_tells_is_followed(tmp_path):
    net = by_hand.Net(SMALL, numbered=True, eps=2e-3, stride_at="2b")
    network = deepres.load(saved(tmp_path / "x.caffemodel", net.file()))
    assert network.arch.stride_at == "3x3"
    assert difference(network, net) < 1e-5


def test_a_factor_of_zero_divides_nothing(tmp_path):
    net = by_hand.Net((1, 1, 1, 1))
    for kind, blobs, _ in net.layers.values():
        if kind == "BatchNorm":
            blobs[0], blobs[1] = blobs[0] / net.factor, blobs[1] / net.factor
            blobs[2] = np.float32([0])
    network = deepres.load(saved(tmp_path / "x.caffemodel", net.file()))
    assert difference(network, net) < 1e-5


@pytest.mark.parametrize(
    ("layers", "blocks"), [((3, 4, 23, 3), 33), ((3, 8, 36, 3), 50)], ids=["101", "152"]
)
def test_blocks_of_the_deeper_networks(layers, blocks):
    table = [(re.compile(pattern), name) for pattern, name in NAMES]
    ours = []
    for stage, block in by_hand.names(layers, numbered=True):
        key = f"res{stage}{block}_branch2c.weight"
        match, name = next((m, n) for p, n in table if (m := p.fullmatch(key)))
        ours.append(name(match))
    expected = [
        f"layer{stage}.{block}.conv3.weight"
        for stage, depth in enumerate(layers, 1)
        for block in range(depth)
    ]
    assert ours == expected
    assert len(ours) == blocks


def test_the_mean_image_beside_the_file(tmp_path):
    content = by_hand.Net((1, 1, 1, 1)).file()
    image = np.random.default_rng(1).uniform(90, 130, (3, 224, 224)).astype(np.float32)
    alone = deepres.load(saved(tmp_path / "x.caffemodel", content))
    assert alone.mean_image is None
    assert alone.card.preprocessing.mean == (103.063, 115.903, 123.152)
    assert any("mean image" in sentence for sentence in alone.card.guessed)

    saved(tmp_path / "ResNet_mean.binaryproto", by_hand.blob(image, legacy=True))
    network = deepres.load(tmp_path / "x.caffemodel")
    how = network.card.preprocessing
    assert (how.colour, how.maximum, how.std, how.mean_image) == ("BGR", 255, (1, 1, 1), True)
    assert torch.equal(network.mean_image, torch.from_numpy(image))
    assert how.mean == pytest.approx(image.mean((1, 2)).tolist(), rel=1e-5)
    assert not any("mean image" in sentence for sentence in network.card.guessed)

    picture = np.random.default_rng(2).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    blue_first = picture[16:240, 16:240, ::-1].transpose(2, 0, 1).astype(np.float32)
    with torch.inference_mode():
        by_caffe = network(torch.from_numpy(blue_first - image)[None]).softmax(1)
    predicted = dict(network.predict(picture, top=7)[0])
    for number, probability in enumerate(by_caffe[0].tolist()):
        assert predicted[str(number)] == pytest.approx(probability, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("ip1", lambda net: net.update(ip1=net.pop("fc1000")), "ip1.0"),
        ("bias", lambda net: net["res2a_branch2a"][1].append(np.zeros(63)), "63 biases"),
        ("variance", lambda net: net["bn_conv1"][1].__delitem__(slice(1, 3)), "no variance"),
        ("missing", lambda net: net.pop("res4a_branch2b"), "layer3.0.conv2.weight"),
        ("lstm", lambda net: net.update(lstm1=("LSTM", [np.ones(3)], None)), "lstm1.0"),
        ("nan", lambda net: net["bn2a_branch1"][1][0].fill(np.nan), "NaN"),
        ("width", lambda net: net["res5a_branch2b"][1].__setitem__(0, np.ones((9, 9))), "(9, 9)"),
    ],
)
def test_other_networks_are_refused_by_what_differs(tmp_path, name, spoil, says):
    net = by_hand.Net((1, 1, 1, 1))
    spoil(net.layers)
    path = saved(tmp_path / f"{name}.caffemodel", net.file())
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        deepres.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        by_hand.layer("a", "b", [np.ones(4)])[:-1],
        by_hand.layer("a", "b", [np.ones(4)])[:9],
        by_hand.chunk(100, by_hand.chunk(7, by_hand.packed(5, [1, 2, 3]) + by_hand.number(1, 4))),
        by_hand.chunk(100, by_hand.chunk(7, by_hand.packed(5, [1.0]) + b"\x3a\x03\x0a\x05\x01")),
        by_hand.chunk(100, by_hand.chunk(7, by_hand.chunk(5, b"12345") + by_hand.number(1, 1))),
        by_hand.chunk(100, by_hand.chunk(7, by_hand.number(1, 2**63) + by_hand.packed(5, [1]))),
        by_hand.chunk(100, by_hand.chunk(7, by_hand.chunk(7, by_hand.number(1, 1) * 33))),
        by_hand.chunk(100, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        by_hand.chunk(100, b"\x0a\xff\xff\xff\xff\xff\xff\xff\x7f"),
        by_hand.chunk(100, by_hand.number(7, 1)),
        by_hand.chunk(100, b"\x0b"),
        by_hand.chunk(100, b"\x0a\x05abcde") * 3 + b"\xff",
        by_hand.chunk(100, by_hand.chunk(1, b"x" * 1001)),
        by_hand.chunk(100, by_hand.chunk(1, b"x")),
        by_hand.layer("a", "b", [np.ones(4)]) * 2,
        by_hand.number(1, 3),
    ],
    ids=str,
)
def test_damage_is_one_sentence(tmp_path, content):
    with pytest.raises(UserError, match=re.escape(str(tmp_path / "x.caffemodel"))):
        caffemodel.read(saved(tmp_path / "x.caffemodel", content))


@settings(max_examples=150, deadline=1000)
@given(st.data())
def test_a_cut_or_changed_file_never_does_worse_than_a_sentence(tmp_path_factory, data):
    content = bytearray(
        by_hand.chunk(1, b"net")
        + by_hand.layer("bn_conv1", "BatchNorm", [np.ones(3), np.ones(3), np.ones(1)], eps=1e-5)
        + by_hand.layer("conv1", "Convolution", [np.ones((2, 3, 1, 1))], 2, floats=by_hand.unpacked)
        + by_hand.old_layer("fc", 14, [np.ones((2, 2))], legacy=True)
    )
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    path = saved(tmp_path_factory.getbasetemp() / "fuzzed.caffemodel", bytes(content[:cut]))
    try:
        tensors = caffemodel.read(path).tensors
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert sum(tensor.numel() for tensor in tensors.values()) <= len(content)


@settings(max_examples=100, deadline=1000)
@given(st.binary(min_size=1, max_size=300))
def test_random_bytes_never_do_worse_than_a_sentence(tmp_path_factory, content):
    path = saved(tmp_path_factory.getbasetemp() / "random.caffemodel", content)
    try:
        assert caffemodel.read(path).tensors
    except UserError as error:
        assert str(path) in str(error)


def test_a_file_of_tiny_fields_is_given_up(tmp_path):
    path = saved(tmp_path / "x.caffemodel", by_hand.number(5, 1) * 200_001)
    with pytest.raises(UserError, match="more than 200,000 fields"):
        caffemodel.read(path)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from([5, 5, 5, 21, 2000]), st.floats(width=32))))
def test_rows_of_unpacked_numbers_keep_their_order(pairs):
    content = b"".join(by_hand.unpacked(field, [value]) for field, value in pairs)
    wire = Wire("x")
    read = [
        (field, value)
        for field, kind, row in wire.fields(memoryview(content))
        for value in wire.numbers(kind, row, 5).tolist()
    ]
    np.testing.assert_equal(read, [(field, value) for field, value in pairs])


def test_a_mean_file_that_is_none_is_named(tmp_path):
    content = by_hand.Net((1, 1, 1, 1)).file()
    path = saved(tmp_path / "x.caffemodel", content)
    for bad in (np.ones((3, 4, 5)), np.ones((1, 224, 224)), np.full((3, 4, 4), np.nan)):
        beside = saved(tmp_path / "ResNet_mean.binaryproto", by_hand.blob(bad, legacy=True))
        with pytest.raises(UserError, match=re.escape(str(beside))):
            deepres.load(path)

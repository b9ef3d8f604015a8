"""safetensors headers that lie; and our own card, which is believed no more than the rest."""

import json
import re
import struct

import pytest
from commands import bounded, sentence_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file

import deepres
from deepres.errors import UserError
from deepres.models.weights import CARD
from deepres.models.zoo import arch

WEIGHTS = deepres.create("resnet8-b", seed=1).state_dict()
WHOLE = save(WEIGHTS)


def written(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(shape=(2,), start=0, stop=8, dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


LIES = {
    "a header longer than the file": (
        {"header": {"a": entry()}, "data": bytes(8), "length": 2**62},
        "its header says that it is 4,611,686,018,427,387,904 bytes long",
    ),
    "a header of nothing": ({"header": b"{", "length": 1}, "its header says that it is 1 bytes"),
    "a shape larger than its bytes": (
        {"header": {"a": entry((2**40,))}, "data": bytes(8)},
        "a of shape (1099511627776,) takes 4,398,046,511,104 bytes, and the header gives it 8",
    ),
    "a shape whose product is small only where numbers wrap": (
        {"header": {"a": entry((2**32, 2**32, 2))}, "data": bytes(8)},
        "takes 147,573,952,589,676,412,928 bytes",
    ),
    "tensors over one another": (
        {"header": {"a": entry(), "b": entry((2,), 4, 12)}, "data": bytes(12)},
        "b overlaps the tensor before it",
    ),
    "one tensor over another": (
        {"header": {"a": entry(), "b": entry()}, "data": bytes(8)},
        "b overlaps the tensor before it",
    ),
    "a hole": (
        {"header": {"a": entry(), "b": entry((2,), 16, 24)}, "data": bytes(24)},
        "b does not follow the tensor before it",
    ),
    "bytes of no tensor": (
        {"header": {"a": entry()}, "data": bytes(80)},
        "its tensors take 8 bytes and 80 are there",
    ),
    "bytes that are missing": (
        {"header": {"a": entry((200,), 0, 800)}, "data": bytes(8)},
        "its tensors take 800 bytes and 8 are there",
    ),
    "a place below zero": (
        {"header": {"a": entry((2,), -8, 0)}, "data": b""},
        "a shape or place below zero",
    ),
    "a shape below zero": (
        {"header": {"a": entry((-2, -1))}, "data": bytes(8)},
        "a shape or place below zero",
    ),
    "a type nobody knows": (
        {"header": {"a": entry(dtype="F4_E2M1")}, "data": bytes(8)},
        "a is of type F4_E2M1",
    ),
    "no JSON": ({"header": b'{"a": }'}, "its header cannot be read"),
    "an array for an object": ({"header": {"a": [1]}, "data": b""}, "its header cannot be read"),
    "JSON that nests for ever": (
        {"header": b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"},
        "its header cannot be read",
    ),
    "metadata that is no text": (
        {"header": {"__metadata__": {"x": 3}, "a": entry()}, "data": bytes(8)},
        "its header cannot be read",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies_is_refused(tmp_path, refused, lie):
    made, told = LIES[lie]
    assert told in refused(written(tmp_path / "model.safetensors", **made))


def test_a_huge_header_is_not_parsed(tmp_path, refused):
    path = tmp_path / "model.safetensors"
    size = 20 * 2**20
    with path.open("wb") as file:
        file.write(struct.pack("<Q", size) + b"{")
        file.truncate(size + 100)
    assert "its header is 20,971,520 bytes long, far too many" in refused(path)


def test_a_lying_header_costs_neither_time_nor_memory(tmp_path):
    made, told = LIES["a shape larger than its bytes"]
    path = written(tmp_path / "model.safetensors", **made)
    done = bounded("convert", path, tmp_path / "out.safetensors")
    assert told in sentence_of(done.returncode, done.stdout, done.stderr)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_anywhere_is_refused(tmp_path, cut):
    path = tmp_path / "model.safetensors"
    path.write_bytes(WHOLE[:cut])
    with pytest.raises(UserError) as refusal:
        deepres.load(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_header_with_broken_bytes_is_read_or_refused_in_one_sentence(tmp_path, data):
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 6000))] = data.draw(st.integers(0, 255))
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    try:
        deepres.load(path)
    except UserError as refusal:
        assert "\n" not in str(refusal)


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ("{}", "its card cannot be read"),
        ("[" * 100_000, "its card cannot be read"),
        ('{"schema":1,"network":"x","arch":null,"preprocessing":{}}', "its card cannot be read"),
    ],
)
def test_a_card_that_cannot_be_one_is_refused(tmp_path, refused, card, told):
    path = tmp_path / "mine.safetensors"
    save_file(WEIGHTS, path, metadata={CARD: card})
    assert told in refused(path)


ARCH = {
    "stem": "3x3",
    "block": "basic",
    "depths": [1, 1, 1],
    "widths": [16, 32, 64],
    "shortcut": "B",
    "classes": 10,
}
HOW = {"size": 32, "resize": 32, "mean": [0, 0, 0], "std": [1, 1, 1]}


@pytest.mark.parametrize(
    ("arch", "how", "told"),
    [
        ({"depths": [10**5, 1, 1]}, {}, "the file has 3 blocks"),
        ({"depths": [10**9, 1, 1]}, {}, "speaks of"),
        ({"depths": [1, 2]}, {}, "the file has 3 blocks"),
        ({"widths": [16, -32, 64]}, {}, "speaks of"),
        ({"widths": [10**5, 10**5, 10**5]}, {}, "this network's is"),
        ({"classes": 0}, {}, "0 classes"),
        ({"classes": 10**15}, {}, "classes"),
        ({"classes": 11}, {}, "this network's is"),
        ({"block": "bottleneck"}, {}, "lacks layer1.0.bn3"),
        ({"stem": "9x9"}, {}, "its card cannot be read"),
        ({}, {"size": 10**9, "resize": 10**9}, "pixels"),
        ({}, {"size": 0}, "cuts 0 out of 32 pixels"),
        ({}, {"std": [1, 0, 1]}, "normalises by"),
        ({}, {"mean_image": True}, "there is none in the file"),
    ],
)
def test_a_card_is_believed_as_far_as_its_file_bears_it_out(tmp_path, refused, arch, how, told):
    card = {"schema": 1, "network": "x", "arch": ARCH | arch, "preprocessing": HOW | how}
    path = tmp_path / "mine.safetensors"
    save_file(WEIGHTS, path, metadata={CARD: json.dumps(card)})
    assert re.search(told, refused(path))


def test_a_card_as_it_should_be_is_believed(tmp_path):
    path = tmp_path / "mine.safetensors"
    card = {"schema": 1, "network": "x", "arch": ARCH, "preprocessing": HOW}
    save_file(WEIGHTS, path, metadata={CARD: json.dumps(card)})
    assert deepres.load(path).arch == arch("resnet8-b")
    save_file({n: t.half() for n, t in WEIGHTS.items()}, path, metadata={CARD: json.dumps(card)})
    with pytest.raises(UserError, match="would not be F16"):
        deepres.load(path)
    with pytest.raises(UserError, match="says that its source is 'deepres', not 'akamaster'"):
        deepres.load(path, profile="akamaster")

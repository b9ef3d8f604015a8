"""Data batches that are pickles with intentions: nothing runs, nothing grows, one error tells."""

import os
import pickle
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepres.data.cifar.facts import CIFAR10, Damaged
from deepres.data.cifar.pickled import Array, values
from deepres.data.cifar.python import decode

SMALL = CIFAR10.with_images(train=20, test=4)


class Runs:
    """What an attacker pickles: to unpickle it is to make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("where", ["value", "key", "alone"])
def test_a_pickle_that_runs_a_command_is_refused(tmp_path, protocol, where):
    proof = tmp_path / "it ran"
    evil = Runs(tmp_path / "it\\ ran")
    batch = {"value": {b"labels": evil}, "key": {"a": [evil]}, "alone": evil}[where]
    raw = pickle.dumps(batch, protocol=protocol)
    with pytest.raises(Damaged):
        values(raw)
    assert not proof.exists()
    with suppress(Exception):  # what it does is real: pickle itself runs it
        pickle.loads(raw)
    assert proof.exists()


# Hand-written operations: each names, calls or builds something without any __reduce__.
PAYLOADS = {
    "GLOBAL": b"\x80\x02cos\nsystem\n.",
    "an allowed module's other name": b"\x80\x02cnumpy\nload\n.",
    "NumPy's own pickle": b"\x80\x02cnumpy.core.multiarray\nscalar\n.",
    "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "STACK_GLOBAL of no names": b"\x80\x04K\x01K\x02\x93.",
    "INST": b"(S'true'\nios\nsystem\n.",
    "OBJ": b"\x80\x02(cos\nsystem\nU\x04trueo.",
    "NEWOBJ": b"\x80\x02cos\nsystem\n)\x81.",
    "extension": b"\x80\x02\x82\x01.",
    "persistent": b"Pos.system\n.",
    "calls a number": b"\x80\x02K\x01)R.",
    "calls an array": b"\x80\x02cnumpy\nndarray\n)R.",
    "state for a list": b"\x80\x02]K\x01b.",
    "state for nothing": b"\x80\x02b.",
    "another codec": b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x03\0\0\0hex\x86R.",
    "a name with an odd escape": b"\x80\x02cnumpy\\y\nndarray\n.",
    "no operations": b"",
    "no end": b"\x80\x02K\x01",
    "nothing on the stack": b"\x80\x02.",
    "empty memo": b"\x80\x02h\x07.",
    "no mark": b"\x80\x02K\x01u.",
    "odd items": b"\x80\x02}(K\x01u.",
    "a tuple as key": b"\x80\x02})K\x01s.",
    "unknown operation": b"\x80\x02\xff.",
    "text": b"<!DOCTYPE html><html>404</html>",
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_an_operation_that_plain_values_do_not_need_is_refused(name):
    with pytest.raises(Damaged):
        values(PAYLOADS[name])


def test_the_sentence_names_what_the_file_names():
    with pytest.raises(Damaged, match=r"names 'os\.system', .* it could run code"):
        values(PAYLOADS["GLOBAL"])


BOMBS = {
    "bytes of 2^62": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"a.",
    "a string of 2 GB": b"\x80\x02T" + struct.pack("<i", 2**31 - 1) + b"a.",
    "an index of 2^32 in the memo": b"\x80\x02K\x01r\xff\xff\xff\xff.",
    "a number of a million digits": b"I" + b"9" * 1_000_000 + b"\n.",
    "lists in lists": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
    "lists in lists as a name": b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b"\x8c\x01a\x93.",
    "tuples in tuples as a key": b"\x80\x02})" + b"\x85" * 300_000 + b"K\x01s.",
    "doubling": b"\x80\x02]q\x00" + b"".join(b"h%c\x86q%c" % (n, n + 1) for n in range(60)) + b".",
}


@pytest.mark.parametrize("name", BOMBS)
def test_small_files_take_no_memory(name):
    """In a process of its own, for a stack that overflows takes the process with it."""
    code = (
        "import sys, resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))\n"
        "from deepres.data.cifar.facts import CIFAR10, Damaged\n"
        "from deepres.data.cifar.python import decode\n"
        "try:\n"
        "    decode(CIFAR10, 'test', sys.stdin.buffer.read())\n"
        "except Damaged as error:\n"
        "    print('refused:', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=BOMBS[name],
        capture_output=True,
        timeout=60,
        check=False,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.stdout.startswith(b"refused:"), done.stderr[-500:]


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": (5, 3072)},
        {"shape": (4, 3073)},
        {"shape": (2**40, 2**40)},
        {"shape": (-1, 3072)},
        {"shape": (4 * 3072,)},
        {"dtype": "f4"},
        {"dtype": "O"},
        {"data": b"short"},
        {"data": bytes(4 * 3072 + 1)},
    ],
)
def test_an_array_of_another_form_is_refused_before_it_is_made(monkeypatch, changes):
    about = {"shape": (4, 3072), "dtype": "u1", "data": bytes(4 * 3072)} | changes
    batch = {b"data": Array(**about), b"labels": [0, 1, 2, 3]}
    monkeypatch.setattr("deepres.data.cifar.python.values", lambda raw: batch)
    with pytest.raises(Damaged, match="holds no array `data` of 4 x 3,072 bytes"):
        decode(SMALL, "test", b"")


@pytest.mark.parametrize("labels", [None, [1, 2, 3], [0, 1, 2, "3"], [0, 1, 2, -1], [0, 1, 2, 10]])
def test_labels_of_another_form_are_refused(labels):
    batch = {b"data": np.zeros((4, 3072), np.uint8), b"labels": labels}
    with pytest.raises(Damaged, match="label"):
        decode(SMALL, "test", pickle.dumps(batch, protocol=2))


# Protocol 2 writes no bytes at all as a call of `bytes`, which Python 2 did not do.
some_bytes = st.binary(min_size=1)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text() | some_bytes,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | some_bytes, inner) | st.tuples(inner)
    ),
    max_leaves=20,
)


@settings(max_examples=200)
@given(plain, st.integers(2, 5))
def test_plain_values_come_out_as_pickle_reads_them(value, protocol):
    assert values(pickle.dumps(value, protocol=protocol)) == value


@settings(max_examples=400)
@given(st.data())
def test_a_damaged_pickle_is_damaged_or_read_and_nothing_else(data):
    batch = {b"data": np.zeros((4, 3072), np.uint8), b"labels": [0, 1, 2, 3], b"names": ["a"] * 9}
    raw = bytearray(pickle.dumps(batch, protocol=data.draw(st.integers(2, 5))))
    spots = [n for n in range(len(raw)) if raw[n]] or [0]  # not in the middle of the pixels
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.sampled_from(spots))] = data.draw(st.integers(0, 255))
    with suppress(Damaged):
        pixels, labels = decode(SMALL, "test", bytes(raw))
        assert pixels.shape == (4, 32, 32, 3) and len(labels) == 4


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_noise_is_damaged_or_a_value(raw):
    with suppress(Damaged):
        values(raw)

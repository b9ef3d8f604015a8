"""Pickles that would run code, lie about sizes or never end; what they do elsewhere is shown."""

import argparse
import collections
import io
import os
import pickle
import struct
import zipfile

import pytest
import torch
from commands import bounded, sentence_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import deepres
from deepres.convert import unpickle
from deepres.errors import UserError

WEIGHTS = deepres.create("resnet8", seed=1).state_dict()


class Runs:
    """What any reader that trusts pickles calls when it meets this object."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def saved(path, content, *, legacy=False, protocol=2):
    torch.save(content, path, _use_new_zipfile_serialization=not legacy, pickle_protocol=protocol)
    return path


def repacked(path, entries):
    """The same archive with other bytes for some of its entries."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (contents | entries(contents)).items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("place", ["root", "hyper_parameters", "key"])
def test_a_pickle_that_creates_a_file_creates_none(tmp_path, refused, legacy, place):
    mark = tmp_path / "was-here"
    evil = Runs(os.mkdir, str(mark))
    content = {
        "root": evil,
        "hyper_parameters": {
            "state_dict": WEIGHTS,
            "pytorch-lightning_version": "2.4.0",
            "hyper_parameters": {"lr": 0.1, "callback": evil},
        },
        "key": {"state_dict": WEIGHTS, evil: 1},
    }[place]
    path = saved(tmp_path / "resnet8.ckpt", content, legacy=legacy)
    torch.load(path, weights_only=False)
    assert mark.is_dir()  # that is what it does to those who trust it
    mark.rmdir()
    assert "its pickle names posix.mkdir" in refused(path)
    assert not mark.exists()


def test_a_bare_pickle_and_other_ways_of_naming_are_refused_too(tmp_path, refused):
    mark = tmp_path / "was-here"
    path = tmp_path / "R-50.pkl"
    path.write_bytes(pickle.dumps({"blobs": Runs(os.mkdir, str(mark))}, protocol=2))
    assert "a pickle that torch did not write" in refused(path)
    path = saved(tmp_path / "four.pt", Runs(os.mkdir, str(mark)), protocol=4)
    assert "names posix.mkdir" in refused(path)  # STACK_GLOBAL
    assert "protocol 4" in refused(saved(tmp_path / "four.pt", WEIGHTS, protocol=4))
    for data in (
        b"(S'%s'\nios\nmkdir\n." % os.fsencode(mark),  # INST
        b"cos\nmkdir\n(S'%s'\ntR." % os.fsencode(mark),  # protocol 0
        b"\x80\x02cbuiltins\neval\nX\x06\x00\x00\x001 + 1\x85R.",
        b"\x80\x02c__builtin__\ngetattr\n.",
        b"\x80\x02ctorch.hub\nload\n.",
        b"\x80\x02cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
    ):
        made = repacked(
            saved(tmp_path / "x.pt", WEIGHTS), lambda _, data=data: {"x/data.pkl": data}
        )
        assert "its pickle names" in refused(made), data
    assert not mark.exists()


def test_nothing_runs_in_a_process_of_its_own_either(tmp_path):
    mark = tmp_path / "was-here"
    path = saved(tmp_path / "resnet8.pt", {"net": WEIGHTS, "acc": Runs(os.mkdir, str(mark))})
    done = bounded("convert", path, tmp_path / "out.safetensors")
    text = sentence_of(done.returncode, done.stdout, done.stderr)
    assert f"{path}: its pickle names posix.mkdir" in text
    assert list(tmp_path.iterdir()) == [path]


def test_only_what_is_listed_is_allowed(tmp_path):
    """Everything else that torch would allow, a user's own allow-list too, is refused."""
    assert not {name for name in unpickle.ALLOWED if name.split(".")[0] in ("os", "sys", "posix")}
    path = saved(tmp_path / "x.pt", {"state_dict": WEIGHTS, "x": collections.deque([1])})
    with pytest.raises(UserError, match=r"names collections\.deque"):
        unpickle.read(path)
    before = set(torch.serialization.get_safe_globals())
    with torch.serialization.safe_globals([collections.deque]):
        with pytest.raises(UserError, match=r"names collections\.deque"):
            unpickle.read(path)
        harmless = {"state_dict": WEIGHTS, "args": argparse.Namespace(a=1)}
        assert unpickle.read(saved(tmp_path / "y.pt", harmless))["args"] == argparse.Namespace(a=1)
        assert collections.deque in torch.serialization.get_safe_globals()
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path, refused):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", b"\x80\x02" + b"0" * 20_000_000)
    assert path.stat().st_size < 50_000
    assert "unpack to 20,000,002 bytes from a file of" in refused(path)
    done = bounded("convert", path, tmp_path / "out.safetensors")
    assert "unpack to" in sentence_of(done.returncode, done.stdout, done.stderr)


def test_a_checkpoint_that_somebody_compressed_is_told_so(tmp_path, refused):
    """torch would map the packed bytes and take them for numbers."""
    path = saved(tmp_path / "packed.pth", WEIGHTS)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    assert "torch.save does not compress" in refused(path)


def test_entries_that_overlap_are_a_bomb_too(tmp_path, refused):
    """One stretch of zeros that a thousand entries of the directory point to."""
    path = saved(tmp_path / "overlap.pth", {"x": torch.zeros(100_000)})
    with zipfile.ZipFile(path) as archive:
        big, listed = archive.getinfo("overlap/data/0"), len(archive.namelist())
    data = path.read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    if b"PK\x06\x06" in data:  # the larger end record, which torch also writes
        end = data.rindex(b"PK\x06\x06")
    directory = data[start:end]
    for number in range(1, 1001):
        name = b"overlap/data/%d" % number
        sizes = big.CRC, big.file_size, big.file_size
        directory += struct.pack(
            "<4s6H3L5H2L",
            b"PK\x01\x02",
            45,
            45,
            *[0] * 4,
            *sizes,
            len(name),
            *[0] * 5,
            big.header_offset,
        )
        directory += name
    count = listed + 1000
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    path.write_bytes(data[:start] + directory + tail)
    assert len(zipfile.ZipFile(path).namelist()) == count
    assert "unpack to 400," in refused(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_lies_about_a_storage_is_refused(tmp_path, refused, legacy):
    """torch would read beyond the storage, whatever lies in memory or in the file there."""
    content = {"conv1.weight": torch.arange(1000.0)}
    path = saved(tmp_path / "lies.pt", content, legacy=legacy)
    said, more = b"M\xe8\x03", b"J\x00\x00\x00\x7f"  # BININT2 1000, BININT 2**31 - 2**24
    if legacy:
        data = path.read_bytes()
        assert data.count(said) == 2
        path.write_bytes(data.replace(said, more))
        told = r"is cut short"
    else:
        repacked(path, lambda c: {"lies/data.pkl": c["lies/data.pkl"].replace(said, more)})
        told = "reads 8,522,825,728 bytes from lies/data/0, which has 4,000"
    assert told in refused(path)


def test_a_tensor_that_leaves_its_storage_is_refused(tmp_path, refused):
    path = saved(tmp_path / "out.pt", {"conv1.weight": torch.arange(12.0).view(3, 4)})
    for said, other in (
        (b"K\x03K\x04\x86", b"K\x03K\x7f\x86"),  # its shape
        (b"K\x04K\x01\x86", b"K\x7fK\x01\x86"),  # its strides
    ):
        data = repacked(
            saved(path, {"conv1.weight": torch.arange(12.0).view(3, 4)}),
            lambda c, said=said, other=other: {
                "out/data.pkl": c["out/data.pkl"].replace(said, other)
            },
        )
        assert "reaches beyond its 12 numbers" in refused(data)


def test_names_cannot_speak_to_the_terminal(tmp_path, refused):
    odd = "conv1\n\x1b[2Jdeepres: all is well"
    path = tmp_path / "odd.pt"
    named = b"\x80\x02cconv1\x1b[2J\nsystem\n."
    for made in (
        lambda: saved(path, WEIGHTS | {odd: torch.ones(1)}),
        lambda: saved(path, {odd: WEIGHTS}),
        lambda: saved(path, WEIGHTS | {"n" * 400: torch.ones(1)}),
        lambda: repacked(saved(path, WEIGHTS), lambda _: {"odd/data.pkl": named}),
        lambda: repacked(saved(path, WEIGHTS), lambda _: {"odd/data.pkl": named * 999}),
    ):
        text = refused(made())
        assert text.isprintable()
        assert len(text) < 300 + len(str(path))


def test_tuples_that_never_end_to_be_hashed_are_refused(tmp_path, refused):
    """Thirty pairs, each of the one before twice: as a key, 2**30 visits of one number."""
    nested = b"K\x01"
    for depth in range(30):
        nested += b"q" + bytes([depth]) + b"h" + bytes([depth]) + b"\x86"
    path = saved(tmp_path / "slow.pt", WEIGHTS)
    repacked(path, lambda _: {"slow/data.pkl": b"\x80\x02}" + nested + b"K\x00s."})
    assert "nests tuples" in refused(path)


def test_keys_that_take_for_ever_to_hash_are_refused(tmp_path, refused):
    path = tmp_path / "slow.pt"
    pair = b"K\x01" + b"".join(b"q%ch%c\x86" % (n, n) for n in range(16))  # 65,536 ones
    deep = b"K\x01" + b"\x85" * 200_000  # each in the one around it: hashing has no floor
    huge = b"".join(
        b"\x8a\x0a" + (number * (2**61 - 1)).to_bytes(10, "little") + b"K\x00s"
        for number in range(1, 3000)  # all of one hash
    )
    for code in (
        b"}" + pair + b"q\x63K\x00s" + b"h\x63K\x00s" * 30_000,
        b"}" + deep + b"K\x00s",
        b"}(" + pair + b"K\x00u",
        b"}" + huge,
        b"c__builtin__\nset\n](" + pair + b"e\x85R",
    ):
        made = saved(path, WEIGHTS)
        repacked(made, lambda _, code=code: {"slow/data.pkl": b"\x80\x02" + code + b"."})
        assert "takes for ever to look up" in refused(made), code[:20]


def test_a_storage_is_known_by_its_name(tmp_path, refused):
    """A key that is no text would be hashed, and written out, by whoever looks it up."""
    path = saved(tmp_path / "odd.pt", {"x": torch.ones(3)})
    key = b"X\x01\x00\x00\x000"
    repacked(path, lambda c: {"odd/data.pkl": c["odd/data.pkl"].replace(key, b"K\x01\x85", 1)})
    assert "which no network here has" in refused(path)


def test_a_pickle_of_many_steps_is_refused(tmp_path, refused, monkeypatch):
    monkeypatch.setattr("deepres.convert.pickles.OPCODES_AT_MOST", 1000)
    path = saved(tmp_path / "long.pt", {"x": list(range(2000))})
    assert "more than 1,000 steps" in refused(path)


def test_archives_that_are_not_torchs(tmp_path, refused):
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w") as archive:  # as torch.jit.save lays it out
        for name in ("data.pkl", "code/__torch__/net.py", "constants.pkl", "version"):
            archive.writestr(f"net/{name}", b"\x80\x02N.")
    assert "is a TorchScript program" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert "no data.pkl" in refused(path)
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("x/data.pkl", b"\x80\x02}.")
        archive.writestr("x/data.pkl", b"\x80\x02N.")
    assert "no data.pkl" in refused(path)


LEGACY, ZIPPED = (
    (lambda buffer: (torch.save(WEIGHTS, buffer, _use_new_zipfile_serialization=z), buffer)[1])(
        io.BytesIO()
    ).getvalue()
    for z in (False, True)
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(LEGACY) - 1), legacy=st.booleans())
def test_a_file_cut_anywhere_is_refused(tmp_path, cut, legacy):
    path = tmp_path / "cut.pt"
    path.write_bytes((LEGACY if legacy else ZIPPED)[:cut])
    with pytest.raises(UserError) as refusal:
        deepres.load(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_cut_file_says_how_much_is_missing(tmp_path, refused):
    path = tmp_path / "cut.pt"
    path.write_bytes(LEGACY[:-1000])
    assert f"is cut short: 1,000 of its {len(LEGACY):,} bytes are missing" in refused(path)
    path.write_bytes(ZIPPED[: len(ZIPPED) // 2])
    assert "is cut short or damaged" in refused(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), legacy=st.booleans())
def test_a_file_with_broken_bytes_is_read_or_refused_in_one_sentence(tmp_path, data, legacy):
    content = bytearray(LEGACY if legacy else ZIPPED)
    head = min(len(content), 20_000)  # where the pickles are; numbers may be any
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, head - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "resnet-broken.pt"
    path.write_bytes(content)
    try:
        deepres.load(path)
    except UserError as refusal:
        assert "\n" not in str(refusal)

"""Archives with intentions: whatever they try, nothing of them is left behind."""

import gzip
import io
import tarfile
import time

import numpy as np
import pytest

from deepres.data.cifar import reading
from deepres.data.cifar.facts import Damaged
from deepres.data.fetch import extract, tars


def tar_of(tmp_path, *members, compress=True):
    """An archive of (name, what) where what is bytes, or a change to a member's header."""
    path = tmp_path / "evil.tar.gz"
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, what in members:
            info = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                info.size = len(what)
                tar.addfile(info, io.BytesIO(what))
            else:
                for key, value in what.items():
                    setattr(info, key, value)
                tar.addfile(info)
    path.write_bytes(gzip.compress(raw.getvalue(), 1) if compress else raw.getvalue())
    return path


def unpacked(tmp_path, *members, limit=1_000_000):
    folder = tmp_path / "inside"
    folder.mkdir(exist_ok=True)
    return extract.extracted(tar_of(tmp_path, *members), folder, limit)


def everything_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_honest_archives_are_unpacked(tmp_path):
    unpacked(tmp_path, ("a", {"type": tarfile.DIRTYPE}), ("a/b", b"1"), ("a/c/d", b"22"))
    assert everything_in(tmp_path / "inside") == ["a", "a/b", "a/c", "a/c/d"]
    unpacked(tmp_path, ("a/e", b"3"))  # replaces the folder of the same name
    assert everything_in(tmp_path / "inside") == ["a", "a/e"]


SYMLINK, HARDLINK = {"type": tarfile.SYMTYPE}, {"type": tarfile.LNKTYPE}
ATTACKS = {
    "above": [("../evil", b"x")],
    "above, from below": [("a/../../evil", b"x")],
    "absolute": [("{here}/evil", b"x")],
    "a drive": [("C:\\evil", b"x")],
    "a drive, relative": [("C:evil", b"x")],
    "backslashes": [("..\\evil", b"x")],
    "a share": [("\\\\host\\share\\evil", b"x")],
    "a link to above": [("l", SYMLINK | {"linkname": ".."}), ("l/evil", b"x")],
    "a link to a file": [("l", SYMLINK | {"linkname": "../secret"})],
    "a hard link": [("l", HARDLINK | {"linkname": "../secret"})],
    "a hard link inside": [("a", b"x"), ("l", HARDLINK | {"linkname": "a"})],
    "a device": [("zero", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5})],
    "a disk": [("sda", {"type": tarfile.BLKTYPE, "devmajor": 8})],
    "a pipe": [("pipe", {"type": tarfile.FIFOTYPE})],
    "too much": [("a", bytes(600_000)), ("b", bytes(600_000))],
    "too many": [(f"a{n}", b"") for n in range(1001)],
    "a name of megabytes": [("n" * 2_000_000, b"x")],
    "a long name": [("n" * 5_000, b"x")],
    "a name with an end inside": [("plain", {"pax_headers": {"path": "a\0b"}})],
    "twice": [("first", b"x")],
    "a file as a folder": [("first/x", b"x")],
    "no name": [("./", b"x"), (".", b"x")],
    "a folder above": [("../evil", {"type": tarfile.DIRTYPE})],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_archive_that_attacks_leaves_nothing(tmp_path, attack):
    (tmp_path / "secret").write_text("kept")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "mine").write_text("kept")
    before = set(everything_in(tmp_path)) | {"evil.tar.gz"}
    with pytest.raises(tars.Unsafe):
        members = [(name.replace("{here}", str(tmp_path)), what) for name, what in ATTACKS[attack]]
        unpacked(tmp_path, ("first", b"honest"), *members)
    assert set(everything_in(tmp_path)) == before
    assert (tmp_path / "secret").read_text() == "kept"


def test_a_bomb_is_refused_before_it_unpacks(tmp_path):
    """10 GB of zeros in 10 MB, and a header that claims a terabyte, each in a moment."""
    bomb = tmp_path / "bomb.tar.gz"
    member = tarfile.TarInfo("zeros")
    member.size = 10**10
    unit = gzip.compress(bytes(10_000_000), 9)  # gzip members may be strung together
    bomb.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT)) + unit * 1000)
    began = time.monotonic()
    with pytest.raises(tars.Unsafe):
        extract.extracted(bomb, tmp_path, 1_000_000)
    pax = tarfile.TarInfo("x")
    pax.type, pax.size = tarfile.XHDTYPE, 10**10  # read into memory by `tarfile`, if it is let
    bomb.write_bytes(gzip.compress(pax.tobuf(tarfile.GNU_FORMAT)) + unit * 1000)
    with pytest.raises(tars.Unsafe):
        extract.extracted(bomb, tmp_path, 1_000_000)
    assert time.monotonic() - began < 5
    assert everything_in(tmp_path) == ["bomb.tar.gz"]


@pytest.mark.parametrize("part", [0, 1, 100, 5_000, -1])
def test_a_broken_archive_leaves_nothing(tmp_path, part):
    path = tar_of(tmp_path, ("a", np.random.default_rng(0).bytes(20_000)))
    path.write_bytes(path.read_bytes()[:part])
    (tmp_path / "inside").mkdir()
    with pytest.raises(Damaged, match="is not a whole tar archive"):
        extract.extracted(path, tmp_path / "inside", 1_000_000)
    assert everything_in(tmp_path / "inside") == []


def test_reading_a_hostile_archive_in_place_is_refused_too(tmp_path):
    path = tar_of(tmp_path, ("data_batch_1.bin", b"x"), ("../x", b""))
    told = reading.examined(reading.located(path, None), "train")[1]
    assert len(told) == 5 and "data_batch_1.bin" in told[0]
    assert all("a path that leaves the folder" in sentence for sentence in told[1:])

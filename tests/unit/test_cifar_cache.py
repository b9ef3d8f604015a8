"""The cache of decoded data sets: quick, bounded, and never believed unseen."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deepres.data import cache
from deepres.data.images import canonical

CLASSES = ("a", "b")


def some(seed=0, count=50):
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return canonical("some test", pixels, draw.integers(0, 2, count), CLASSES)


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "source"
    path.write_bytes(b"as it was")
    return path


class Counted:
    """Makes images and counts how often it had to."""

    def __init__(self, images):
        self.images, self.calls = images, 0

    def __call__(self):
        self.calls += 1
        return self.images


def same(first, second):
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert (first.name, first.classes, first.digest) == (second.name, second.classes, second.digest)
    assert second.pixels.dtype == np.uint8 and second.labels.dtype == np.int64
    assert second.pixels.flags.writeable  # torch.from_numpy warns of what is not


def only_file():
    (path,) = cache.folder().glob("*.images")
    return path


def test_the_second_read_makes_nothing_and_gives_the_same(source, caplog):
    make = Counted(some())
    for _ in range(3):
        same(make.images, cache.kept("x test", [source], make))
    assert make.calls == 1
    assert not caplog.records
    assert [p.suffix for p in cache.folder().iterdir()] == [".images"]


@pytest.mark.parametrize("change", ["content", "time", "name", "purpose", "one more"])
def test_other_sources_are_read_anew(source, change):
    make = Counted(some())
    cache.kept("x test", [source], make)
    sources, purpose = [source], "x test"
    if change == "content":
        before = source.stat().st_mtime_ns
        source.write_bytes(b"as it is now")
        os.utime(source, ns=(before, before))
    elif change == "time":
        os.utime(source, ns=(1, 1))
    elif change == "name":
        sources = [source.rename(source.with_name("other"))]
    elif change == "purpose":
        purpose = "x train"
    else:
        sources.append(source.with_name("more"))
        sources[1].write_bytes(b"")
    cache.kept(purpose, sources, make)
    assert make.calls == 2


def test_every_damaged_byte_is_seen_and_said(source, caplog):
    make = Counted(some(count=3))
    cache.kept("x test", [source], make)
    path = only_file()
    whole = path.read_bytes()
    spots = [0, 31, 32, 39, 40, 45, 300, len(whole) - 3 * 3072 - 20, len(whole) - 5000, -1]
    for damaged in (
        *[bytearray(whole) for _ in spots],
        whole[:-1],
        whole[: len(whole) // 2],
        whole[:20],
        b"",
        whole + b"\0",
    ):
        if isinstance(damaged, bytearray):
            damaged[spots.pop()] ^= 1
        path.write_bytes(damaged)
        caplog.clear()
        calls = make.calls
        same(make.images, cache.kept("x test", [source], make))
        assert make.calls == calls + 1
        assert "is damaged" in caplog.text and str(path) in caplog.text
        assert path.read_bytes() == whole  # made anew


def test_a_header_that_claims_terabytes_is_refused_at_once(source):
    make = Counted(some(count=3))
    cache.kept("x test", [source], make)
    path = only_file()
    raw = bytearray(path.read_bytes())
    raw[32:40] = (2**62).to_bytes(8, "little")
    path.write_bytes(raw)
    same(make.images, cache.kept("x test", [source], make))


def test_a_cache_that_cannot_be_written_is_only_a_note(source, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "file"))
    make = Counted(some())
    for _ in range(2):
        same(make.images, cache.kept("x test", [source], make))
    assert make.calls == 2
    assert "cannot be written" in caplog.text


def test_the_note_is_on_standard_error(source, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code = "from deepres.data import cache, digits\nfrom pathlib import Path\n"
    code += f"cache.kept('x', [Path({str(source)!r})], lambda: digits.images('test'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"DEEPRES_CACHE": str(tmp_path / "file")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    assert "cannot be written" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_full_disk_leaves_no_rest(source, monkeypatch, caplog):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    cache.kept("x test", [source], Counted(some()))
    assert "No space left on device" in caplog.text
    assert list(cache.folder().iterdir()) == []


def test_files_that_change_while_they_are_read_are_not_kept(source):
    def make():
        source.write_bytes(b"changed in the middle")
        return some()

    cache.kept("x test", [source], make)
    assert not cache.folder().exists()


def test_what_was_used_longest_ago_goes_first(source, monkeypatch):
    size = 3 * 3072 + 1000
    monkeypatch.setattr(cache, "BYTES_AT_MOST", 3 * size)
    made = {n: Counted(some(n, 3)) for n in range(4)}
    for n in (0, 1, 2):
        cache.kept(f"{n} test", [source], made[n])
        path = next(cache.folder().glob(f"{n}-test*"))
        os.utime(path, (1000 + n, 1000 + n))
    cache.kept("0 test", [source], made[0])  # used now: number 1 is the oldest
    abandoned = cache.folder() / ".dead.part"
    abandoned.write_bytes(b"x")
    os.utime(abandoned, (1, 1))
    fresh = cache.folder() / ".busy.part"
    fresh.write_bytes(b"x")
    cache.kept("3 test", [source], made[3])
    kept = {path.name[0] for path in cache.folder().glob("*.images")}
    assert kept == {"0", "2", "3"}
    assert not abandoned.exists() and fresh.exists()


def test_processes_at_once_do_not_hurt_each_other(source):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from test_cifar_cache import some, same\n"
        "from deepres.data import cache\n"
        "images = some()\n"
        "for n in range(15):\n"
        "    same(images, cache.kept('x test', [Path(sys.argv[2])], lambda: images))\n"
        "    for path in cache.folder().glob('*.images'):\n"
        "        path.unlink(missing_ok=True)\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(source)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 0 and "damaged" not in said, said
    assert list(cache.folder().glob("*.part")) == []


def test_no_cache_is_older_than_its_schema(source, monkeypatch):
    make = Counted(some())
    cache.kept("x test", [source], make)
    monkeypatch.setattr(cache, "SCHEMA", cache.SCHEMA + 1)
    cache.kept("x test", [source], make)
    assert make.calls == 2


def test_reading_50000_images_takes_under_half_a_second(source):
    """Of the best of three, for other work on this machine is no fault of the cache's."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (50_000, 32, 32, 3), dtype=np.uint8)
    images = cache.Images("x", pixels, np.zeros(50_000, np.int64), CLASSES, "digest")
    cache.kept("x train", [source], lambda: images)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        cache.kept("x train", [source], lambda: pytest.fail("the cache was not used"))
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.5

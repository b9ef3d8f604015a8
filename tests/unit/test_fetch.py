"""Fetching from servers that break, lie, dawdle, and archives that attack."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cifar_layouts as layouts
import filelock
import numpy as np
import pytest
from cifar_layouts import SMALL10
from flaky_server import serving

from deepres import cli
from deepres.data.cifar.facts import BOTH
from deepres.data.fetch import download, fetching
from deepres.data.fetch.download import FetchError, Patience, downloaded
from deepres.data.fetch.mirrors import ARCHIVES, MIRRORS, Archive, addresses
from deepres.errors import UserError

CONTENT = np.random.default_rng(0).bytes(300_000)
HASTE = Patience(silence=0.2, breaks=2, pause=0.0, slow=20_000.0, window=0.3, report=0.0)


def archive_of(content: bytes, file: str = "cifar-10-python.tar.gz") -> Archive:
    return Archive(file, len(content), hashlib.md5(content).hexdigest())


ARCHIVE = archive_of(CONTENT)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server():
    with serving(CONTENT) as (address, asked):
        yield address, asked


def got(server, tmp_path, *ways, patience=HASTE):
    """The notes of a download from servers of these ways; what came is right or an error."""
    address, asked = server
    asked.clear()
    notes = []
    urls = [address(way) for way in ways]
    path = downloaded(ARCHIVE, urls, tmp_path, notes.append, patience)
    assert path == tmp_path / ARCHIVE.file
    assert path.read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == [ARCHIVE.file]  # no part is left
    return notes


def refused(server, tmp_path, *ways):
    with pytest.raises(FetchError) as error:
        got(server, tmp_path, *ways)
    assert not (tmp_path / ARCHIVE.file).exists()
    said = str(error.value)
    assert f"put it into {tmp_path} and run the same command again" in said
    assert ARCHIVE.md5 in said and "\n" not in said
    return said


@pytest.mark.parametrize("way", ["good", "norange", "busy", "redirect"])
def test_a_server_that_serves_is_enough(server, tmp_path, way):
    notes = got(server, tmp_path, way)
    assert re.search(r"0\.3 of 0\.3 MB, [\d.]+ MB/s, 0 s left$", notes[-1])


def test_a_broken_download_goes_on_where_it_broke(server, tmp_path):
    got(server, tmp_path, "breaks", patience=Patience(pause=0.0, breaks=40))
    ranges = [asked for _, asked in server[1]]
    assert ranges[0] is None
    assert ranges[1:3] == ["bytes=100000-", "bytes=166666-"]


def test_what_an_earlier_call_got_is_kept(server, tmp_path):
    (tmp_path / f"{ARCHIVE.file}.part").write_bytes(CONTENT[:123_456])
    got(server, tmp_path, "good")
    assert server[1] == [("good", "bytes=123456-")]


def test_the_next_mirror_goes_on_where_the_first_stopped(server, tmp_path):
    notes = got(server, tmp_path, "silent", "good")
    assert server[1][0] == ("silent", None)
    assert server[1][-1] == ("good", f"bytes={10 * (HASTE.breaks + 1)}-")
    assert any("the next mirror is asked" in note for note in notes)


def test_a_server_without_ranges_starts_again_and_says_so(server, tmp_path):
    (tmp_path / f"{ARCHIVE.file}.part").write_bytes(b"x" * 1000)  # would spoil the file if kept
    notes = got(server, tmp_path, "norange")
    assert any("does not go on where it broke: from the start" in note for note in notes)


def test_a_spoiled_part_is_thrown_away_once(server, tmp_path):
    (tmp_path / f"{ARCHIVE.file}.part").write_bytes(bytes(200_000))
    notes = got(server, tmp_path, "good")
    assert any("is not the archive" in n and "once more from the start" in n for n in notes)
    assert server[1] == [("good", "bytes=200000-"), ("good", None)]
    (tmp_path / ARCHIVE.file).unlink()
    (tmp_path / f"{ARCHIVE.file}.part").write_bytes(bytes(len(CONTENT)))  # complete and wrong
    got(server, tmp_path, "good")
    (tmp_path / ARCHIVE.file).unlink()
    (tmp_path / f"{ARCHIVE.file}.part").write_bytes(bytes(len(CONTENT) + 7))  # too long
    got(server, tmp_path, "good")


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("missing", "answers 404"),
        ("html", "serves a file of 19 bytes, not 300000"),
        ("wrong", "serves something else (MD5"),
        ("endless", "sends more than 300,000 bytes"),
        ("breaks-norange", "broke off after 100,000 of 300,000 bytes"),
        ("silent", "broke off"),
    ],
)
def test_a_server_of_no_use_is_named_and_the_next_one_asked(server, tmp_path, way, said):
    assert said in refused(server, tmp_path, way)
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    notes = got(server, tmp_path, way, "good")
    assert any(said in note and "the next mirror is asked" in note for note in notes)


@pytest.mark.parametrize(
    ("way", "said"),
    [("wrong-range", "answers with another range"), ("longer-total", "bytes, not 300000")],
)
def test_a_range_that_does_not_fit_is_refused(server, tmp_path, way, said):
    (tmp_path / f"{ARCHIVE.file}.part").write_bytes(CONTENT[:5000])
    assert said in refused(server, tmp_path, way)


def test_a_trickle_is_given_up_for_the_next_mirror_and_at_last(server, tmp_path):
    began = time.monotonic()
    notes = got(server, tmp_path, "trickle", "good")
    assert any("gives only 0." in note for note in notes)
    (tmp_path / "alone").mkdir()
    assert "gives only 0." in refused(server, tmp_path / "alone", "trickle")
    assert time.monotonic() - began < 10


def test_nobody_there_and_no_address(tmp_path):
    for url, said in (
        ("http://127.0.0.1:9/file", "cannot be reached"),
        ("http://127.0.0.1:port/file", "is no address"),
        ("http://nowhere.invalid/file", "nowhere.invalid is a name that nobody knows here"),
    ):
        with pytest.raises(FetchError, match=said):
            downloaded(ARCHIVE, [url], tmp_path, lambda note: None, HASTE)


def test_a_full_disk_is_not_blamed_on_the_server(server, tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda self, mode: Full())
    with pytest.raises(OSError, match="No space left"):
        downloaded(ARCHIVE, [server[0]("good")], tmp_path, lambda note: None, HASTE)
    assert len(server[1]) >= 1


# The addresses.


def test_the_mirrors_are_https_and_serve_the_archive_of_their_name():
    for name, urls in MIRRORS.items():
        assert urls[0].startswith("https://www.cs.toronto.edu/~kriz/")  # the official host first
        assert len({url.split("/")[2] for url in urls}) == len(urls) >= 3
        for url in urls:
            assert url.startswith("https://") and url.endswith("/" + BOTH[name].archives["python"])
        assert addresses(name, None) == (ARCHIVES[BOTH[name].archives["python"]], urls)


def test_a_mirror_is_an_archive_or_a_folder():
    binary, urls = addresses("cifar10", "https://a.b/c/cifar-10-binary.tar.gz?x=1")
    assert binary.md5 == "c32a1d4ab5d03f1284b67883e8d87530"
    assert urls == ("https://a.b/c/cifar-10-binary.tar.gz?x=1",)
    python, urls = addresses("cifar100", "http://a.b/c/")
    assert python.md5 == "eb9058c3a382ffc7106e4002c42a8d85"
    assert urls == ("http://a.b/c/cifar-100-python.tar.gz",)
    for wrong in ("ftp://a.b/c", "/a/b", "file:///etc", "https://a.b/cifar-100-python.tar.gz"):
        with pytest.raises(UserError, match="--mirror"):
            addresses("cifar10", wrong)


# The whole command, on a small data set that takes CIFAR-10's place.


@pytest.fixture
def small_world(tmp_path, monkeypatch):
    """CIFAR-10 is 70 pictures, its archive is on this machine, its folder is in tmp_path."""
    archive = layouts.write_archive(tmp_path / "origin", "python", SMALL10)
    content = archive.read_bytes()
    monkeypatch.setitem(BOTH, "cifar10", SMALL10)
    monkeypatch.setitem(ARCHIVES, archive.name, archive_of(content))
    monkeypatch.setattr(download, "Patience", lambda: HASTE)
    monkeypatch.setattr(fetching, "Patience", lambda: HASTE)
    with serving(content) as (address, asked):
        urls = [address(way) for way in ("missing", "breaks", "good")]
        monkeypatch.setitem(MIRRORS, "cifar10", tuple(urls))
        yield tmp_path / "data", asked, archive


def command(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["deepres", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    return end.value.code, out, err


def test_fetch_downloads_verifies_unpacks_and_is_idle_the_second_time(
    small_world, monkeypatch, capsys
):
    folder, asked, _ = small_world
    words = ("data", "fetch", "cifar10", "--to", folder, "--json")
    status, out, err = command(monkeypatch, capsys, *words)
    answer = json.loads(out)
    assert (status, answer["images"], answer["classes"], answer["problems"]) == (0, 70, 10, [])
    assert answer["folder"] == str(folder)
    assert "answers 404" in err and "MB/s" in err
    visible = [p.name for p in folder.iterdir() if not p.name.startswith(".")]
    assert visible == ["cifar-10-batches-py"]
    asked.clear()
    status, out, err = command(monkeypatch, capsys, *words)
    assert (status, json.loads(out)["images"]) == (0, 70)
    assert "nothing to fetch" in err and asked == []
    (folder / "cifar-10-batches-py" / "data_batch_2").write_bytes(b"damaged")
    status, out, err = command(monkeypatch, capsys, *words)
    assert (status, json.loads(out)["problems"]) == (0, [])
    assert asked != []


def test_an_archive_put_there_by_hand_is_enough(small_world, monkeypatch, capsys):
    folder, asked, archive = small_world
    folder.mkdir()
    shutil.copy(archive, folder)
    status, out, err = command(monkeypatch, capsys, "data", "fetch", "cifar10", "--to", folder)
    assert status == 0 and asked == []
    assert "is there and right: it is unpacked" in err and "No problems." in out
    assert (folder / archive.name).exists()  # it is not ours to delete
    shutil.rmtree(folder / "cifar-10-batches-py")
    (folder / archive.name).write_bytes(b"half an archive")
    status, _, err = command(monkeypatch, capsys, "data", "fetch", "cifar10", "--to", folder)
    assert status == 0 and asked != []
    assert "is not the official archive: it is fetched anew" in err


def test_when_all_mirrors_fail_one_sentence_tells_what_to_do(small_world, monkeypatch, capsys):
    folder, _, _ = small_world
    monkeypatch.setitem(MIRRORS, "cifar10", (MIRRORS["cifar10"][0],) * 2)
    words = ("data", "fetch", "cifar10", "--to", folder, "--json")
    status, out, err = command(monkeypatch, capsys, *words)
    assert status == 1
    (sentence,) = json.loads(out)["problems"]
    assert "could not be fetched" in sentence and f"put it into {folder}" in sentence
    assert "Traceback" not in err


def test_two_at_once_are_not_let_into_one_folder(small_world, monkeypatch, capsys):
    folder, _, archive = small_world
    folder.mkdir()
    with filelock.FileLock(folder / f".{archive.name}.lock"):
        status, _, err = command(monkeypatch, capsys, "data", "fetch", "cifar10", "--to", folder)
    assert status == 2 and "Another `deepres data fetch` is writing to" in err


def test_unknown_names_are_named(monkeypatch, capsys):
    status, _, err = command(monkeypatch, capsys, "data", "fetch", "imagenet")
    assert status == 2 and "only cifar10 and cifar100" in err


def test_only_fetch_ever_opens_a_connection(tmp_path):
    """With every socket forbidden, all other commands of the data do their work."""
    code = (
        "import socket, sys\n"
        "def never(*_, **__): raise SystemExit('a connection was opened')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = never\n"
        "from deepres.cli import main\n"
        "main()\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DEEPRES_DATA"}
    environment |= {"XDG_DATA_HOME": str(tmp_path), "DEEPRES_CACHE": str(tmp_path)}
    for words, status in (
        (("list",), 0),
        (("data", "check", "digits"), 0),
        (("data", "check", f"cifar100:{tmp_path}"), 2),
        (("data", "fetch", "cifar10"), 1),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        opened = "a connection was opened" in done.stderr
        assert opened == ("fetch" in words), done.stderr
        assert done.returncode == status, done.stderr

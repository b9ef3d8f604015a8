"""What the command line cannot do: a sentence and the status of whoever is at fault."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepres.cli import faults
from deepres.errors import Failed, UserError

EMBEDDED = "resnet20-cifar10"  # weights that come with the package


@pytest.fixture
def refused(command):
    """The sentence that refuses some words."""

    def run(*words):
        status, out, err = command(*words)
        assert (status, out) == (2, ""), err
        (line,) = err.strip().splitlines()
        assert line.startswith("deepres: ")
        return line

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cuont"], "No such command 'cuont' (did you mean 'count'"),
        (["count"], "Missing argument 'NETWORK': `deepres count --help`"),
        (["count", "resnet20", "--size", "0"], "'--size': 0 is not in the range"),
        (["count", "resnet20", "--size", "99999999999"], "'--size'"),
        (["count", "resnet20", "--classes", "9" * 30], "'--classes'"),
        (["count", "resnet12008"], "12008 layers are too many"),
        (["count", "resnet" + "2" * 15], "layers are too many"),
        (["list", "--jsn"], "No such option: --jsn (did you mean --json?): `deepres list --help`"),
        (["serve", EMBEDDED, "--host", ""], "--host is empty"),
        (["serve", EMBEDDED, "--host="], "--host is empty"),
        (["convert", EMBEDDED, ""], "An argument is empty"),
    ],
)
def test_wrong_words_are_one_sentence_that_says_what_shows_the_right_ones(refused, words, said):
    assert said in refused(*words)


def test_a_command_of_commands_alone_shows_its_help_with_an_example(command):
    status, out, err = command("data")
    assert (status, out) == (2, "")
    assert "check" in err and "fetch" in err
    assert "Example: deepres data check" in command("data", "--help")[1]


def test_the_deepest_network_that_the_sentence_speaks_of_is_there(command):
    assert "12,002" in command("count", "resnet12008")[2]
    assert command("count", "resnet12002")[0] == 0


def test_a_place_that_cannot_be_written_is_its_namers_fault(refused, tmp_path):
    file = tmp_path / "file"
    file.write_text("no folder")
    for words in (
        ["convert", EMBEDDED, file / "made.safetensors"],
        ["convert", EMBEDDED, tmp_path / ("long" * 100 + ".safetensors")],
        ["report", "table1", "--out", file / "page.html"],
    ):
        assert str(tmp_path) in refused(*words)


@pytest.mark.parametrize("word", ["{0}", "--out={0}", "cifar10:{0}", "{0}:Net", "{0}/made.onnx"])
def test_what_was_named_or_lies_in_it_is_the_users(tmp_path, word):
    word = word.format(tmp_path)
    denied = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".hidden"))
    around = NotADirectoryError(errno.ENOTDIR, "Not a directory", str(tmp_path))
    told = faults.place(around, [word])
    assert isinstance(told, UserError) and str(tmp_path) in str(told)
    assert isinstance(faults.place(denied, [word]), Failed) == word.endswith("made.onnx")
    aside = f"{tmp_path}/.made.{os.getpid()}.onnx"
    written = faults.place(PermissionError(errno.EACCES, "", aside), [word])
    assert isinstance(written, UserError)
    assert str(written).startswith(f"{tmp_path} may not be")  # its folder, not the file aside


def test_what_nobody_named_or_can_mend_failed(tmp_path):
    elsewhere = PermissionError(errno.EACCES, "Permission denied", "/elsewhere/cache")
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path))
    nameless = OSError(errno.ENOSPC, "No space left on device")
    for error in (elsewhere, full, nameless):
        assert isinstance(faults.place(error, [str(tmp_path), "--json"]), Failed)
    assert str(faults.place(nameless, [])) == "No space left on device."


def run(words, **options):
    command = [sys.executable, "-m", "deepres", *words]
    return subprocess.run(command, capture_output=True, timeout=100, check=False, **options)


def test_a_picture_of_any_name_is_told_on_any_terminal(tmp_path):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(file, "PNG")
    name = os.fsencode(tmp_path) + b"/\xff\xe2\x80\xa6.png"  # no text, then an ellipsis
    Path(os.fsdecode(name)).write_bytes(file.getvalue())
    for encoding in ("utf-8:strict", "ascii:strict", "latin-1:strict"):
        for form in ("table", "csv", "json"):
            words = ["predict", EMBEDDED, name, "--format", form]
            done = run(words, env={**os.environ, "PYTHONIOENCODING": encoding})
            assert done.returncode == 0, done.stderr
            assert done.stdout


def test_standard_input_that_is_closed_is_empty(command, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    status, _, err = command("predict", EMBEDDED, "-")
    assert status == 2
    assert "Standard input is empty" in err


def test_a_home_of_nobody_is_a_name_as_another(command):
    status, _, err = command("predict", EMBEDDED, "~no-such-user-of-this-name/picture.png")
    assert status == 2
    assert "there is no such file" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_behind_standard_output_is_said_once():
    with Path("/dev/full").open("wb") as disk:
        command = [sys.executable, "-m", "deepres", "list", "--json"]
        done = subprocess.run(command, stdout=disk, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"deepres: No space left on device.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("data", "check", "cifar10:~no-such-user/x"),
        ("train", "resnet8", "--data", "~no-such-user/x"),
    ],
)
def test_the_home_of_nobody_is_a_name_that_is_not_there(command, words):
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    assert "~no-such-user" in err.splitlines()[-1] and "there is no such" in err


def test_nor_is_it_a_data_set(command):
    pytest.importorskip("datasets")
    status, out, err = command("evaluate", "resnet20-cifar10", "--data", "hub:~no-such-user")
    assert (status, out) == (2, "")
    assert err.endswith("deepres: hub:~no-such-user: there is no such folder.\n")

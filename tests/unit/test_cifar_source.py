"""The words after `--data`, and where they lead."""

import platformdirs
import pytest
from cifar_layouts import SMALL10, write_official

from deepres.data import source
from deepres.data.cifar.facts import BOTH
from deepres.data.source import Source, images, parse
from deepres.errors import UserError


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEEPRES_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / "user" / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(BOTH, "cifar10", SMALL10)


def test_embedded_sources():
    assert images("digits", "train").name == "digits train"
    assert images("synthetic").name.startswith("synthetic test")


def test_words_and_paths(tmp_path):
    assert parse("cifar10") == Source("cifar10", None)
    assert parse("cifar100:some/where") == Source("cifar100", source.Path("some/where"))
    assert parse("cifar10:C:\\data") == Source("cifar10", source.Path("C:\\data"))
    assert parse("C:\\data") == Source(None, source.Path("C:\\data"))
    assert parse("/no/where") == Source(None, source.Path("/no/where"))
    assert parse("~/data").path == source.Path("~/data").expanduser()
    assert parse("cifar10:~/data").path == source.Path("~/data").expanduser()
    (tmp_path / "here").mkdir()
    assert parse("here") == Source(None, source.Path("here"))


def test_a_data_set_is_found_by_path_by_environment_and_where_fetch_puts_it(tmp_path, monkeypatch):
    folder = write_official(tmp_path / "any", "binary", SMALL10)
    digest = images(f"cifar10:{folder}").digest
    assert images(str(folder)).digest == digest  # a bare path, recognised
    with pytest.raises(UserError, match=r"is neither in .*data/cifar10 nor in .*user/deepres"):
        images("cifar10")
    (tmp_path / "user" / "deepres").mkdir(parents=True)
    folder.rename(tmp_path / "user" / "deepres" / "cifar10")
    assert images("cifar10").digest == digest
    write_official(tmp_path / "data" / "cifar10", "python", SMALL10)
    assert source.found(parse("cifar10")).layout == "python"  # DEEPRES_DATA comes first
    monkeypatch.delenv("DEEPRES_DATA")
    assert source.found(parse("cifar10")).layout == "binary"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("digit", r"Did you mean digits\?"),
        ("cifra10:/x", r"Did you mean cifar10:/x\?"),
        ("cifar-100", r"Did you mean cifar100\?"),
        ("qwertz", "is no source of data and no path that is there: sources are digits"),
        ("", "is no source of data"),
        ("digits:/x", "takes no path"),
        ("cifar10:", "names no path: write cifar10:PATH"),
        ("folder:/x", "There is no folder /x: folder:PATH takes one with train/ and val/"),
        ("hub:", "names nothing: write hub:NAME or hub:PATH"),
        ("cifar10:/no/where", "no such file or folder; `deepres data fetch cifar10 --to /no"),
        ("./nowhere", "no such file or folder"),
    ],
)
def test_what_is_wrong_is_one_sentence(text, said):
    with pytest.raises(UserError, match=said):
        images(text)


def test_a_split_has_one_of_two_names():
    with pytest.raises(UserError, match="no split 'val': the splits are train and test"):
        images("digits", "val")


def test_without_the_environment_it_is_said(monkeypatch):
    monkeypatch.delenv("DEEPRES_DATA")
    with pytest.raises(UserError, match=r"DEEPRES_DATA \(which is not set\).*data fetch cifar10"):
        images("cifar10")

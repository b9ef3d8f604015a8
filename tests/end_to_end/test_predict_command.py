"""`deepres predict` as people call it: files, folders, patterns, lists, pipes, broken pictures."""

import csv
import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

import deepres
from deepres.card import Card, Preprocessing
from deepres.models import bundled, weights

CLASSES = ("cat", "dog", "hen")
HOW = Preprocessing(size=16, resize=16, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with weights and pictures, some in folders; engines are measured within it."""
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "cache"))
    network = deepres.create("resnet8", 3, seed=1)
    card = Card(network="resnet8", arch=network.arch, preprocessing=HOW, classes=CLASSES)
    weights.save(tmp_path / "net.safetensors", network, card, None)
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for number, name in enumerate(("b.png", "a.PNG", "more/c.jpg", "d.bmp", ".hidden.png")):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("not a picture, nor meant")
    return tmp_path


def told(out):
    return [one["image"] for one in json.loads(out)["predictions"]]


def test_files_folders_and_patterns_in_their_order(place, command):
    folder = place / "pictures"
    status, out, said = command(
        "predict", place / "net.safetensors", folder / "d.bmp", folder, f"{folder}/*.png", "--json"
    )
    assert status == 0, said
    names = ["d.bmp", "a.PNG", "b.png", "d.bmp", "more/c.jpg", "b.png"]
    assert told(out) == [str(folder / name) for name in names]
    network = deepres.load(place / "net.safetensors")
    for one in json.loads(out)["predictions"]:
        expected = network.predict(one["image"])[0]
        assert [guess["name"] for guess in one["classes"]] == [name for name, _ in expected]
        assert [guess["probability"] for guess in one["classes"]] == pytest.approx(
            [chance for _, chance in expected], abs=1e-5
        )
    assert "resnet8 (deepres)" in said


def test_bad_pictures_are_named_and_the_others_go_on(place, command):
    broken = place / "broken.png"
    broken.write_bytes((place / "pictures" / "b.png").read_bytes()[:200])
    given = [
        broken,
        place / "pictures" / "b.png",
        place / "gone.png",
        f"{place}/*.none",
        place / "e",
    ]
    (place / "e").mkdir()
    status, out, said = command("predict", place / "net.safetensors", *given, "--json")
    assert status == 2
    assert told(out) == [str(place / "pictures" / "b.png")]
    problems = json.loads(out)["problems"]
    words = ("is not a picture", "no such file", "fits this pattern", "holds no pictures")
    assert len(problems) == 4
    for problem, word in zip(problems, words, strict=True):
        assert word in problem and problem in said
    assert said.strip().splitlines()[-1] == "deepres: 4 pictures could not be read, as said above."


@pytest.mark.parametrize("kind", ["picture", "paths", "list"])
def test_standard_input_is_a_picture_or_a_list(place, command, monkeypatch, kind):
    folder = place / "pictures"
    paths = f"{folder / 'b.png'}\n\n{folder / 'd.bmp'}\n".encode()
    content = (folder / "b.png").read_bytes() if kind == "picture" else paths
    stream = io.TextIOWrapper(io.BytesIO(content))
    monkeypatch.setattr(sys, "stdin", stream)
    words = ["--list", "-"] if kind == "list" else ["-"]
    status, out, said = command("predict", place / "net.safetensors", *words, "--json")
    assert status == 0, said
    listed = [str(folder / "b.png"), str(folder / "d.bmp")]
    assert told(out) == (["standard input"] if kind == "picture" else listed)


def test_a_portable_pixmap_is_a_picture_though_it_begins_as_text(place, command, monkeypatch):
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PPM")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.getvalue())))
    status, out, _ = command("predict", place / "net.safetensors", "-", "--json")
    assert (status, told(out)) == (0, ["standard input"])


def test_csv_and_table(place, command):
    given = ["predict", place / "net.safetensors", place / "pictures"]
    status, out, _ = command(*given, "--format", "csv", "--top", 2)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (status, len(rows)) == (0, 4)
    assert set(rows[0]) == {"image", "guess1", "probability1", "guess2", "probability2"}
    assert 0 < float(rows[0]["probability2"]) <= float(rows[0]["probability1"]) < 1
    status, out, _ = command(*given, "--top", 1)
    assert (status, len(out.splitlines())) == (0, 4)
    assert rows[0]["guess1"] in out.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Name pictures"),
        (["-", "--list", "-"], "read once"),
        (["x.png", "--format", "yaml"], "table, csv, json"),
        (["x.png", "--engine", "magic"], "choose auto"),
        (["x.png", "--precision", "int4"], "fp32 or bf16"),
        (["--list", "nothing-here"], "no such file"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(place, command, words, says):
    status, out, said = command("predict", place / "net.safetensors", *words)
    assert (status, out) == (2, "")
    assert says in said
    assert len(said.strip().splitlines()) == 1


def test_bundled_weights_are_listed_loaded_predicted_with(place, command, monkeypatch):
    monkeypatch.setattr(bundled, "FOLDER", place / "bundled")
    network = deepres.load(place / "net.safetensors")
    for name in ("a/weights.safetensors", "b.safetensors"):
        weights.save(place / "bundled" / name, network, network.card, None)
    _, out, _ = command("list", "--json")
    assert json.loads(out)["weights"] == ["a", "b"]
    for name in "ab":
        assert deepres.load(name).card == network.card
        status, out, _ = command("predict", name, place / "pictures" / "b.png", "--json")
        assert (status, json.loads(out)["network"]) == (0, "resnet8")
    status, _, said = command("predict", "c", place / "pictures" / "b.png")
    assert status == 2 and "bundled (a, b)" in said

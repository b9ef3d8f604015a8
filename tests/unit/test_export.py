"""Exported files: the same answers, whole or not at all, nothing of this machine within."""

import json
import subprocess
import sys

import msgspec
import numpy as np
import pytest
import torch

import deepres
from deepres.accel.graph import graph as written_graph
from deepres.card import Card, Preprocessing, encode
from deepres.data.source import images
from deepres.errors import Failed, UserError
from deepres.export import compare, file, graph, int8, program
from deepres.export.takes import given, usual
from deepres.models.weights import save

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
HOW = Preprocessing(
    size=8, resize=8, colour="BGR", maximum=255, mean=(100, 110, 120), std=(50, 60, 70)
)


def network(how=HOW, **card):
    made = deepres.create("resnet8-a-both", 10, seed=2).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2, generator=torch.Generator().manual_seed(1))
    made.card = Card(network="resnet8-a-both", arch=made.arch, preprocessing=how, **card)
    return made


@pytest.fixture
def untraced(monkeypatch):
    """Files as the exporter makes them, but written node by node, which takes no time."""

    def traced(network, takes, opset):
        model = onnx.load_from_string(written_graph(network))
        model.doc_string = "/home/somebody/file.py"
        return model

    monkeypatch.setattr(graph, "traced", traced)


def test_the_file_is_compared_and_described(tmp_path, untraced):
    made = network(classes=tuple("abcdefghij"))
    report = file.export(made, tmp_path / "n.onnx")
    assert [batch.batch for batch in report.batches] == [1, 7, 64]
    assert report.agreement == 100 and 0 < report.largest_difference < 1e-3
    assert report.compared_on == "36 bundled digits and 36 of seeded noise"
    said = json.loads((tmp_path / "n.onnx.json").read_text())
    assert said["opset"] == 20 and said["network"] == "resnet8-a-both"
    assert said["takes"] == "float32 N x 3 x 8 x 8, normalised as the card says"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n.onnx", "n.onnx.json"]
    assert b"/home/somebody" not in (tmp_path / "n.onnx").read_bytes()
    assert deepres.load(tmp_path / "n.onnx").card == made.card


def test_with_data_the_test_set_is_counted_by_both(tmp_path, untraced):
    test = images("digits")
    report = file.export(network(), tmp_path / "n.onnx", test=test)
    assert report.compared_on == "72 pictures of digits test"
    assert (report.test.seen, report.test.data) == (500, "digits test")
    assert report.test.top1_errors == report.test.eager_top1_errors > 300
    assert msgspec.to_builtins(report)["test"]["top1_errors"] == report.test.top1_errors


@pytest.mark.parametrize("change", ["fc", "classes", "nan"])
def test_a_file_that_differs_leaves_nothing(tmp_path, untraced, monkeypatch, change):
    other = network()
    if change == "fc":
        other.fc.weight.data[0, 0] += 0.1
    elif change == "nan":
        other.fc.weight.data[0, 0] = torch.nan
    else:
        other = deepres.create("resnet8-a-both", 9).eval()
        other.card = network().card
    content = graph.exported(other, "normalised")
    (tmp_path / "n.onnx").write_text("what was there before")
    monkeypatch.setattr(graph, "exported", lambda network, takes: content)
    with pytest.raises(Failed, match="was not kept"):
        file.export(network(), tmp_path / "n.onnx")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["what was there before"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("n.txt", r"\.onnx or \.pt2"), ("n", r"\.onnx or \.pt2"), ("folder.onnx", "is a folder")],
)
def test_a_place_of_the_wrong_kind_is_refused(tmp_path, name, says):
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(UserError, match=says):
        file.export(network(), tmp_path / name)


def test_eight_bits_are_for_onnx(tmp_path):
    with pytest.raises(UserError, match="ONNX Runtime"):
        file.export(network(), tmp_path / "n.pt2", training=images("digits", "train"))


def test_a_mean_image_must_be_within(tmp_path):
    how = msgspec.structs.replace(HOW, mean_image=True)
    with pytest.raises(UserError, match="--input rgb"):
        file.export(network(how), tmp_path / "n.onnx")


def test_a_mean_image_goes_into_the_file_unless_told():
    made = network(msgspec.structs.replace(HOW, mean_image=True))
    assert [usual(network()), usual(made)] == ["normalised", "rgb"]


def test_somebody_elses_onnx_has_no_card(tmp_path):
    (tmp_path / "n.onnx").write_bytes(written_graph(network()))
    with pytest.raises(UserError, match="has no card"):
        deepres.load(tmp_path / "n.onnx")


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ({"classes": tuple("abc")}, "3 names"),
        ({"preprocessing": msgspec.structs.replace(HOW, size=9)}, "cuts 9 out of 8"),
    ],
)
def test_a_card_that_lies_is_refused(tmp_path, card, says):
    made = network()
    made.card = msgspec.structs.replace(made.card, **card)
    content = graph.finished(onnx.load_from_string(written_graph(made)), made, "normalised")
    (tmp_path / "n.onnx").write_bytes(content)
    with pytest.raises(UserError, match=says):
        deepres.load(tmp_path / "n.onnx")


def test_pictures_as_the_file_takes_them():
    made, pixels = network(), torch.randint(0, 256, (3, 8, 8, 3), dtype=torch.uint8)
    assert torch.equal(given(pixels, made, "rgb"), pixels)
    by_hand = (pixels.double().numpy()[..., ::-1] - HOW.mean) / HOW.std
    found = given(pixels, made, "normalised").permute(0, 2, 3, 1).numpy()
    assert np.abs(found - by_hand).max() < 1e-5


def test_ranges_come_from_training_images_alone(monkeypatch):
    made, train = network(), images("digits", "train")
    batches = list(int8._batches(made, "rgb", train))
    assert sum(map(len, batches)) == 512
    assert torch.equal(torch.cat(batches), torch.from_numpy(train.pixels[:512]))


@pytest.mark.slow
def test_the_exporter_itself_with_normalisation_within(tmp_path):
    made = network()
    report = file.export(made, tmp_path / "n.onnx", "rgb")
    assert report.agreement == 100
    model = onnx.load(tmp_path / "n.onnx")
    assert {one.key: one.value for one in model.metadata_props}["deepres"] == encode(made.card)
    shape = model.graph.input[0].type.tensor_type
    assert shape.elem_type == onnx.TensorProto.UINT8
    assert [d.dim_value or d.dim_param for d in shape.shape.dim] == ["batch", 8, 8, 3]
    content = (tmp_path / "n.onnx").read_bytes()
    assert b".py" not in content and b"stack_trace" not in content
    loaded = deepres.load(tmp_path / "n.onnx")
    shown = np.random.default_rng(0).integers(0, 256, (2, 12, 9, 3), dtype=np.uint8)
    for ours, theirs in zip(made.predict(shown), loaded.predict(shown), strict=True):
        assert [name for name, _ in ours] == [name for name, _ in theirs]
        assert [p for _, p in ours] == pytest.approx([p for _, p in theirs], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet20", "resnet18", "resnet50", "plain8", "resnet18-ceil"])
@pytest.mark.parametrize("ending", ["onnx", "pt2"])
def test_every_kind_of_network_is_exported(tmp_path, name, ending):
    made = deepres.create(name, 5, seed=1).eval()
    how = Preprocessing(size=64, resize=72, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
    made.card = Card(network=name, arch=made.arch, preprocessing=how)
    for takes in ("normalised", "rgb"):
        report = file.export(made, tmp_path / f"n.{ending}", takes)
        assert report.agreement == 100
        assert deepres.load(tmp_path / f"n.{ending}").predict(np.zeros((70, 80, 3), np.uint8))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_mean_image_is_within(tmp_path):
    made = network(msgspec.structs.replace(HOW, mean_image=True))
    made.mean_image = torch.rand(3, 8, 8) * 255
    for ending in ("onnx", "pt2"):
        assert file.export(made, tmp_path / f"n.{ending}", "rgb").agreement == 100


@pytest.mark.slow
def test_eight_bits_lose_little(real_data, tmp_path):
    """ResNet-56 as published: at most 0.3 points of CIFAR-10's test accuracy."""
    words = ["export", str(real_data / "weights" / "akamaster-resnet56-4bfd9763.th")]
    words += [str(tmp_path / "n.onnx"), "--int8", "--data", f"cifar10:{real_data / 'cifar10'}"]
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words, "--json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["precision"] == "int8"
    assert found["test"]["seen"] == 10_000
    assert abs(found["test"]["eager_top1_errors"] - 661) <= 2
    assert found["test"]["top1_errors"] <= 661 + 30


@pytest.mark.slow
def test_the_command_prints_the_contract(tmp_path, monkeypatch):
    made = network()
    save(tmp_path / "n.safetensors", made, made.card, None)
    words = ["export", tmp_path / "n.safetensors", tmp_path / "n.pt2", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["file"] == str(tmp_path / "n.pt2")
    assert found["agreement"] == 100 and found["largest_difference"] < 1e-3
    assert program.CARD == "card.json" and compare.BATCHES == (1, 7, 64)

"""Files for other libraries: what they cannot say is refused, what is written is whole."""

import json
import re

import pytest
import torch
from msgspec import structs

import deepres
from deepres.card import Card, Preprocessing, decode
from deepres.convert import out
from deepres.convert.out import write
from deepres.errors import UserError

HOW = Preprocessing(size=224, resize=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def network(name, how=HOW, classes=None, **card):
    with torch.device("meta"):
        made = deepres.create(name, 3)
    made = made.to_empty(device="cpu").eval()
    for tensor in made.state_dict().values():
        tensor.fill_(1)
    made.card = Card(network=name, arch=made.arch, preprocessing=how, classes=classes, **card)
    return made


@pytest.mark.parametrize(
    ("name", "to", "says"),
    [
        ("plain18", "torchvision", "torchvision, which lacks plain networks"),
        ("resnet20", "timm", "timm, which lacks the networks of Sec. 4.2"),
        ("resnet20-b", "hf", "transformers, which lacks the networks of Sec. 4.2"),
        ("resnet18-cifar", "torchvision", "a stem of one 3x3 convolution"),
        ("resnet18-pool", "hf", "a stem of one 3x3 convolution"),
        ("resnet18-ceil", "timm", "a max-pool without padding"),
        ("resnet34-a", "torchvision", "shortcuts of option A"),
        ("resnet34-c", "hf", "shortcuts of option C"),
        ("resnet50", "torchvision", "stride on the first 1x1 (`--to hf` can write it)"),
        ("resnet50", "timm", "stride on the first 1x1"),
        ("resnet10-1.1.1.1", "timm", "(1, 1, 1, 1) blocks"),
        ("resnet26-v1.5-bottleneck-2.2.2.2", "torchvision", "(2, 2, 2, 2) blocks"),
    ],
)
def test_what_a_library_lacks_is_named(tmp_path, name, to, says):
    made = network(name)
    place = tmp_path / ("x.pth" if to == "torchvision" else "x")
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        write(made, to, place)
    assert str(caught.value).startswith(f"{name} cannot be written for ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["torchvision", "timm", "hf"])
def test_a_mean_image_is_refused_not_approximated(tmp_path, to):
    made = network("resnet18", structs.replace(HOW, maximum=255, std=(1, 1, 1), mean_image=True))
    made.mean_image = torch.ones(3, 224, 224)
    with pytest.raises(UserError, match="mean image"):
        write(made, to, tmp_path / "x.pth")
    assert not list(tmp_path.iterdir())
    write(made, "deepres", tmp_path / "x")
    back = deepres.load(tmp_path / "x")
    assert torch.equal(back.mean_image, made.mean_image)
    assert back.card == made.card


def test_ours_is_a_file_or_a_folder(tmp_path):
    made = network("resnet8", Preprocessing(size=32, resize=32, mean=(0, 0, 0), std=(1, 1, 1)))
    assert write(made, "deepres", tmp_path / "x.safetensors") == ()
    assert write(made, "deepres", tmp_path / "x") == ()
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"x.safetensors", "x.json", "x/weights.safetensors", "x/card.json"}


@pytest.mark.parametrize(
    ("to", "place", "says"),
    [
        ("torchvision", "x", "a file such as resnet50.pth"),
        ("torchvision", "x.safetensors", "a file such as resnet50.pth"),
        ("torchvision", "folder.pth", "a file such as resnet50.pth"),
        ("timm", "x.safetensors", "are a folder"),
        ("hf", "x.pth", "are a folder"),
        ("hf", "file", "are a folder"),
        ("deepres", "file", "a .safetensors file or a folder"),
    ],
)
def test_a_place_of_the_wrong_kind_is_refused(tmp_path, to, place, says):
    (tmp_path / "folder.pth").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=says):
        write(network("resnet18"), to, tmp_path / place)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder.pth"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_network_without_a_card_is_refused(tmp_path):
    made = deepres.create("resnet8")
    with pytest.raises(UserError, match="no card"):
        write(made, "deepres", tmp_path / "x.safetensors")


@pytest.mark.parametrize(("to", "place"), [("torchvision", "x.pth"), ("hf", "x"), ("timm", "x")])
def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch, to, place):
    made = network("resnet18")
    write(made, to, tmp_path / place)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr(out.torch, "save", full)
    monkeypatch.setattr(out, "save_file", full)
    made.fc.bias.data.fill_(3)
    with pytest.raises(OSError, match="No space"):
        write(made, to, tmp_path / place)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def full(tensors, file, **how):
    """A disk that fills up half way."""
    if hasattr(file, "write"):
        file.write(b"half")
    else:
        file.write_bytes(b"half")
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("to", ["hf", "timm"])
def test_a_folder_that_is_there_keeps_what_else_it_holds(tmp_path, to):
    place = tmp_path / "mine"
    place.mkdir()
    (place / "notes.txt").write_text("keep me")
    made = network("resnet18")
    for value in (1, 2):
        made.fc.bias.data.fill_(value)
        write(made, to, place)
        assert deepres.load(place).fc.bias.tolist() == [value] * 3
    assert (place / "notes.txt").read_text() == "keep me"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_equal_networks_make_equal_files(tmp_path):
    made = network("resnet18", classes=("a", "b", "c"))
    for to, one, two in (("torchvision", "a.pth", "b.pth"), ("hf", "c", "d"), ("timm", "e", "f")):
        write(made, to, tmp_path / one)
        write(made, to, tmp_path / two)
        for path in (tmp_path / one, *(tmp_path / one).rglob("*")):
            if path.is_file():
                twin = tmp_path / two / path.relative_to(tmp_path / one)
                assert path.read_bytes() == twin.read_bytes(), path


def test_a_state_dict_has_our_card_beside_it(tmp_path):
    how = structs.replace(HOW, colour="BGR", maximum=255, mean=(1, 2, 3), std=(4, 5, 6))
    made = network("resnet18", how, classes=("a", "b", "c"))
    made.conv1.weight.data[:, 0] = 7
    notes = write(made, "torchvision", tmp_path / "x.pth")
    card = decode((tmp_path / "x.json").read_bytes())
    assert card.classes == ("a", "b", "c")
    assert card.preprocessing == structs.replace(how, colour="RGB", mean=(3, 2, 1), std=(6, 5, 4))
    tensors = torch.load(tmp_path / "x.pth", weights_only=True)
    assert tensors["conv1.weight"][0, :, 0, 0].tolist() == [1, 1, 7]
    assert made.conv1.weight[0, :, 0, 0].tolist() == [7, 1, 1]
    assert len(notes) == 2


def test_a_hub_page_says_what_the_card_says(tmp_path):
    made = network(
        "resnet50",
        classes=("a", "b", "c"),
        source="msra",
        guessed=("The sky is blue.",),
        numbers={"top1_error": 24.7},
    )
    write(made, "hf", tmp_path / "x")
    page = (tmp_path / "x" / "README.md").read_text()
    for words in (
        "# resnet50\n",
        "50 layers, bottleneck blocks (3, 4, 6, 3), shortcuts of option B",
        "its first 1x1",
        "3 classes\n",
        "shorter side 256 (bilinear), centre 224 x 224, RGB from 0 to 1",
        "mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225",
        "read from: msra",
        "assumed: The sky is blue.",
        "top1_error: 24.7",
        "pipeline_tag: image-classification",
    ):
        assert words in page
    config = json.loads((tmp_path / "x" / "config.json").read_text())
    assert config["label2id"] == {"a": 0, "b": 1, "c": 2}


def test_the_model_card_is_written_from_the_run(tmp_path):
    made = network(
        "resnet18",
        numbers={"top1_error": 8.27, "top1_errors": 827, "seen": 10_000, "top5_error": 0.34},
        provenance={"data": "cifar10", "steps": 64_000, "run": "abc"},
    )
    write(made, "hf", tmp_path / "x")
    page = (tmp_path / "x" / "README.md").read_text()
    front = page.split("---\n")[1]
    assert 'dataset: {name: "cifar10", type: "cifar10"}' in front
    assert "metrics: [{type: accuracy, value: 91.73}]" in front
    assert "| test | 8.27 % | 827 of 10,000 |" in page
    assert "- top5_error: 0.34" in page and "- steps: 64000" in page
    write(network("resnet18"), "hf", tmp_path / "y")
    page = (tmp_path / "y" / "README.md").read_text()
    assert "model-index" not in page and "## Errors" not in page

"""Folders of transformers and timm: `config.json` decides, and what it cannot mean is refused."""

import json
import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from safetensors.torch import load_file, save_file

import deepres
from deepres.card import Card, Preprocessing
from deepres.convert.out import crop_pct, huggingface_name, write
from deepres.convert.processor import preprocessing
from deepres.errors import UserError
from deepres.models.zoo import arch

HOW = Preprocessing(size=224, resize=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def network(name="resnet10-1.1.1.1", classes=("cat", "dog", "cow"), how=HOW):
    made = deepres.create(name, len(classes or "abc")).eval()
    made.card = Card(network=name, arch=made.arch, preprocessing=how, classes=classes)
    return made


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder of each library's, written once: tests change copies of its texts."""
    where = tmp_path_factory.mktemp("folders")
    write(network(), "hf", where / "hf")
    write(network("resnet18"), "timm", where / "timm")
    return where


@pytest.fixture
def folder(folders, tmp_path):
    """The folder of a library with some settings of its files changed; None takes one away."""

    def changed(library="hf", file="config.json", **settings):
        made = tmp_path / f"{library}-changed"
        made.mkdir(exist_ok=True)
        for path in (folders / library).iterdir():
            if not (made / path.name).exists():
                (made / path.name).symlink_to(path)
        content = json.loads((made / file).read_text()) | settings
        (made / file).unlink()
        kept = {name: value for name, value in content.items() if value is not None}
        (made / file).write_text(json.dumps(kept))
        return made

    return changed


def test_names_follow_transformers():
    rows = {
        "conv1.weight": "resnet.embedder.embedder.convolution.weight",
        "bn1.running_mean": "resnet.embedder.embedder.normalization.running_mean",
        "layer1.0.conv1.weight": "resnet.encoder.stages.0.layers.0.layer.0.convolution.weight",
        "layer4.12.bn3.bias": "resnet.encoder.stages.3.layers.12.layer.2.normalization.bias",
        "layer2.0.downsample.0.weight": "resnet.encoder.stages.1.layers.0.shortcut.convolution"
        ".weight",
        "layer2.0.downsample.1.num_batches_tracked": "resnet.encoder.stages.1.layers.0.shortcut"
        ".normalization.num_batches_tracked",
        "fc.bias": "classifier.1.bias",
    }
    assert {ours: huggingface_name(ours) for ours in rows} == rows


def test_a_folder_says_network_pictures_and_classes(folder):
    read = deepres.load(folder())
    assert read.card.network == "resnet10-1.1.1.1"
    assert read.card.classes == ("cat", "dog", "cow")
    assert read.card.preprocessing == HOW
    assert read.card.guessed == ()


def test_config_json_decides_the_stride(tmp_path):
    names = {True: "resnet14-bottleneck-1.1.1.1", False: "resnet14-v1.5-bottleneck-1.1.1.1"}
    for first, name in names.items():
        write(network(name), "hf", tmp_path / name)
        told = json.loads((tmp_path / name / "config.json").read_text())
        assert told["downsample_in_bottleneck"] is first
        assert deepres.load(tmp_path / name).arch == arch(name, 3)
    # the very same tensors, another network: nothing but config.json tells
    told = (tmp_path / names[True] / "config.json").read_text()
    (tmp_path / names[False] / "config.json").write_text(told)
    assert deepres.load(tmp_path / names[False]).arch.stride_at == "first"


def test_weights_without_their_config_are_guessed(folders, tmp_path):
    alone = tmp_path / "alone.safetensors"
    alone.symlink_to(folders / "hf" / "model.safetensors")
    card = deepres.load(alone).card
    assert any("No config.json" in sentence for sentence in card.guessed)
    assert card.preprocessing.interpolation == "bicubic"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"model_type": "regnet"}, "regnet"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"downsample_in_first_stage": True}, "downsample_in_first_stage True"),
        ({"embedding_size": 32}, "embedding_size 32"),
        ({"hidden_sizes": [64, 128, 256, 500]}, "500"),
        ({"layer_type": "bottleneck"}, "layer_type 'bottleneck'"),
        ({"depths": [1, 1, 1, 2]}, "depths [1, 1, 1, 2]"),
        ({"depths": "many"}, "depths"),
        ({"id2label": {"0": "cat"}}, "1 classes"),
        ({"id2label": {"0": "cat", "1": "dog", "3": "cow"}}, "id2label"),
        ({"id2label": {"0": "cat", "1": 5}}, "id2label"),
    ],
)
def test_what_the_paper_has_not_is_refused(folder, settings, says):
    changed = folder(**settings)
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        deepres.load(changed)
    assert str(changed) in str(caught.value)


def test_labels_that_only_number_are_no_names(folder):
    numbered = {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    assert deepres.load(folder(id2label=numbered)).card.classes is None
    assert deepres.load(folder(id2label=None)).card.classes is None


def test_a_base_model_has_no_classifier(folders, tmp_path):
    tensors = load_file(folders / "hf" / "model.safetensors")
    base = {
        name.removeprefix("resnet."): t
        for name, t in tensors.items()
        if not name.startswith("classifier")
    }
    save_file(base, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folders / "hf" / "config.json").read_text())
    with pytest.raises(UserError, match="base model, which has no classifier"):
        deepres.load(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: (f / "model.safetensors").unlink(), "neither model.safetensors nor"),
        (lambda f: (f / "config.json").write_text("{"), "not JSON"),
        (lambda f: (f / "config.json").write_text("[" * 100_000), "not JSON"),
        (lambda f: (f / "config.json").write_text("[]"), "JSON object"),
        (lambda f: (f / "config.json").write_text(" " * (2**24 + 1)), "too many"),
        (lambda f: (f / "preprocessor_config.json").write_text("3"), "JSON object"),
        (lambda f: (f / "preprocessor_config.json").write_text("{}"), "size"),
    ],
)
def test_a_spoilt_folder_is_one_sentence(folder, spoil, says):
    made = folder()
    for name in ("config.json", "preprocessor_config.json"):
        text = (made / name).read_text()
        (made / name).unlink()
        (made / name).write_text(text)
    spoil(made)
    with pytest.raises(UserError, match=says) as caught:
        deepres.load(made)
    assert str(made) in str(caught.value)


def test_pieces_are_named(tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(UserError, match="in pieces"):
        deepres.load(tmp_path)


CONVNEXT = {
    "feature_extractor_type": "ConvNextFeatureExtractor",
    "crop_pct": 0.875,
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 3,
    "size": 224,
}
BIT = {
    "image_processor_type": "BitImageProcessor",
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "size": {"shortest_edge": 232},
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.1, 0.2, 0.3],
    "resample": 2,
}
VIT = {
    "image_processor_type": "ViTImageProcessor",
    "size": {"height": 96, "width": 96},
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.1, 0.2, 0.3],
}


@pytest.mark.parametrize(
    ("config", "expected", "guesses"),
    [
        (CONVNEXT, structs.replace(HOW, interpolation="bicubic"), 0),
        (CONVNEXT | {"size": {"shortest_edge": 200}, "crop_pct": None}, (200, 228), 0),
        (CONVNEXT | {"size": 384}, (384, 384), 1),
        (BIT, (224, 232), 0),
        (BIT | {"crop_size": 200, "do_resize": False}, (200, 200), 1),
        (BIT | {"resample": 1}, (224, 232), 1),
        (VIT, (96, 96), 1),
        (None, structs.replace(HOW, interpolation="bicubic"), 1),
    ],
)
def test_processors_as_ours(config, expected, guesses):
    how, guessed = preprocessing(config, "x")
    if isinstance(expected, tuple):
        assert (how.size, how.resize) == expected
    else:
        assert how == expected
    assert len(guessed) == guesses


def test_processors_that_do_not_rescale_or_normalise():
    how, _ = preprocessing(BIT | {"do_rescale": False, "image_mean": [120, 110, 100]}, "x")
    assert (how.maximum, how.mean) == (255, (120, 110, 100))
    how, _ = preprocessing(BIT | {"do_normalize": False}, "x")
    assert (how.maximum, how.mean, how.std) == (1, (0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rescale_factor": 1 / 127.5}, "rescale_factor"),
        ({"image_std": [0.1, 0, 0.1]}, "not positive"),
        ({"image_mean": [0.5]}, "image_mean"),
        ({"size": {"height": 3, "width": 4}}, "square"),
        ({"size": {"shortest_edge": 100}}, "cuts 224 out of 100"),
        ({"size": {"shortest_edge": 10**9}}, "cuts 224 out of"),
        ({"size": -1}, "cuts 224 out of -1"),
        ({"resample": "best"}, "resample"),
    ],
)
def test_processors_that_cannot_be(changes, says):
    with pytest.raises(UserError, match=says):
        preprocessing(BIT | changes, "x")


def test_timm_folders_say_pictures_and_classes(folder):
    plain = deepres.load(folder("timm")).card
    assert (plain.source, plain.preprocessing, plain.guessed) == ("timm", HOW, ())
    pictures = {"input_size": [3, 224, 224], "crop_pct": 0.95, "interpolation": "bicubic"}
    names = ["n1", "n2", "n3"]
    described = {"n1": "a tench", "n3": "a goldfish"}
    made = folder("timm", pretrained_cfg=pictures, label_names=names, label_descriptions=described)
    card = deepres.load(made).card
    assert (card.network, card.source) == ("resnet18", "timm")
    assert card.classes == ("a tench", "n2", "a goldfish")
    how = card.preprocessing
    assert (how.size, how.resize, how.interpolation, how.mean) == (224, 235, "bicubic", HOW.mean)
    tested = pictures | {"test_input_size": [3, 288, 288], "test_crop_pct": 1.0}
    guessed = deepres.load(folder("timm", pretrained_cfg=tested)).card.guessed
    assert any("288" in sentence for sentence in guessed)
    by_number = {"0": "zero", "1": "one", "2": "two"}
    assert deepres.load(folder("timm", label_names=by_number)).card.classes == (
        "zero",
        *("one", "two"),
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"architecture": "resnet50d"}, "timm's resnet50d"),
        ({"architecture": "seresnet50"}, "timm's seresnet50"),
        ({"architecture": "wide_resnet50_2"}, "timm's wide_resnet50_2"),
        ({"architecture": "resnext50_32x4d"}, "timm's resnext50_32x4d"),
        ({"architecture": "resnet50_gn"}, "timm's resnet50_gn"),
        ({"architecture": "resnetblur50"}, "timm's resnetblur50"),
        ({"architecture": "resnet26"}, "timm's resnet26"),
        ({"architecture": ["resnet18"]}, "architecture"),
        ({"model_args": {"output_stride": 16}}, "output_stride 16"),
        ({"global_pool": "catavgmax"}, "catavgmax"),
        ({"label_names": ["one"]}, "1 classes"),
        ({"pretrained_cfg": {"crop_pct": 0}}, "crop_pct"),
        ({"pretrained_cfg": {"crop_pct": 1e-9}}, "crop_pct"),
        ({"pretrained_cfg": {"std": [0, 1, 1]}}, "divides by"),
        ({"pretrained_cfg": {"input_size": [3, 224, 288]}}, "288"),
        ({"pretrained_cfg": 3}, "cannot be used"),
    ],
)
def test_timm_networks_that_are_not_the_papers(folder, settings, says):
    made = folder("timm", **settings)
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        deepres.load(made)
    assert str(made) in str(caught.value)


@given(st.integers(1, 1000), st.integers(0, 1000))
def test_timm_resizes_by_a_fraction_to_the_pixel(size, more):
    how = structs.replace(HOW, size=size, resize=size + more)
    assert math.floor(size / crop_pct(how)) == size + more


def test_half_precision_is_read_as_single(folders, tmp_path):
    tensors = load_file(folders / "hf" / "model.safetensors")
    halves = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    save_file(halves, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folders / "hf" / "config.json").read_text())
    read = deepres.load(tmp_path)
    assert read.fc.weight.dtype == torch.float32
    assert torch.equal(read.fc.weight, tensors["classifier.1.weight"].half().float())

"""What we write, read by those for whom it is written: strictly, with the same answers."""

import functools

import numpy as np
import pytest
import torch
from msgspec import structs
from PIL import Image

import deepres
from deepres.card import Card, Preprocessing
from deepres.convert.out import write
from deepres.errors import UserError

IMAGENET = Preprocessing(size=64, resize=72, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
NAMES = ("cat", "dog", "cow", "hen", "pig")


@functools.cache
def trained(name, how=IMAGENET, classes=NAMES):
    """A network with the batch statistics that only training gives."""
    network = deepres.create(name, len(classes or NAMES), seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            module.weight.data.uniform_(0.5, 1.2, generator=generator)
            module.bias.data.normal_(0, 0.2, generator=generator)
            module.num_batches_tracked.fill_(7)
    network.card = Card(network=name, arch=network.arch, preprocessing=how, classes=classes)
    return network


def equal(network, other):
    """Every tensor to the bit."""
    theirs = other.state_dict()
    assert network.state_dict().keys() == theirs.keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name


def agree(ours, theirs, flipped=False):
    """Equal answers to noise, and answers that are not all alike, or anything would agree."""
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        expected = ours(x.flip(1) if flipped else x)
        answers = theirs.eval()(x)
    assert (expected[0] - expected[1]).abs().max() > 0.01
    torch.testing.assert_close(getattr(answers, "logits", answers), expected, rtol=1e-5, atol=1e-5)


def picture():
    """Already of the size that is cut from: libraries differ in how they shrink, not in this."""
    pixels = np.random.default_rng(4).integers(0, 256, (72, 90, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def prepared(network):
    """What ours makes of that picture."""
    from deepres.models.pixels import normalised, views

    how = network.card.preprocessing
    return normalised(views([picture()], how), how, None)


@pytest.mark.parametrize("name", ["resnet18", "resnet50-v1.5"])
def test_torchvision_loads_it(tmp_path, peer, name):
    models = peer("torchvision.models")
    network = trained(name)
    notes = write(network, "torchvision", tmp_path / "x.pth")
    theirs = getattr(models, name.removesuffix("-v1.5"))(num_classes=5)
    theirs.load_state_dict(torch.load(tmp_path / "x.pth", weights_only=True), strict=True)
    agree(network, theirs)
    equal(network, deepres.load(tmp_path / "x.pth"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.json", "x.pth"]
    assert any("64 of 72" in sentence for sentence in notes)


@pytest.mark.parametrize("name", ["resnet18", "resnet50-v1.5"])
def test_timm_loads_it(tmp_path, peer, name):
    timm, data = peer("timm"), peer("timm.data")
    network = trained(name)
    write(network, "timm", tmp_path / "made")
    theirs = timm.create_model(f"local-dir:{tmp_path / 'made'}", pretrained=True).eval()
    agree(network, theirs)
    config = data.resolve_model_data_config(theirs)
    pixels = data.create_transform(**config)(picture())[None]
    torch.testing.assert_close(prepared(network), pixels, rtol=1e-5, atol=1e-5)
    back = deepres.load(tmp_path / "made")
    equal(network, back)
    assert (back.card.classes, back.card.preprocessing) == (NAMES, IMAGENET)
    assert back.arch == network.arch


def test_timm_loads_its_file_alone(tmp_path, peer):
    timm = peer("timm")
    network = trained("resnet18")
    write(network, "timm", tmp_path / "made")
    weights = str(tmp_path / "made" / "model.safetensors")
    agree(network, timm.create_model("resnet18", num_classes=5, checkpoint_path=weights))


@pytest.mark.parametrize(
    "name",
    ["resnet18", "resnet50", "resnet50-v1.5", "resnet20-bottleneck-1.2.2.1", "resnet10-1.1.1.1"],
)
def test_transformers_loads_it(tmp_path, peer, name):
    transformers = peer("transformers")
    network = trained(name)
    write(network, "hf", tmp_path / "made")
    theirs, report = transformers.ResNetForImageClassification.from_pretrained(
        tmp_path / "made", output_loading_info=True
    )
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    agree(network, theirs)
    assert theirs.config.id2label == dict(enumerate(NAMES))
    back = deepres.load(tmp_path / "made")
    equal(network, back)
    assert (back.card.classes, back.card.preprocessing) == (NAMES, IMAGENET)
    assert (back.arch, back.card.guessed) == (network.arch, ())


@pytest.mark.parametrize("maximum", [1, 255])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_transformers_prepares_pictures_as_we_do(tmp_path, peer, maximum, interpolation):
    processing = peer("transformers.models.auto.image_processing_auto")
    how = structs.replace(IMAGENET, interpolation=interpolation)
    if maximum == 255:
        how = structs.replace(how, maximum=255, mean=(120, 110, 100), std=(60, 61, 62))
    network = trained("resnet10-1.1.1.1", how)
    write(network, "hf", tmp_path / "made")
    processor = processing.AutoImageProcessor.from_pretrained(tmp_path / "made")
    pixels = processor(picture(), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(prepared(network), pixels, rtol=1e-5, atol=1e-5)
    assert deepres.load(tmp_path / "made").card.preprocessing == how


def test_timm_takes_pixels_to_255(tmp_path, peer):
    timm, data = peer("timm"), peer("timm.data")
    how = structs.replace(IMAGENET, maximum=255, mean=(120, 110, 100), std=(60, 61, 62))
    network = trained("resnet18", how)
    assert any("255" in sentence for sentence in write(network, "timm", tmp_path / "made"))
    theirs = timm.create_model(f"local-dir:{tmp_path / 'made'}", pretrained=True)
    pixels = data.create_transform(**data.resolve_model_data_config(theirs))(picture())[None]
    torch.testing.assert_close(prepared(network), pixels, rtol=1e-5, atol=1e-5)
    equal(network, deepres.load(tmp_path / "made"))


def test_blue_first_becomes_red_first(tmp_path, peer):
    transformers = peer("transformers")
    processing = peer("transformers.models.auto.image_processing_auto")
    how = structs.replace(
        IMAGENET, colour="BGR", maximum=255, mean=(103.063, 115.903, 123.152), std=(1, 1, 1)
    )
    network = trained("resnet10-1.1.1.1", how)
    notes = write(network, "hf", tmp_path / "made")
    assert any("RGB" in sentence for sentence in notes)
    theirs = transformers.ResNetForImageClassification.from_pretrained(tmp_path / "made").eval()
    agree(network, theirs, flipped=True)
    processor = processing.AutoImageProcessor.from_pretrained(tmp_path / "made")
    pixels = processor(picture(), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(prepared(network).flip(1), pixels, rtol=1e-5, atol=1e-5)
    back = deepres.load(tmp_path / "made")
    assert back.card.preprocessing.mean == (123.152, 115.903, 103.063)
    assert torch.equal(back.conv1.weight.flip(1), network.conv1.weight)
    shown, as_shown = network.predict(picture())[0], back.predict(picture())[0]
    assert [name for name, _ in shown] == [name for name, _ in as_shown]


@pytest.mark.parametrize(
    ("block", "first", "pickled"),
    [
        ("basic", False, False),
        ("basic", True, True),
        ("bottleneck", False, True),
        ("bottleneck", True, False),
    ],
)
def test_transformers_own_folders(tmp_path, peer, block, first, pickled):
    transformers = peer("transformers")
    config = transformers.ResNetConfig(
        layer_type=block,
        depths=[1, 2, 2, 1],
        hidden_sizes=[64, 128, 256, 512] if block == "basic" else [256, 512, 1024, 2048],
        downsample_in_bottleneck=first,
        id2label=dict(enumerate(NAMES)),
        label2id={name: number for number, name in enumerate(NAMES)},
    )
    theirs = transformers.ResNetForImageClassification(config).eval()
    generator = torch.Generator().manual_seed(5)
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    theirs.save_pretrained(tmp_path)
    if pickled:
        (tmp_path / "model.safetensors").unlink()
        torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    network = deepres.load(tmp_path)
    agree(network, theirs)
    assert network.card.classes == NAMES
    assert network.arch.stride_at == ("3x3" if block == "bottleneck" and not first else "first")


def test_timms_own_folders(tmp_path, peer):
    timm, hub = peer("timm"), peer("timm.models")
    theirs = timm.create_model("resnet18.a1_in1k", pretrained=False, num_classes=5).eval()
    hub.save_for_hf(theirs, tmp_path, model_config={"label_names": list(NAMES)})
    network = deepres.load(tmp_path)
    agree(network, theirs)
    card = network.card
    assert (card.source, card.classes) == ("timm", NAMES)
    how = card.preprocessing
    assert (how.size, how.resize, how.interpolation) == (224, 235, "bicubic")
    assert any("288" in sentence for sentence in card.guessed)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resnet50d", "ResNet-D"),
        ("seresnet50", "SE-ResNet"),
        ("resnext50_32x4d", "resnext50_32x4d|ResNeXt"),
        ("resnetblur18", "resnetblur18"),  # the very tensors of resnet18
    ],
)
def test_timms_other_networks_are_refused(tmp_path, peer, name, says):
    timm, hub = peer("timm"), peer("timm.models")
    hub.save_for_hf(timm.create_model(name, pretrained=False), tmp_path)
    with pytest.raises(UserError, match=says):
        deepres.load(tmp_path)

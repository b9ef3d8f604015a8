"""Checkpoints of libraries that are here: their own networks answer as ours do."""

from pathlib import Path

import pytest
import torch
from torch import nn

import deepres
from deepres import convert
from deepres.convert.checked import checked
from deepres.convert.detect import converted
from deepres.convert.family import Checkpoint
from deepres.errors import UserError


@torch.no_grad()
def shaken(build):
    """A network with random weights and batch statistics, without its own slow initialisation."""
    with torch.device("meta"):
        network = build()
    network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = (4.5 / module.weight[0].numel()) ** 0.5
            module.weight.uniform_(-bound, bound, generator=generator)
            if module.bias is not None:
                module.bias.uniform_(-1, 1, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            module.weight.uniform_(0.4, 0.9, generator=generator)
            module.bias.uniform_(-0.3, 0.3, generator=generator)
            module.num_batches_tracked.fill_(7)
    return network.eval()


@torch.inference_mode()
def agree(theirs, ours):
    pictures = torch.randn(2, 3, 70, 70, generator=torch.Generator().manual_seed(0))
    expected = theirs(pictures)
    assert expected.std() > 1e-3
    torch.testing.assert_close(ours(pictures), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layers", [18, 34, 50, pytest.param(101, marks=pytest.mark.slow), 152])
def test_torchvisions_networks(tmp_path, peer, layers):
    models = peer("torchvision.models")
    build = getattr(models, f"resnet{layers}")
    theirs = shaken(lambda: build(weights=None, num_classes=37))
    path = tmp_path / "checkpoint.pth"
    average = torch.optim.swa_utils.AveragedModel(theirs).state_dict()
    content = {"model": theirs.state_dict(), "optimizer": {}, "epoch": 3, "args": {}}
    if layers == 18:  # references/classification/train.py --model-ema
        zeros = {name: torch.zeros_like(t) for name, t in theirs.state_dict().items()}
        content |= {"model": zeros, "model_ema": average}
    torch.save(content, path)
    ours = deepres.load(path)
    agree(theirs, ours)
    assert ours.card.source == "torchvision"
    assert ours.card.network == f"resnet{layers}" + ("-v1.5" if layers >= 50 else "")
    assert ours.card.classes is None
    theirs.load_state_dict(ours.state_dict())  # the names are torchvision's, so this just works


@pytest.mark.parametrize("layers", [18, 34, 50])
def test_timms_networks(tmp_path, peer, layers):
    timm = peer("timm")
    theirs = shaken(lambda: timm.create_model(f"resnet{layers}", pretrained=False))
    path = tmp_path / "model_best.pth.tar"
    compiled = {f"_orig_mod.{name}": tensor for name, tensor in theirs.state_dict().items()}
    torch.save({"epoch": 3, "arch": f"resnet{layers}", "state_dict": compiled, "version": 2}, path)
    ours = deepres.load(path)
    agree(theirs, ours)
    how, cfg = ours.card.preprocessing, theirs.pretrained_cfg
    assert ours.card.source == "timm"
    assert (how.mean, how.std, how.size) == (cfg["mean"], cfg["std"], cfg["input_size"][1])
    assert how.interpolation == cfg["interpolation"]
    assert how.resize == int(cfg["input_size"][1] / cfg["crop_pct"])


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_a_conversion_is_compared_with_its_authors_library(tmp_path, peer, library):
    models = peer("torchvision.models")
    peer(library)
    path = tmp_path / "model.pth"
    tensors = shaken(lambda: models.resnet18(num_classes=5)).state_dict()
    about = {} if library == "torchvision" else {"arch": "resnet18", "version": 2, "epoch": 1}
    torch.save({"state_dict": tensors, **about}, path)
    found = convert.checkpoint(path)
    made = converted(found)
    network = convert.assembled(made, path)
    assert f"{library}'s own network gives the same logits" in checked(found, made, network)
    with torch.no_grad():
        network.layer3[1].bn2.bias += 0.01
    with pytest.raises(UserError, match=f"{library}'s own network answers otherwise"):
        checked(found, made, network)


@pytest.mark.slow
def test_transformers_folders_are_compared_too(tmp_path, peer):
    transformers = peer("transformers")
    config = transformers.ResNetConfig(
        depths=[1, 1, 1, 1], downsample_in_bottleneck=True, num_labels=4
    )
    theirs = shaken(lambda: transformers.ResNetForImageClassification(config))
    theirs.save_pretrained(tmp_path)
    found = convert.checkpoint(tmp_path)
    made = converted(found)
    said = checked(found, made, convert.assembled(made, tmp_path))
    assert "transformers's own network gives the same logits" in said


REFUSED = {
    "densenet121": "is a DenseNet",
    "seresnet18": "squeeze-and-excitation",
    "ecaresnet26t": "squeeze-and-excitation|deep stem",
    "resnet18d": "ResNet-D|deep stem",
    "resnet50c": "deep stem",
    "resnet50s": "deep stem",
    "resnet26t": "ResNet-D|deep stem",
    "resnet50_gn": "no running statistics",
    "resnext50_32x4d": "ResNeXt: its 3x3 convolutions work in 32 groups",
    "wide_resnet50_2": "wide ResNet: its first bottleneck is 128 wide",
    "resnet10t": "deep stem|ResNet-D",
    "resnetv2_50": "no kind of ResNet file",
    "res2net50_26w_4s": "which no network of the paper has|no kind of",
    "resnest14d": "squeeze|deep stem|ResNet-D",
    "skresnet18": "no kind of ResNet file",
    "cspresnet50": "no kind of ResNet file",
    "vgg11": "is a VGG or AlexNet",
    "vgg16_bn": "is a VGG or AlexNet",
    "vit_tiny_patch16_224": "is a vision transformer",
    "swin_tiny_patch4_window7_224": "is a vision transformer",
    "mobilenetv3_small_050": "depthwise|squeeze",
    "efficientnet_b0": "depthwise|squeeze",
    "convnext_atto": "depthwise|no kind of",
    "regnetx_002": "no kind of ResNet file",
    "inception_v3": "is an Inception network",
}


@pytest.mark.parametrize("name", REFUSED)
def test_networks_that_are_not_the_papers_are_called_by_what_they_are(peer, name):
    timm = peer("timm")
    with torch.device("meta"):
        tensors = timm.create_model(name, pretrained=False).state_dict()
    found = Checkpoint(Path(f"{name}.pth"), "plain", dict(tensors))
    with pytest.raises(UserError, match=REFUSED[name]) as refusal:
        converted(found)
    assert "\n" not in str(refusal.value)

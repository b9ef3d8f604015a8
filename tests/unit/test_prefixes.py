"""mmpretrain and composer: networks that are told by a prefix and a numbering."""

import itertools
import re

import pytest
import torch
from authors import Torchvisions, conv, shaken
from torch import nn
from torch.nn import functional as F

import deepres
from deepres.convert import mmpretrain
from deepres.data.cifar.names import CIFAR10, CIFAR100
from deepres.errors import UserError


def same(path, theirs, size=32):
    """Our network from the file, whose answers are theirs."""
    ours = deepres.load(path)
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(7)).double()
    with torch.inference_mode():
        expected, found = theirs.double().eval()(x), ours.double()(x)
    assert (expected[0] - expected[1]).abs().max() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    return ours.card


class MMPretrain(nn.Module):
    """An image classifier: backbone, neck without weights, head."""

    def __init__(self, **how):
        super().__init__()
        self.backbone = Torchvisions(**how)
        self.head = nn.Module()
        self.head.fc = self.backbone.fc
        del self.backbone.fc

    def forward(self, x):
        self.backbone.fc = self.head.fc
        return self.backbone(x)


WIDTHS = (64, 128, 256, 512)
SMALL = {"depths": (1, 1, 1, 1), "widths": WIDTHS}
LARGE = SMALL | {"stem": 7, "expansion": 4, "pool": nn.MaxPool2d(3, 2, 1)}


def saved(path, network, **meta):
    torch.save({"meta": {"epoch": 100} | meta, "state_dict": network.state_dict()}, path)
    return path


@pytest.mark.parametrize(
    ("style", "field"), [("pytorch", "cfg"), ("caffe", "cfg"), ("caffe", "config")]
)
def test_mmpretrain_says_its_stride_in_its_configuration(tmp_path, style, field):
    theirs = shaken(MMPretrain(**LARGE, first=style == "caffe", classes=3))
    text = f"model = dict(backbone=dict(type='ResNet', depth=50, style='{style}'))"
    names = {"dataset_meta": {"classes": ["cat", "dog", "cow"]}}
    card = same(saved(tmp_path / "x.pth", theirs, **{field: text}, **names), theirs, 64)
    assert (card.source, card.classes) == ("mmpretrain", ("cat", "dog", "cow"))
    assert card.arch.stride_at == ("first" if style == "caffe" else "3x3")
    how = card.preprocessing
    assert (how.maximum, how.colour, how.size, how.resize) == (255, "RGB", 224, 256)
    assert (how.mean, how.std) == ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


@pytest.mark.parametrize("classes", [CIFAR10, CIFAR100])
def test_mmpretrain_on_cifar(tmp_path, classes):
    theirs = shaken(MMPretrain(**SMALL, classes=len(classes)))
    card = same(saved(tmp_path / "x.pth", theirs), theirs)
    assert (card.network, card.classes) == ("resnet10-1.1.1.1-cifar", classes)
    mean = {10: 125.307, 100: 129.304}[len(classes)]
    assert (card.preprocessing.mean[0], card.preprocessing.size) == (mean, 32)


@pytest.mark.parametrize(
    "meta",
    [
        {"dataset_meta": {"classes": ["too", "few"]}},
        {"dataset_meta": {"classes": 3}},
        {"dataset_meta": None},
        {"CLASSES": "abc"},
        {"cfg": {"style": "caffe"}},
    ],
)
def test_a_meta_of_another_kind_says_nothing(meta):
    assert mmpretrain.classes(meta, 3) is None
    assert not mmpretrain.caffe_style(meta)


def test_mmclassification_named_classes_in_its_own_way(tmp_path):
    network = shaken(MMPretrain(**SMALL, classes=3))
    card = deepres.load(saved(tmp_path / "x.pth", network, CLASSES=("a", "b", "c"))).card
    assert card.classes == ("a", "b", "c")


class Composer(nn.Module):
    """All blocks in one row; a projection where maps shrink."""

    class Block(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            shrinks = inputs != outputs
            self.conv1, self.bn1 = conv(inputs, outputs, 3, 1 + shrinks), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = conv(outputs, outputs, 3), nn.BatchNorm2d(outputs)
            self.shortcut = nn.Sequential()
            if shrinks:
                self.shortcut = nn.Sequential(conv(inputs, outputs, 1, 2), nn.BatchNorm2d(outputs))

        def forward(self, x):
            f = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(f)) + self.shortcut(x))

    def __init__(self, n):
        super().__init__()
        self.conv, self.bn = conv(3, 16, 3), nn.BatchNorm2d(16)
        widths = [16] * (n + 1) + [32] * n + [64] * n
        pairs = itertools.pairwise(widths)
        self.blocks = nn.Sequential(*(self.Block(*pair) for pair in pairs))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn(self.conv(x))))
        return self.fc(x.mean((2, 3)))


class ComposerClassifier(nn.Module):
    """composer's own wrapper, whose attribute is called like DataParallel's."""

    def __init__(self, module):
        super().__init__()
        self.module = module


@pytest.mark.parametrize("n", [1, 3, 4])
def test_composer_numbers_blocks_through_all_stages(tmp_path, n):
    theirs = shaken(Composer(n))
    state = {"model": ComposerClassifier(theirs).state_dict(), "dataset_state": {}}
    torch.save({"state": state, "rng": []}, tmp_path / "ep160.pt")
    card = same(tmp_path / "ep160.pt", theirs)
    assert (card.network, card.source) == (f"resnet{6 * n + 2}-b", "composer")
    assert card.classes == CIFAR10
    assert card.preprocessing.std == (0.247, 0.243, 0.261)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: {k: v for k, v in t.items() if "blocks.5" not in k}, "5 blocks"),
        (lambda t: {k.replace("blocks.5", "blocks.7"): v for k, v in t.items()}, "numbered 7"),
        (lambda t: {k: v for k, v in t.items() if k != "blocks.4.conv2.weight"}, "conv2.weight"),
        (lambda t: t | {"blocks.0.conv3.weight": torch.ones(1)}, "layer1.0.conv3.weight"),
        (lambda t: t | {"fc.weight": torch.ones(())}, "fc.weight"),
    ],
)
def test_composers_rows_that_are_no_network(tmp_path, spoil, says):
    path = tmp_path / "x.pt"
    torch.save(spoil(shaken(Composer(2)).state_dict()), path)
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        deepres.load(path)
    assert str(path) in str(caught.value)

"""Each author's file, built anew, answers in our network as it did in its author's."""

import argparse
import re

import pytest
import torch
from authors import (
    Akamaster,
    AMartyn,
    Kuangliu,
    Nabla,
    Torchvisions,
    Weiaicunzai,
    shaken,
)
from torch import nn

import deepres
from deepres.data.cifar.names import CIFAR10, CIFAR100
from deepres.errors import UserError
from deepres.models.zoo import arch

NARROW, WIDE = (16, 32, 64), (64, 128, 256, 512)
USUAL, CAFFES = nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, 0, ceil_mode=True)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
TRUE10 = ((0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616))
FALSE10 = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
FALSE100 = ((0.507, 0.4865, 0.4409), (0.2673, 0.2564, 0.2761))


def same(path, theirs, *, source=None, size=32, last=lambda logits: logits):
    """Ours gives what theirs does, in double precision so that nothing hides in rounding."""
    ours = deepres.load(path, profile=source)
    pictures = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(7)).double()
    with torch.inference_mode():
        expected = theirs.double().eval()(pictures)
        found = last(ours.double()(pictures))
    assert found.std() > 1e-3  # not all alike, or anything would pass
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    return ours.card


def card_says(card, *, network, source, pictures, classes=CIFAR10, colour="RGB", maximum=1):
    how = card.preprocessing
    assert (card.network, card.source, card.classes) == (network, source, classes)
    assert (how.mean, how.std, how.colour, how.maximum) == (*pictures, colour, maximum)
    assert card.arch == arch(network, len(classes) if classes else None)


@pytest.mark.parametrize("option", ["A", "B"])
def test_akamaster(tmp_path, option):
    theirs = shaken(Akamaster(2, option))
    tensors = nn.DataParallel(theirs).state_dict()
    old = {name: t for name, t in tensors.items() if not name.endswith("num_batches_tracked")}
    path = tmp_path / "model.th"
    content = {"state_dict": old, "best_prec1": 91.7, "epoch": 199}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    card = same(path, theirs)
    network = {"A": "resnet14-a-both", "B": "resnet14-b"}[option]
    card_says(card, network=network, source="akamaster", pictures=IMAGENET)
    assert card.guessed == ()


@pytest.mark.parametrize("shortcuts", [True, False])
def test_a_martyn(tmp_path, shortcuts):
    theirs = shaken(AMartyn(3, shortcuts))
    path = tmp_path / ("resnet20.pt" if shortcuts else "plainnet20.pt")
    torch.save(theirs.state_dict(), path)
    card = same(path, theirs, last=lambda logits: logits.log_softmax(1))
    pictures = ((0.49187,) * 3, (0.24697,) * 3)
    network, source = ("resnet20", "a-martyn") if shortcuts else ("plain20", "a-martyn-plain")
    card_says(card, network=network, source=source, pictures=pictures)
    (sentence,) = card.guessed
    assert "a-martyn" in sentence
    assert "no shortcuts" in sentence


def test_a_martyn_is_refused_where_nothing_tells_plain_from_residual(tmp_path):
    theirs = shaken(AMartyn(2, True))
    path = tmp_path / "best.pt"
    torch.save(theirs.state_dict(), path)
    with pytest.raises(UserError, match=r"--source a-martyn \(.*--source a-martyn-plain \("):
        deepres.load(path)
    same(path, theirs, source="a-martyn", last=lambda logits: logits.log_softmax(1))
    plain = shaken(AMartyn(2, False))
    card = same(path, plain, source="a-martyn-plain", last=lambda logits: logits.log_softmax(1))
    assert card.guessed == ()  # the user said it


@pytest.mark.parametrize(
    ("kind", "depths", "network"),
    [
        (Kuangliu.Basic, (2, 2, 2, 2), "resnet18-cifar"),
        (Kuangliu.Bottleneck, (3, 4, 6, 3), "resnet50-v1.5-cifar"),
    ],
)
def test_kuangliu(tmp_path, kind, depths, network):
    theirs = shaken(Kuangliu(kind, depths))
    path = tmp_path / "ckpt.pth"
    torch.save({"net": nn.DataParallel(theirs).state_dict(), "acc": 95.1, "epoch": 7}, path)
    card = same(path, theirs)
    card_says(card, network=network, source="kuangliu", pictures=FALSE10)
    assert card.guessed == ()


@pytest.mark.parametrize(
    ("depths", "bottleneck", "network"),
    [
        ((2, 2, 2, 2), False, "resnet18-cifar"),
        ((1, 2, 1, 1), True, "resnet17-v1.5-bottleneck-1.2.1.1-cifar"),
    ],
)
def test_weiaicunzai(tmp_path, depths, bottleneck, network):
    theirs = shaken(Weiaicunzai(depths, bottleneck))
    path = tmp_path / "resnet18-200-best.pth"
    torch.save(theirs.state_dict(), path)
    card = same(path, theirs)
    pictures = ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
    card_says(card, network=network, source="weiaicunzai", pictures=pictures, classes=CIFAR100)


@pytest.mark.parametrize(
    ("skip", "name", "source", "network"),
    [
        ("conv1x1", "20260101_120000.ckpt", "nabla0001-b", "resnet14-b"),
        ("zeropad", "resnet14.ckpt", "nabla0001", "resnet14"),
        ("plain", "plain14.ckpt", "nabla0001-plain", "plain14"),
    ],
)
def test_nabla0001(tmp_path, skip, name, source, network):
    theirs = shaken(Nabla(2, skip))
    torch.save(theirs.state_dict(), tmp_path / name)
    card = same(tmp_path / name, theirs)
    pictures = ((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))
    card_says(card, network=network, source=source, pictures=pictures)


def test_nabla0001_is_refused_where_nothing_tells_plain_from_residual(tmp_path):
    path = tmp_path / "20260101_120000.ckpt"
    torch.save(shaken(Nabla(2, "plain")).state_dict(), path)
    with pytest.raises(UserError, match=r"--source nabla0001 \(.*--source nabla0001-plain \("):
        deepres.load(path)


def test_chenyaofo_and_torchdistill_differ_in_their_pictures(tmp_path):
    theirs = shaken(Torchvisions((2, 2, 2), NARROW))
    path = tmp_path / "cifar10_resnet14-4118986f.pt"
    torch.save(theirs.state_dict(), path)
    card = same(path, theirs)
    card_says(card, network="resnet14-b", source="chenyaofo", pictures=FALSE10)
    assert any("torchdistill" in sentence for sentence in card.guessed)
    path = path.rename(tmp_path / "cifar10-resnet14.pt")
    exact = ((0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784))
    card_says(same(path, theirs), network="resnet14-b", source="torchdistill", pictures=exact)
    hundred = shaken(Torchvisions((1, 1, 1), NARROW, classes=100))
    torch.save(hundred.state_dict(), path)
    card = same(path, hundred, source="chenyaofo")
    card_says(card, network="resnet8-b", source="chenyaofo", pictures=FALSE100, classes=CIFAR100)


def test_what_bearpaw_calls_110_is_a_bottleneck_of_164(tmp_path):
    theirs = shaken(Torchvisions((2, 2, 2), NARROW, expansion=4))
    path = tmp_path / "model_best.pth.tar"
    content = {"epoch": 164, "acc": 93.0, "best_acc": 93.1, "optimizer": {"state": {}}}
    torch.save(content | {"state_dict": nn.DataParallel(theirs).state_dict()}, path)
    card = same(path, theirs)
    card_says(card, network="resnet20-v1.5-b-bottleneck", source="bearpaw", pictures=FALSE10)
    with torch.device("meta"):
        whole = Torchvisions((18, 18, 18), NARROW, expansion=4)
    assert whole.state_dict().keys() == deepres.create("resnet164-b-bottleneck").state_dict().keys()


@pytest.mark.parametrize("lightning", [False, True])
def test_huyvnphan_keeps_the_max_pool(tmp_path, lightning):
    theirs = shaken(Torchvisions((2, 2, 2, 2), WIDE, pool=USUAL))
    path, content = tmp_path / "resnet18.pt", theirs.state_dict()
    if lightning:
        content = {
            "state_dict": {f"model.{name}": tensor for name, tensor in content.items()},
            "pytorch-lightning_version": "1.9.5",
            "hyper_parameters": argparse.Namespace(classifier="resnet18", data_dir="/data"),
            "epoch": 99,
        }
    torch.save(content, path)
    card = same(path, theirs)
    card_says(card, network="resnet18-pool", source="huyvnphan", pictures=TRUE10)
    assert any("torchvision-cifar" in sentence and "stem" in sentence for sentence in card.guessed)
    bare = shaken(Torchvisions((2, 2, 2, 2), WIDE))
    torch.save(bare.state_dict(), path)
    same(path, bare, source="torchvision-cifar")


@pytest.mark.parametrize("rgb", [False, True])
def test_ruotianluo_is_the_authors_network_under_torchvisions_names(tmp_path, rgb):
    theirs = shaken(
        Torchvisions((1, 2, 1, 1), WIDE, expansion=4, stem=7, pool=CAFFES, first=True, classes=1000)
    )
    path = tmp_path / "resnet50-caffe.pth"
    torch.save(theirs.state_dict(), path)
    card = same(path, theirs, source="ruotianluo-rgb" if rgb else None, size=70)
    how = {} if rgb else {"colour": "BGR", "maximum": 255}
    card_says(
        card,
        network="resnet17-bottleneck-1.2.1.1-ceil",
        source="ruotianluo-rgb" if rgb else "ruotianluo",
        pictures=IMAGENET if rgb else ((103.939, 116.779, 123.68), (1, 1, 1)),
        classes=None,
        **how,
    )


def test_torchvisions_names_never_hide_the_stride_that_was_guessed(tmp_path):
    theirs = shaken(Torchvisions((1, 1, 1, 1), WIDE, expansion=4, stem=7, pool=USUAL, classes=1000))
    path = tmp_path / "mine.pth"
    torch.save(theirs.state_dict(), path)
    card = same(path, theirs, size=64)
    assert card.source == "torchvision"
    (told,) = card.guessed
    ours, others = told.split("its keys fit")
    assert "stride on the 3x3, stem 7x7, RGB 0-1" in ours
    assert "ruotianluo (stride on the first 1x1, stem 7x7-ceil, BGR 0-255" in others
    assert same(path, theirs, source="torchvision", size=64).guessed == ()


def test_cadenes_caffe_network(tmp_path):
    theirs = shaken(
        Torchvisions(
            (1, 1, 2, 1),
            WIDE,
            expansion=4,
            stem=7,
            pool=CAFFES,
            first=True,
            head="last_linear",
            classes=1000,
        )
    )
    path = tmp_path / "cafferesnet101-9d633cc0.pth"
    torch.save(theirs.state_dict(), path)
    card_says(
        same(path, theirs, size=70),
        network="resnet17-bottleneck-1.1.2.1-ceil",
        source="cadene-cafferesnet",
        pictures=((102.9801, 115.9465, 122.7717), (1, 1, 1)),
        classes=None,
        colour="BGR",
        maximum=255,
    )


@pytest.mark.parametrize("head", ["last_linear", "fc"])
def test_cadenes_biases_are_folded_exactly(tmp_path, head):
    theirs = shaken(
        Torchvisions(
            (1, 1, 2, 1), WIDE, expansion=4, stem=7, pool=USUAL, bias=True, head=head, classes=1000
        )
    )
    path = tmp_path / "fbresnet152-2e20f6b4.pth"
    torch.save(theirs.state_dict(), path)
    card_says(
        same(path, theirs, size=64),
        network="resnet17-v1.5-bottleneck-1.1.2.1",
        source="cadene-fbresnet",
        pictures=IMAGENET,
        classes=None,
    )


def test_ffcv_is_torchvisions_and_its_blur_pool_is_refused(tmp_path):
    theirs = shaken(Torchvisions((2, 2, 2, 2), WIDE, stem=7, pool=USUAL, classes=1000))
    path = tmp_path / "final_weights.pt"
    tensors = nn.DataParallel(theirs).state_dict()
    torch.save(tensors, path)
    assert same(path, theirs, size=64).source == "ffcv"
    blurred = {
        re.sub(r"(layer[2-4]\.0\.conv1|downsample\.0)\.weight", r"\1.conv.weight", name): tensor
        for name, tensor in tensors.items()
    }
    blurred["module.layer2.0.conv1.blur_filter"] = torch.ones(1, 1, 3, 3)
    torch.save(blurred, path)
    with pytest.raises(UserError, match="blur pooling"):
        deepres.load(path)


def test_a_source_that_does_not_fit_is_told_those_that_do(tmp_path):
    path = tmp_path / "model.th"
    torch.save(shaken(Akamaster(1)).state_dict(), path)
    with pytest.raises(UserError, match=r"no file of 'kuangliu'; --source can be akamaster\."):
        deepres.load(path, profile="kuangliu")
    with pytest.raises(UserError, match="no file of 'nobody'"):
        deepres.load(path, profile="nobody")

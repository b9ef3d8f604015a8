"""Ten crops and whole pictures at many scales, against single evaluations one by one."""

import copy

import numpy as np
import pytest
import torch
from PIL import Image

from deepres.accel.fuse import fused
from deepres.card import Preprocessing
from deepres.data.images import Images
from deepres.errors import UserError
from deepres.evaluate import VIEWS, centre, looking, scores
from deepres.models.initialise import created
from deepres.models.pictures import centre_view
from deepres.models.pixels import normalised
from deepres.models.resnet import ResNet
from deepres.models.views import at_scales, dense, five_crops, scales_of, swept, ten_crops
from deepres.spec import Arch

HOW = Preprocessing(size=28, resize=32, mean=(0.4, 0.5, 0.6), std=(0.3, 0.2, 0.25))
MEAN = torch.rand(3, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def network():
    """A small network with Table 1's stem, and statistics that matter."""
    made = created(
        Arch(stem="7x7", block="basic", depths=(1, 1), widths=(8, 16), shortcut="B", classes=5), 3
    ).eval()
    draw = torch.Generator().manual_seed(1)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2, generator=draw)
            module.running_var.uniform_(0.5, 2, generator=draw)
    return made.double()


def pictures(*sizes):
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in sizes]


def double(network):
    """Pictures are normalised in single precision; what is compared is the network's part."""
    return lambda x: network(x.double())


class Doubled(ResNet):
    """A network that takes single precision and computes in double."""

    def __init__(self, network):
        torch.nn.Module.__init__(self)
        self.arch = network.arch
        for name, child in network.named_children():
            self.add_module(name, copy.deepcopy(child))
        self.register_forward_pre_hook(lambda module, given: (given[0].double(),))
        self.conv1.register_forward_pre_hook(lambda module, given: (given[0].double(),))


@pytest.mark.parametrize("mean", [None, MEAN])
def test_ten_crops_equal_ten_single_evaluations(network, mean):
    shown = pictures((40, 60), (33, 33), (90, 41))
    with torch.no_grad():
        crops = [five_crops(picture, HOW) for picture in shown]
        found = ten_crops(double(network), crops, HOW, mean).softmax(1)
        for picture, answer in zip(shown, found, strict=True):
            height, width = picture.shape[:2]
            edge = min(height, width)
            resized = Image.fromarray(picture).resize(
                (width * 32 // edge, height * 32 // edge), Image.Resampling.BILINEAR
            )
            right, below = resized.width - 28, resized.height - 28
            singles = []
            for left, top in [
                (0, 0),
                (right, 0),
                (0, below),
                (right, below),
                (round(right / 2), round(below / 2)),
            ]:
                cut = np.array(resized.crop((left, top, left + 28, top + 28)))
                x = normalised(torch.from_numpy(cut)[None], HOW, mean)
                for seen in (x, x.flip(3)):
                    singles.append(network(seen.double()).softmax(1)[0])
            assert torch.allclose(torch.stack(singles).mean(0), answer, atol=1e-12)


def test_logits_can_be_averaged_instead(network):
    crops = [five_crops(pictures((40, 60))[0], HOW)]
    with torch.no_grad():
        soft, plain = (ten_crops(double(network), crops, HOW, None, how) for how in AVERAGES)
    assert not torch.allclose(soft.softmax(1), plain.softmax(1), atol=1e-4)
    assert torch.allclose(soft.exp().sum(1), torch.ones(1).double())  # probabilities, as logarithms


AVERAGES = ("softmax", "logits")


@pytest.mark.parametrize("mean", [None, MEAN])
def test_fully_convolutional_at_the_crop_s_size_equals_one_crop(network, mean):
    shown = pictures((28, 28), (50, 50), (28, 28))
    one = Preprocessing(size=28, resize=28, mean=HOW.mean, std=HOW.std)
    cut = np.stack([centre_view(Image.fromarray(p), one) for p in shown])
    with torch.no_grad():
        swept_ = swept(Doubled(network), [at_scales(p, one, (28,)) for p in shown], one, mean)
        single = network(normalised(torch.from_numpy(cut), one, mean).double())
    assert torch.allclose(swept_.softmax(1), single.softmax(1), atol=1e-12)


def test_larger_pictures_are_as_many_crops_of_their_last_maps(network):
    x = torch.randn(2, 3, 96, 64, generator=torch.Generator().manual_seed(2)).double()
    with torch.no_grad():
        places = dense(network, x, 64)
        maps = network.features(x)["stage2"]
        assert maps.shape[2:] == (12, 8)
        by_hand = torch.stack(
            [network.fc(maps[:, :, top : top + 8].mean((2, 3))) for top in range(5)], 1
        )
    assert places.shape == (2, 5, 5)
    assert torch.allclose(places, by_hand, atol=1e-12)


@pytest.mark.parametrize("view", VIEWS)
def test_one_image_batches_equal_large_ones(network, view):
    draw = np.random.default_rng(1)
    images = Images(
        "some",
        draw.integers(0, 256, (7, 36, 47, 3), dtype=np.uint8),
        np.zeros(7, np.int64),
        tuple("abcde"),
        "digest",
    )
    look = looking(view, "softmax", None)
    made = Doubled(network)
    large = torch.cat(list(scores(made, HOW, None, images, 5, look)))
    small = torch.cat(list(scores(made, HOW, None, images, 1, look)))
    assert large.shape == (7, 5)
    assert torch.allclose(large, small, atol=1e-12)
    plain = torch.cat(list(scores(made, HOW, None, images, 5, centre)))
    assert torch.allclose(large.softmax(1), plain.softmax(1)) == (view == "one")


def test_a_folded_network_is_swept_alike(network):
    shown = pictures((60, 80), (28, 41))
    single = copy.deepcopy(network).float()
    with torch.no_grad():
        for scales in ((28,), (28, 40)):
            resized = [at_scales(picture, HOW, scales) for picture in shown]
            plain = swept(single, resized, HOW, None)
            fast = swept(fused(single), resized, HOW, None)
            assert torch.allclose(plain, fast, atol=1e-4)


def test_scales_are_the_paper_s_in_proportion_to_the_crop():
    full = Preprocessing(size=224, resize=256, mean=HOW.mean, std=HOW.std)
    assert scales_of(None, full) == (224, 256, 384, 480, 640)
    assert scales_of(None, HOW) == (28, 32, 48, 60, 80)
    assert scales_of("40, 50", HOW) == (40, 50)
    assert scales_of("4096", HOW) == (4096,)
    for wrong in ("", "big", "12,,13", "-4", "0", "28,4097", "99999999", "9" * 5000, "\u00b2"):
        with pytest.raises(UserError, match="--scales"):
            scales_of(wrong, HOW)
    assert five_crops(pictures((28, 28))[0], HOW).shape == (5, 28, 28, 3)


def test_an_exported_file_cannot_be_swept():
    with pytest.raises(UserError, match="name the weights it was made of"):
        swept(torch.nn.Flatten(), [pictures((28, 28))], HOW, None)

"""Replicas of one picture: refused where the last maps are a pixel, and only there."""

import pytest
import torch
from msgspec import structs
from torch import nn

from deepres.data.synthetic import images as synthetic
from deepres.errors import UserError
from deepres.models.frozen import freeze
from deepres.models.initialise import created
from deepres.models.zoo import arch
from deepres.runs.work import network_of, normalises
from deepres.spec import DIGITS, Data, Run

PICTURES = synthetic("train", 16, 8)  # of 8 x 8 pixels
RECIPE = structs.replace(DIGITS, batch=4, replicas=4)


def run(name="resnet18-cifar", **changes):
    recipe = structs.replace(RECIPE, **changes)
    made = None if ":" in name else arch(name, 10)
    data = Data(name="synthetic")
    return Run(name="r", arch=made, network="" if made else name, data=data, recipe=recipe)


class Flat(nn.Module):
    """Somebody's own: what it normalises is one value a picture."""

    def __init__(self, classes=10):
        super().__init__()
        self.norm, self.last = nn.BatchNorm1d(3), nn.Linear(3, classes)

    def forward(self, x):
        return self.last(self.norm(x.mean((2, 3))))


def test_maps_of_a_pixel_are_refused_and_what_would_be_right_is_said():
    with pytest.raises(UserError) as refused:
        network_of(run(), PICTURES)
    assert str(refused.value) == (
        "--batch 4 in --replicas 4 leaves each replica one picture, whose last maps are a pixel:"
        " there is no variance to normalise by, and fewer --replicas or a larger --batch would be"
        " right."
    )
    with pytest.raises(UserError, match="normalise by, and a larger --batch would be right"):
        network_of(run(batch=1, replicas=1), PICTURES)


@pytest.mark.parametrize("name", ["resnet20", "plain8"])  # three stages: maps of 2 x 2
def test_larger_maps_have_a_variance_of_their_own(name):
    network = network_of(run(name), PICTURES)
    network(torch.zeros(1, 3, 8, 8))  # raises no error in training mode
    network_of(run(replicas=2), PICTURES)


def test_frozen_layers_normalise_by_what_they_have():
    network = created(arch("resnet18-cifar", 10), 0, "in")
    with pytest.raises(UserError, match="leaves each replica one picture"):
        normalises(network, run(), PICTURES)
    freeze(network, "conv5")
    normalises(network, run(), PICTURES)
    assert not any(tensor.is_meta for tensor in network.state_dict().values())


def test_somebodys_own_module_is_refused_alike(monkeypatch):
    monkeypatch.setattr("deepres.runs.work.own", lambda name, classes: Flat(classes))
    with pytest.raises(UserError, match="leaves each replica one picture"):
        network_of(run("mine:Flat"), PICTURES)
    assert network_of(run("mine:Flat", replicas=2), PICTURES)

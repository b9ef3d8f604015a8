"""How far the committed plain networks of short runs are from where they started."""

import statistics
from functools import cache

import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from deepres.card import Card
from deepres.models import weights
from deepres.models.initialise import created
from deepres.models.resnet import ResNet
from deepres.optim import FORMS
from deepres.spec import Data, Run, scaled

from .results import ROOT

NAMES = ("plain20", "plain56")
STEPS = 6_400
PARTS = {
    "": "first layer",
    "layer1": "first stage",
    "layer2": "second stage",
    "layer3": "last stage",
}


@cache
def trained(name: str) -> ResNet:
    """A network from `weights/`."""
    return weights.load(ROOT / "weights" / f"{name}-cifar10-{STEPS}-steps.safetensors")


@cache
def fresh(name: str) -> ResNet:
    """The network that it was before its first step."""
    return created(trained(name).arch, int(card(name).provenance["seed"]))


def card(name: str) -> Card:
    """What the file says of itself."""
    found = trained(name).card
    assert found is not None
    return found


def error(name: str) -> float:
    """On the test pictures, in percent, as the file's card tells it."""
    numbers = card(name).numbers
    return 100 * numbers["top1_errors"] / numbers["seen"]


def rms(name: str, layer: str) -> float:
    """The root mean square of a batch normalisation's gammas, which start at one."""
    return _rms(trained(name).get_parameter(f"{layer}.weight"))


def _rms(gammas: torch.Tensor) -> float:
    return float(gammas.detach().double().square().mean().sqrt())


def gamma(name: str, part: str) -> float:
    """The same over all channels of a part."""
    found = [m for m in _within(trained(name), part) if isinstance(m, nn.BatchNorm2d)]
    return _rms(torch.cat([norm.weight for norm in found]))


@torch.no_grad()
def cosine(name: str, part: str) -> float:
    """Between the kernels of a layer and those that it started with, averaged over layers.

    Batch normalisation takes the kernels' length away: what they have learnt is their direction.
    """
    now, before = (
        [m.weight.flatten() for m in _within(one, part) if isinstance(m, nn.Conv2d)]
        for one in (trained(name), fresh(name))
    )
    pairs = zip(now, before, strict=True)
    return statistics.fmean(float(cosine_similarity(a, b, dim=0)) for a, b in pairs)


def _within(network: ResNet, part: str) -> list[nn.Module]:
    """The modules of a stage; of no stage, those before the first."""
    return list(network.get_submodule(part).modules()) if part else [network.conv1, network.bn1]


@cache
def decayed() -> float:
    """What weight decay alone leaves of a one in so many steps."""
    recipe = scaled(Run(name="", data=Data(name="cifar10")), STEPS).recipe
    w, v = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for step in range(recipe.steps):
        FORMS["caffe"](w, recipe.decay * w, v, recipe.rate(step), recipe.momentum)
    return float(w)

"""What is measured on the demo's networks once they are trained: existence, and gradients."""

from pathlib import Path

import torch
from torch import Tensor

from ..data.digits import images
from ..data.pictured import Pictured, views
from ..evaluate import scores, total
from ..gradients import gradient_norms
from ..models.deepen import deepened
from ..models.initialise import created
from ..models.pixels import normalised
from ..models.resnet import ResNet
from ..models.weights import load
from ..spec import Run
from .demo import Existence, Gradients

SAMPLE = 256  # training pictures that gradients are measured on


def existence(folder: Path, layers: int) -> Existence:
    """The paper's constructive argument, carried out with the trained network of a folder."""
    network = load(folder / "weights.safetensors")
    deeper = deepened(network, layers)
    errors: list[tuple[int, int]] = []
    differences: list[float] = []
    for part in (images("train"), images("test")):
        one, other = (_scores(each, part) for each in (network, deeper))
        errors.append((total(one, part).top1, total(other, part).top1))
        differences += [float((a - b).abs().max()) for a, b in zip(one, other, strict=True)]
    return Existence(
        network.arch.layers,
        layers,
        errors[0],
        errors[1],
        max(differences),
        (len(images("train")), len(images("test"))),
    )


def _scores(network: ResNet, part: Pictured) -> list[Tensor]:
    assert network.card is not None
    return list(scores(network, network.card.preprocessing, network.mean_image, part))


def gradients(name: str, run: Run, folder: Path) -> Gradients:
    """Norms by layer at the start of a run and after it, on the same pictures."""
    assert run.arch is not None
    trained = load(folder / "weights.safetensors")
    assert trained.card is not None
    part = images("train")
    pixels = views(part, slice(SAMPLE), trained.card.preprocessing)
    x = normalised(pixels, trained.card.preprocessing, trained.mean_image)
    y = torch.from_numpy(part.labels[:SAMPLE])
    networks = created(run.arch, run.seed), trained
    first, last = (tuple(norm for _, norm in gradient_norms(n, x, y)) for n in networks)
    return Gradients(name, first, last)

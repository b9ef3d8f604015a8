"""What is measured on trained networks once they are there, and kept beside them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from ..convert import load as load_any
from ..data.pictured import Pictured, views
from ..evaluate import scores, tally
from ..models.deepen import deepened
from ..models.pictures import normalised
from ..models.resnet import ResNet
from ..models.weights import load
from ..responses import deviations
from ..runs.disk import write_whole
from ..tally import Tally
from .outcome import Deeper

SAMPLE = 1_000  # training pictures that responses are measured on
BATCH = 250


def keep_responses(folder: Path, images: Pictured) -> None:
    """Fig. 7's deviations of a finished run, measured once."""
    path = folder / "responses.json"
    if not path.exists():
        found = responses(load(folder / "weights.safetensors"), images)
        write_whole(path, msgspec.json.encode([round(value, 5) for value in found]))


def responses(network: ResNet, images: Pictured) -> list[float]:
    """A deviation for each 3x3 layer, on the first pictures of these, clean."""
    return deviations(network, _pictures(network, images))


def _pictures(network: ResNet, images: Pictured) -> Iterator[Tensor]:
    assert network.card is not None
    how, mean_image = network.card.preprocessing, network.mean_image
    few = min(SAMPLE, len(images))
    for at in range(0, few, BATCH):
        part = slice(at, min(at + BATCH, few))
        yield normalised(views(images, part, how), how, mean_image)


def responses_of_file(path: str, images: Pictured) -> tuple[str, list[float]]:
    """The same of any weights that can be read: the network's name, and its deviations."""
    network = load_any(path)
    assert network.card is not None
    return f"{network.card.network} ({Path(path).name})", responses(network, images)


def keep_deeper(folder: Path, test: Pictured, depths: Sequence[int]) -> None:
    """The constructive argument, carried out with the trained network of a folder, once."""
    path = folder / "deeper.json"
    if not path.exists():
        network = load(folder / "weights.safetensors")
        found = [_deeper(network, layers, test) for layers in depths]
        write_whole(path, msgspec.json.encode(found))


def _deeper(network: ResNet, layers: int, test: Pictured) -> Deeper:
    other = deepened(network, layers)
    assert network.card is not None
    how, mean_image = network.card.preprocessing, network.mean_image
    apart, errors, at = 0.0, (Tally(), Tally()), 0
    both = (scores(each, how, mean_image, test) for each in (network, other))
    for one, two in zip(*both, strict=True):
        labels = torch.from_numpy(test.labels[at : at + len(one)])
        at += len(one)
        apart = max(apart, float((one - two).abs().max()))
        errors = errors[0] + tally(one, labels), errors[1] + tally(two, labels)
    return Deeper(layers=layers, largest_difference=apart, test=errors)

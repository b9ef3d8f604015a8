"""What is measured on trained networks once they are there, and kept beside them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from ..convert import load as load_any
from ..data.pictured import Pictured, views
from ..evaluate import combined, looking, scores, tally, total
from ..gradients import gradient_norms
from ..models.deepen import deepened
from ..models.pixels import normalised
from ..models.resnet import ResNet
from ..models.weights import load
from ..responses import deviations
from ..runs.disk import write_whole
from ..tally import Tally
from .outcome import Deeper, Ensemble

SAMPLE = 1_000  # training pictures that responses are measured on
BATCH = 250
VIEW_BATCH = 25  # whole pictures at several scales are large


def keep_responses(folder: Path, images: Pictured) -> None:
    """Fig. 7's deviations of a finished run, measured once."""
    path = folder / "responses.json"
    if not path.exists():
        found = responses(load(folder / "weights.safetensors"), images)
        write_whole(path, msgspec.json.encode([round(value, 5) for value in found]))


def responses(network: ResNet, images: Pictured) -> list[float]:
    """A deviation for each 3x3 layer, on the first pictures of these, clean."""
    return deviations(network, _pictures(network, images))


def keep_gradients(folder: Path, images: Pictured) -> None:
    """Norms of the gradients of a finished run's network, a convolution each, measured once."""
    path = folder / "gradients.json"
    if not path.exists():
        network = load(folder / "weights.safetensors")
        x = next(_pictures(network, images))
        found = gradient_norms(network, x, torch.from_numpy(images.labels[: len(x)]))
        write_whole(path, msgspec.json.encode([float(f"{norm:.5g}") for _, norm in found]))


def _pictures(network: ResNet, images: Pictured) -> Iterator[Tensor]:
    assert network.card is not None
    how, mean_image = network.card.preprocessing, network.mean_image
    few = min(SAMPLE, len(images))
    for at in range(0, few, BATCH):
        part = slice(at, min(at + BATCH, few))
        yield normalised(views(images, part, how), how, mean_image)


def responses_of_file(path: str, name: str, images: Pictured) -> tuple[str, list[float]]:
    """The same of any weights that can be read: the network and the file, and its deviations."""
    network = load_any(path)
    assert network.card is not None
    return f"{network.card.network} ({name})", responses(network, images)


def keep_views(folder: Path, test: Pictured, views: str) -> None:
    """The test of a finished run by ten crops or at several scales, once each."""
    path = folder / "views.json"
    found = msgspec.json.decode(path.read_bytes(), type=dict[str, Tally]) if path.exists() else {}
    if views not in found:
        found[views] = total(_looked(folder, test, views), test)
        write_whole(path, msgspec.json.encode(found))


def keep_ensemble(folders: Sequence[Path], keys: Sequence[str], test: Pictured, views: str) -> None:
    """The test of several networks whose scores are averaged, kept with the last of them."""
    path = folders[-1] / "ensembles.json"
    kind = tuple[Ensemble, ...]
    there = msgspec.json.decode(path.read_bytes(), type=kind) if path.exists() else ()
    if any(one.members == tuple(keys) for one in there):
        return
    members = [_looked(folder, test, views) for folder in folders]
    made = Ensemble(members=tuple(keys), test=total(combined(members), test))
    write_whole(path, msgspec.json.encode((*there, made)))


def _looked(folder: Path, test: Pictured, views: str) -> Iterator[Tensor]:
    """Scores by views in the proportions of Sec. 3.4."""
    network = load(folder / "weights.safetensors")
    assert network.card is not None
    look = looking(views, "softmax", None)
    return scores(network, network.card.preprocessing, network.mean_image, test, VIEW_BATCH, look)


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

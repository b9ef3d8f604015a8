"""Runs that start from trained weights: a new classifier on old layers, and the old pictures' look.

What a run starts from is a part of it by its content; the run's folder keeps a copy, so that a
stopped run needs nothing else.
"""

import copy
import hashlib
from pathlib import Path

import torch
from msgspec import structs
from torch import Tensor

from ..card import Preprocessing
from ..convert import load
from ..errors import UserError
from ..models import weights
from ..models.frozen import chosen, freeze
from ..models.initialise import created
from ..models.resnet import ResNet
from ..models.zoo import name_of
from ..spec import IMAGENET, Arch, Run

COPY = "start.safetensors"


def digest(network: ResNet) -> str:
    """Of names and values, whatever file they came from."""
    whole = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        whole.update(name.encode())
        whole.update(tensor.contiguous().numpy().tobytes())
    return whole.hexdigest()


def beginning(name: str) -> ResNet:
    """The trained network of any weights that can be read, its pictures RGB from 0 to 1."""
    network = load(name)
    if not isinstance(network, ResNet):
        raise UserError(f"{name} is an exported file, which cannot learn: name its weights.")
    return plain_input(network)


def plain_input(network: ResNet) -> ResNet:
    """The same function of RGB pixels from 0 to 1 minus a mean for each channel.

    Networks of others may take BGR up to 255: the first layer's channels and the numbers of the
    card change places, and the answers stay.
    """
    assert network.card is not None
    made, how = copy.deepcopy(network), network.card.preprocessing
    mean, std = ([value / how.maximum for value in values] for values in (how.mean, how.std))
    if how.colour == "BGR":
        mean, std = mean[::-1], std[::-1]
        made.conv1.weight.data = made.conv1.weight.data.flip(1).contiguous()
    plain = Preprocessing(
        size=how.size,
        resize=how.resize,
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
    )
    made.card, made.mean_image = structs.replace(network.card, preprocessing=plain), None
    return made


def described(run: Run, begun: ResNet, frozen: str | None, size: int | None) -> Run:
    """The run as one that starts from this network, whose pictures look as its own did."""
    assert begun.card is not None
    if run.arch is None or _body(run.arch) != _body(begun.arch):
        raise UserError(
            f"The weights are of {name_of(begun.arch)}, not of {_called(run)}: name that network."
        )
    how = begun.card.preprocessing
    recipe = structs.replace(
        run.recipe, centre="given", mean=how.mean, std=how.std, frozen=frozen or ""
    )
    if size is None and run.data.name in ("folder", "hub"):
        most = round(how.resize * IMAGENET.shorter[1] / IMAGENET.shorter[0])
        recipe = structs.replace(recipe, crop=how.size, shorter=(how.resize, most))
    chosen(begun, recipe.frozen)
    return structs.replace(run, recipe=recipe, start=digest(begun))


def _body(arch: Arch) -> Arch:
    return structs.replace(arch, classes=1)


def _called(run: Run) -> str:
    return name_of(run.arch) if run.arch else run.network


def started(run: Run, begun: ResNet) -> ResNet:
    """The old layers with a classifier of its own, drawn from the run's seed."""
    assert run.arch is not None
    if digest(begun) != run.start:
        raise UserError("These are not the weights that the run starts from: name those.")
    network = created(run.arch, run.seed, run.recipe.fan)
    old: dict[str, Tensor] = {
        name: tensor for name, tensor in begun.state_dict().items() if not name.startswith("fc.")
    }
    with torch.no_grad():
        here = network.state_dict()
        for name, tensor in old.items():
            here[name].copy_(tensor)
    freeze(network, run.recipe.frozen)
    return network


def keep(folder: Path, begun: ResNet) -> None:
    """A copy of the start beside the run."""
    assert begun.card is not None
    if not (folder / COPY).exists():
        weights.save(folder / COPY, begun, begun.card, None)


def kept(folder: Path) -> ResNet:
    """The copy that was kept."""
    path = folder / COPY
    if not path.exists():
        raise UserError(
            f"The run starts from weights, and there is no {path}: name them by --from."
        )
    return weights.load(path)

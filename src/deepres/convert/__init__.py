"""Any ResNet checkpoint in, our network out."""

from pathlib import Path
from typing import Any

from .. import __version__
from ..card import Card
from ..models import weights
from ..models.resnet import ResNet
from ..models.zoo import name_of
from . import caffemodel, peel, safe, sniff, unpickle
from .detect import converted
from .family import Checkpoint, Converted

READERS = {
    "torch": lambda path: peel.peeled(path, unpickle.read(path)),
    "safetensors": lambda path: peel.peeled(path, safe.read(path)),
    "caffemodel": caffemodel.read,
}


def load(source: Any, profile: str | None = None) -> ResNet:
    """A trained network from whatever holds one."""
    path = Path(source)
    kind = sniff.kind(path)
    if kind == "folder" and (path / "weights.safetensors").is_file():
        return weights.load(path / "weights.safetensors")
    if kind == "safetensors" and weights.read_card(path) is not None:
        return weights.load(path)
    made = read(path, profile)
    return weights.assembled(card_of(made), made.tensors, made.mean_image, str(path))


def read(source: str | Path, profile: str | None = None) -> Converted:
    """A foreign checkpoint as our network's tensors; `profile` names whose it is."""
    return converted(checkpoint(Path(source)), profile)


def checkpoint(path: Path) -> Checkpoint:
    """The file or folder by its content, its wrapper off, its names still the author's."""
    return READERS[sniff.kind(path)](path)


def card_of(made: Converted) -> Card:
    return Card(
        network=name_of(made.arch),
        arch=made.arch,
        preprocessing=made.profile.preprocessing,
        classes=made.profile.classes,
        source=made.source,
        guessed=made.profile.guessed,
        provenance={"converter": __version__},
    )

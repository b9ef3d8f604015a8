"""Any ResNet checkpoint in, our network out."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from .. import __version__
from ..card import Card
from ..errors import UserError
from ..models import bundled, weights
from ..models.resnet import ResNet
from ..models.zoo import name_of
from . import caffemodel, folder, hub, keras, own, peel, safe, sniff, torch7, unpickle
from .detect import converted
from .family import Checkpoint, Converted

Source = str | PathLike[str]
READERS: dict[str, Callable[[Path], Checkpoint]] = {
    "torch": lambda path: peel.peeled(path, unpickle.read(path)),
    "safetensors": lambda path: peel.peeled(path, safe.read(path)),
    "caffemodel": caffemodel.read,
    "hdf5": keras.read,
    "torch7": torch7.read,
}


def load(source: Source, profile: str | None = None) -> ResNet:
    """A trained network from our weights, anybody's checkpoint, a folder or a bundled name."""
    path = located(source)
    if (ours := own.weights_of(path)) is not None:
        return own.loaded(ours, profile)
    return assembled(read(path, profile), path)


def read(source: Source, profile: str | None = None) -> Converted:
    """A foreign checkpoint as our network's tensors; `profile` names whose it is."""
    return identified(checkpoint(located(source)), profile)


def identified(found: Checkpoint, profile: str | None = None) -> Converted:
    """A checkpoint under our names, with the digest of the file that it was."""
    return replace(converted(found, profile), sha256=digest(found.path))


def located(source: Source) -> Path:
    """A path that is there, a bundled name, or what `hub:` names, fetched."""
    if isinstance(source, str) and source.startswith(hub.PREFIX):
        return hub.fetched(source)
    path = Path(source)
    if path.exists():
        return path
    if (ours := bundled.located(str(source))) is not None:
        return ours
    raise UserError(
        f"{source}: there is no such file or folder, nor are weights of that name bundled"
        f" ({', '.join(bundled.names()) or 'none are'})."
    )


def checkpoint(path: Path) -> Checkpoint:
    """The file or folder by its content, its wrapper off, its names still the author's."""
    config: dict[str, Any] = {}
    if path.is_dir():
        path, config = folder.contents(path)
    elif path.name in folder.WEIGHTS and (path.parent / "config.json").is_file():
        config = folder.contents(path.parent)[1]
    found = READERS[sniff.kind(path)](path)
    return replace(found, container="folder", config=config) if config else found


def assembled(made: Converted, path: Path) -> ResNet:
    return weights.assembled(card_of(made), made.tensors, made.mean_image, str(path))


def card_of(made: Converted) -> Card:
    """What a converted file says about itself; its numbers wait for an evaluation."""
    provenance: dict[str, str | int | float] = {
        "container": made.container,
        "converter": f"deepres {__version__}",
        "sha256": made.sha256,
    }
    if made.notes:
        provenance["notes"] = " ".join(made.notes)
    return Card(
        network=name_of(made.arch),
        arch=made.arch,
        preprocessing=made.profile.preprocessing,
        classes=made.profile.classes,
        source=made.source,
        guessed=made.profile.guessed,
        provenance=provenance,
    )


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

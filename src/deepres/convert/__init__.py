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
from ..models import weights
from ..models.resnet import ResNet
from ..models.zoo import name_of
from . import caffemodel, folder, hub, keras, peel, safe, sniff, unpickle
from .detect import converted
from .family import Checkpoint, Converted

Source = str | PathLike[str]
BUNDLED = Path(__file__).parent.parent / "bundled"  # ours, in the package
OURS = "weights.safetensors"  # in a run's folder
READERS: dict[str, Callable[[Path], Checkpoint]] = {
    "torch": lambda path: peel.peeled(path, unpickle.read(path)),
    "safetensors": lambda path: peel.peeled(path, safe.read(path)),
    "caffemodel": caffemodel.read,
    "hdf5": keras.read,
}


def load(source: Source, profile: str | None = None) -> ResNet:
    """A trained network from our weights, anybody's checkpoint, a folder or a bundled name."""
    path = located(source)
    if (own := ours(path)) is not None:
        return loaded(own, profile)
    return assembled(read(path, profile), path)


def read(source: Source, profile: str | None = None) -> Converted:
    """A foreign checkpoint as our network's tensors; `profile` names whose it is."""
    found = checkpoint(located(source))
    return replace(converted(found, profile), sha256=digest(found.path))


def located(source: Source) -> Path:
    """A path that is there, a bundled name, or what `hub:` names, fetched."""
    if isinstance(source, str) and source.startswith(hub.PREFIX):
        return hub.fetched(source)
    path = Path(source)
    if path.exists():
        return path
    for inside in (BUNDLED / str(source), BUNDLED / f"{source}.safetensors"):
        if path.name == str(source) and inside.exists():
            return inside
    raise UserError(
        f"{source}: there is no such file or folder, nor are weights of that name bundled"
        f" ({', '.join(bundled()) or 'none are'})."
    )


def bundled() -> list[str]:
    """Names of the weights that come with the package."""
    return sorted({path.name.removesuffix(".safetensors") for path in BUNDLED.glob("*[!n]")})


def ours(path: Path) -> Path | None:
    """The weights file where a path is of our own making: a file with a card, a run's folder."""
    if path.is_dir():
        return path / OURS if (path / OURS).is_file() else None
    if sniff.kind(path) != "safetensors":
        return None
    safe.check(path)
    return path if weights.read_card(path) is not None else None


def loaded(path: Path, profile: str | None = None) -> ResNet:
    """Our own file; its card says whose weights they were, so a profile can only agree."""
    safe.check(path)
    network = weights.load(path)
    if network.card is not None and profile not in (None, network.card.source):
        raise UserError(
            f"{path} has a card, which says that its source is {network.card.source!r}, not"
            f" {profile!r}."
        )
    return network


def checkpoint(path: Path) -> Checkpoint:
    """The file or folder by its content, its wrapper off, its names still the author's."""
    config: dict[str, Any] = {}
    if path.is_dir():
        path, config = folder.contents(path)
    elif path.name in folder.WEIGHTS and (path.parent / "config.json").is_file():
        config = folder.contents(path.parent)[1]
    kind = sniff.kind(path)
    if kind not in READERS:
        raise UserError(f"{path}: files of {kind} cannot be read yet.")
    found = READERS[kind](path)
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

"""Our own weights files, whoever hands them over: cards are believed as far as files bear out."""

import math
import re
from pathlib import Path

from ..card import Card
from ..errors import UserError
from ..models import weights
from ..models.resnet import ResNet
from . import safe, sniff

NAME = "weights.safetensors"  # in a run's folder
BLOCK = re.compile(r"layer[0-9]+\.[0-9]+\.conv1\.weight")
EDGE_AT_MOST, CHANNELS_AT_MOST = 10_000, 1_000_000  # pixels; channels or classes


def weights_of(path: Path) -> Path | None:
    """The weights file where a path is of our making: a file with a card, a run's folder."""
    if path.is_dir():
        return path / NAME if (path / NAME).is_file() else None
    if sniff.kind(path) != "safetensors":
        return None
    safe.check(path)
    return path if weights.read_card(path) is not None else None


def loaded(path: Path, profile: str | None = None) -> ResNet:
    """The network; its card says whose weights they were, so a profile can only agree."""
    entries = safe.check(path)
    card = weights.read_card(path)
    if card is not None:
        if profile not in (None, card.source):
            raise UserError(
                f"{path} has a card, which says that its source is {card.source!r}, not"
                f" {profile!r}."
            )
        if what := unbelievable(card, entries):
            raise UserError(f"{path}: its card {what}.")
    return weights.load(path)


def unbelievable(card: Card, entries: dict[str, safe.Entry]) -> str | None:
    """What a card says that cannot be, told before a network of that size is laid out."""
    arch, how = card.arch, card.preprocessing
    if not 0 < how.size <= how.resize <= EDGE_AT_MOST:
        return f"cuts {how.size} out of {how.resize} pixels"
    if not all(math.isfinite(mean) for mean in how.mean) or not all(
        math.isfinite(std) and std > 0 for std in how.std
    ):
        return f"normalises by {how.mean} and {how.std}"
    image = entries.get(weights.MEAN_IMAGE)
    if image is not None and image.shape != [3, how.size, how.size]:
        return f"cuts {how.size} pixels, and the mean image is {tuple(image.shape)}"
    if arch is None:
        return None
    sizes = (*arch.depths, *arch.widths, arch.classes)
    if not all(0 < size <= CHANNELS_AT_MOST for size in sizes) or not arch.widths:
        return f"speaks of {arch.depths} blocks of {arch.widths} channels, {arch.classes} classes"
    blocks = sum(BLOCK.fullmatch(name) is not None for name in entries)
    if sum(arch.depths) != blocks or len(arch.depths) != len(arch.widths):
        return (
            f"speaks of {arch.depths} blocks of {arch.widths} channels, and the file has {blocks}"
            " blocks"
        )
    if card.classes is not None and len(card.classes) != arch.classes:
        return f"names {len(card.classes)} classes of {arch.classes}"
    for name, entry in entries.items():
        if entry.dtype != ("I64" if name.endswith("num_batches_tracked") else "F32"):
            return f"is of a network whose {name} would not be {entry.dtype}"
    return None

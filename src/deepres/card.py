"""What a weights file says about itself: enough to predict without remembering anything."""

from typing import Literal

import msgspec
from msgspec import Struct

from .spec import Arch


class Preprocessing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From a picture to the network's input: resize, centre crop, scale, subtract, divide.

    The shorter side becomes `resize`, the middle `size` x `size` is cut out (crop first, then
    subtract, as the authors did). Pixels run from 0 to `maximum` in the order `colour`, which is
    also the order of `mean` and `std`. With `mean_image` a whole picture is subtracted, stored
    with the weights; `mean` then holds its channel means, for the reader.
    """

    size: int
    resize: int
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    colour: Literal["RGB", "BGR"] = "RGB"
    maximum: Literal[1, 255] = 1
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    mean_image: bool = False


class Card(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A network, its preprocessing, its classes, its numbers and where it comes from.

    Neither time nor path nor command stands here: equal runs write equal cards.
    """

    schema: Literal[1] = 1
    network: str
    arch: Arch | None  # None: the user's own module, named by `network`
    preprocessing: Preprocessing
    classes: tuple[str, ...] | None = None
    source: str = "deepres"  # the profile that read it
    guessed: tuple[str, ...] = ()  # what the file did not say and we assumed, a sentence each
    numbers: dict[str, float] = {}
    provenance: dict[str, str | int | float] = {}


def encode(card: Card) -> str:
    """Canonical JSON: sorted keys, no spaces, one spelling for one card."""
    return msgspec.json.encode(card, order="sorted").decode()


def decode(text: str | bytes) -> Card:
    """A card from its JSON; a field that is missing, unknown or of the wrong type is named."""
    return msgspec.json.decode(text, type=Card)


def cautions(card: Card) -> list[str]:
    """What whoever uses these weights should hear first: what was guessed, a short training."""
    told = [f"guessed: {sentence}" for sentence in card.guessed]
    steps, full = (card.provenance.get(name) for name in ("steps", "scaled_from_steps"))
    if steps is not None and full is not None:
        told.append(
            f"trained for {steps:,} steps in place of {full:,}: its errors do not stand beside"
            " the paper's"
        )
    if card.provenance.get("recipe") == "fast":
        told.append("trained by --recipe fast, which is not the paper's: its network is")
    return told

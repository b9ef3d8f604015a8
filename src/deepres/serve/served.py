"""The networks of a server: each under a name, ready to run fast."""

import re
from dataclasses import dataclass
from pathlib import Path

from .. import load
from ..accel.fastest import fastest
from ..card import Card
from ..errors import UserError
from ..models.predict import Logits, carded, logits_of
from ..models.resnet import ResNet

NAMED = re.compile(r"([\w.-]+)=(.+)")


@dataclass(frozen=True)
class Served:
    """One network."""

    name: str
    card: Card
    logits: Logits
    about: str  # how it runs
    inside: ResNet | None  # what can be looked into; an exported file cannot

    @property
    def classes(self) -> int:
        """How many it tells apart."""
        return self.card.arch.classes if self.card.arch else len(self.card.classes or ())


def loaded(weights: str, engine: str, precision: str, batch: int) -> Served:
    """From what `evaluate` takes, or NAME=WEIGHTS."""
    name, where = _named(weights)
    network = load(where)
    card = carded(network)
    network.requires_grad_(False).eval()
    quick = fastest(network, precision=precision, engine=engine, batch=batch, pictures=batch)
    inside = network if isinstance(network, ResNet) else None
    return Served(name or card.network, card, logits_of(quick), quick.about, inside)


def _named(weights: str) -> tuple[str, str]:
    found = NAMED.fullmatch(weights)
    return (found[1], found[2]) if found and not Path(weights).exists() else ("", weights)


def told_apart(networks: list[Served]) -> dict[str, Served]:
    """By name, in order; two of one name are refused, since nobody could ask for the second."""
    by_name: dict[str, Served] = {}
    for network in networks:
        if network.name in by_name:
            raise UserError(
                f"Two networks are called {network.name}: write NAME=WEIGHTS to name one of them."
            )
        by_name[network.name] = network
    return by_name

"""Commands that test trained networks: evaluate."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from ..card import cautions
from ..errors import UserError
from . import app, note, printed

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..data.pictured import Pictured
    from ..models.predict import Trained
    from .looked import Looking

AS_JSON = typer.Option(False, "--json", help="One JSON object on standard output.")


@app.command(epilog="Example: deepres evaluate resnet56.th --data cifar10:cifar-10-python.tar.gz")
def evaluate(
    weights: list[str] = typer.Argument(help="Any checkpoint, .onnx, .pt2; several: an ensemble."),
    data: str = typer.Option(help="cifar10[:PATH], folder:PATH, hub:NAME, digits or a PATH."),
    split: str = typer.Option("test", help="test or train."),
    views: str = typer.Option("one", help="one crop, ten, or multi-scale: whole pictures."),
    average: str = typer.Option("softmax", help="What views are averaged by: softmax or logits."),
    scales: str | None = typer.Option(None, help="For multi-scale: 224,256,384,480,640."),
    source: str | None = typer.Option(None, help="Whose checkpoint it is, where that is unclear."),
    network: str | None = typer.Option(None, help="Whose weights: your package.module:callable."),
    out: Path | None = typer.Option(None, help="Write a line a picture to this CSV file."),
    batch: int = typer.Option(250, min=1, help="Pictures at a time; changes nothing but speed."),
    skip_bad: bool = typer.Option(False, "--skip-bad", help="Leave out, and list, bad pictures."),
    download: bool = typer.Option(False, "--download", help="Fetch what hub: names."),
    as_json: bool = AS_JSON,
) -> None:
    """Exact errors on a test set: every picture once."""
    from .. import load
    from ..data.source import images
    from ..evaluate import combined, total, written
    from ..runs.usable import Search, Usable, usable
    from .looked import agreed, look_of, writable

    look = look_of(views, average, scales)
    if out is not None:
        writable(out)
    networks = [_own(network, name) if network else load(name, profile=source) for name in weights]
    cards = [one.card for one in networks if one.card]
    for sentence in (sentence for card in cards for sentence in cautions(card)):
        note(sentence)
    found = images(data, split, download="missing" if download else "never")
    kept = usable(found, Search(note)) if skip_bad else Usable(found)
    for name, reason in kept.left_out.items():
        note(f"left out: {name} {reason}")
    pictures = agreed(kept.pictures, cards)
    members = [_scores(network, pictures, batch, look) for network in networks]
    stream = members[0] if len(members) == 1 else combined(members)
    with contextlib.ExitStack() as stack:
        if out is not None:
            stream = written(stream, pictures, stack.enter_context(out.open("w", newline="")))
        errors = total(stream, pictures)
    answer = {
        "seen": errors.seen,
        "top1_errors": errors.top1,
        "top5_errors": errors.top5,
        "top1_error": errors.top1_error,
        "top5_error": errors.top5_error,
        **_names(networks),
        "data": pictures.name,
        "digest": pictures.digest,
        "views": views,
        "left_out": [{"picture": name, "why": reason} for name, reason in kept.left_out.items()],
    }
    text = (
        f"{answer['network']} ({answer['source']}) on {pictures.name}\n"
        f"top-1 error {errors.top1_error:.2f} % ({errors.top1}/{errors.seen})\n"
        f"top-5 error {errors.top5_error:.2f} % ({errors.top5}/{errors.seen})"
    )
    if left := len(kept.left_out):
        text += f"\nleft out: {left} of {left + errors.seen} pictures"
    printed(answer, text, as_json)


def _own(network: str, weights: str) -> "Trained":
    """Somebody's own module with the weights that `deepres train` gave it."""
    from ..convert import located
    from ..convert.own import weights_of
    from ..models.named import own
    from ..models.weights import load_into, read_card

    path = weights_of(located(weights))
    card = read_card(path) if path else None
    if path is None or card is None:
        raise UserError(f"{weights}: --network goes with weights that `deepres train` wrote.")
    module = own(network, len(card.classes) if card.classes else None).eval()
    trained = cast("Trained", module)
    trained.card, trained.mean_image = load_into(module, path)
    return trained


def _scores(
    network: "Trained", pictures: "Pictured", batch: int, look: "Looking"
) -> "Iterator[Tensor]":
    from ..accel.fuse import fused
    from ..evaluate import scores
    from ..models.resnet import ResNet

    assert network.card is not None
    how, mean_image = network.card.preprocessing, network.mean_image
    made = fused(network) if isinstance(network, ResNet) else cast("nn.Module", network)
    return scores(made, how, mean_image, pictures, look.batch(batch, how), look.look)


def _names(networks: "Sequence[Trained]") -> dict[str, Any]:
    cards = [network.card for network in networks if network.card]
    return {
        "network": " + ".join(card.network for card in cards),
        "source": " + ".join(dict.fromkeys(card.source for card in cards)),
        "guessed": [sentence for card in cards for sentence in card.guessed],
    }

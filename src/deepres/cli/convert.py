"""The command that makes anybody's checkpoint ours, or another library's."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import UserError
from . import app, note, printed

if TYPE_CHECKING:
    from ..models.resnet import ResNet


@app.command(epilog="Example: deepres convert resnet56-4bfd9763.th resnet56.safetensors")
def convert(
    checkpoint: str = typer.Argument(metavar="IN", help="A file, a folder or hub:REPO[/FILE]."),
    out: Path = typer.Argument(metavar="OUT", help="A .safetensors file, or a folder to make."),
    source: str | None = typer.Option(None, help="Whose checkpoint it is, where that is unclear."),
    to: str = typer.Option("deepres", help="deepres, torchvision, timm or hf."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Any known checkpoint, checked, as safetensors with a card or as another library's files."""
    from ..convert import located
    from ..convert.checked import read_back
    from ..convert.out import TARGETS, write

    target = next((name for name in TARGETS if name == to), None)
    if target is None:
        raise UserError(f"--to {to}: choose one of {', '.join(TARGETS)}.")
    path = located(checkpoint)
    check_out(path, out, to)
    network, notes, proof = opened(path, source)
    notes += write(network, target, out)
    if target == "deepres":
        proof += f"; {read_back(network, out)}"
    assert network.card is not None
    for sentence in (*notes, *(f"guessed: {guess}" for guess in network.card.guessed)):
        note(sentence)
    answer = {
        "network": network.card.network,
        "source": network.card.source,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "guessed": list(network.card.guessed),
        "checked": proof,
        "notes": list(notes),
        "to": to,
        "out": str(out.absolute()),
    }
    text = (
        f"{answer['network']} from {answer['source']}, {answer['parameters']:,} parameters\n"
        f"checked: {proof}\nwritten: {out}"
    )
    printed(answer, text, as_json)


def opened(path: Path, source: str | None) -> "tuple[ResNet, tuple[str, ...], str]":
    """The network, what was done to its file on the way, and what was checked."""
    from .. import convert as converting
    from ..convert import own
    from ..convert.checked import checked

    if (ours := own.weights_of(path)) is not None:
        return own.loaded(ours, source), (), "ours already: card and tensors agree"
    found = converting.checkpoint(path)
    made = converting.identified(found, source)
    network = converting.assembled(made, path)
    return network, made.notes, checked(found, made, network)


def check_out(path: Path, out: Path, to: str) -> None:
    """Never the input itself; ours is a .safetensors file or a folder."""
    given = [path, *path.iterdir()] if path.is_dir() else [path]
    written = [out, out / "weights.safetensors", out / "model.safetensors"]
    if any(place.samefile(source) for place in written if place.exists() for source in given):
        raise UserError(f"{out} would overwrite its own source: write to another file.")
    if to == "deepres" and out.suffix and out.suffix != ".safetensors" and not out.is_dir():
        raise UserError(f"{out}: ours is a .safetensors file, or a folder that holds one.")
    if out.suffix == ".safetensors" and out.is_dir():
        raise UserError(f"{out} is a folder: name a file in it.")

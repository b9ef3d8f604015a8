"""The command that makes anybody's checkpoint ours, or another library's."""

from pathlib import Path

import typer

from ..errors import UserError
from . import app, note, printed


@app.command(epilog="Example: deepres convert resnet56-4bfd9763.th resnet56.safetensors")
def convert(
    checkpoint: str = typer.Argument(metavar="IN", help="A file, a folder or hub:REPO[/FILE]."),
    out: Path = typer.Argument(metavar="OUT", help="A .safetensors file, or a folder to make."),
    source: str | None = typer.Option(None, help="Whose checkpoint it is, where that is unclear."),
    to: str = typer.Option("deepres", help="deepres, torchvision, timm or hf."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Any known checkpoint, checked, as safetensors with a card or as another library's files."""
    from .. import convert as converting
    from ..convert import own
    from ..convert.checked import checked, read_back
    from ..convert.out import TARGETS, write

    target = next((name for name in TARGETS if name == to), None)
    if target is None:
        raise UserError(f"--to {to}: choose one of {', '.join(TARGETS)}.")
    path = converting.located(checkpoint)
    check_out(path, out, to)
    notes: tuple[str, ...] = ()
    if (ours := own.weights_of(path)) is not None:
        network, proof = own.loaded(ours, source), "ours already: card and tensors agree"
    else:
        found = converting.checkpoint(path)
        made = converting.identified(found, source)
        network, notes = converting.assembled(made, path), made.notes
        proof = checked(found, made, network)
    notes += write(network, target, out)
    if target == "deepres":
        proof += f"; {read_back(network, own.weights_of(out) or out)}"
    card = network.card
    assert card is not None
    for sentence in (*notes, *(f"guessed: {sentence}" for sentence in card.guessed)):
        note(sentence)
    answer = {
        "network": card.network,
        "source": card.source,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "guessed": list(card.guessed),
        "checked": proof,
        "notes": list(notes),
        "to": to,
        "out": str(out.absolute()),
    }
    text = (
        f"{card.network} from {card.source}, {answer['parameters']:,} parameters\n"
        f"checked: {proof}\nwritten: {out}"
    )
    printed(answer, text, as_json)


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

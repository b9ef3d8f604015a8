"""`deepres export`: a trained network as one file for others to run."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..card import cautions
from ..errors import UserError
from . import app, note, printed

if TYPE_CHECKING:
    from ..export.compare import Report
    from ..export.takes import Takes


@app.command(epilog="Example: deepres export resnet56.safetensors resnet56.onnx --data cifar10")
def export(
    weights: str = typer.Argument(help="Ours, any checkpoint, a bundled name."),
    out: Path = typer.Argument(metavar="OUT", help="A file that ends in .onnx or .pt2."),
    int8: bool = typer.Option(False, "--int8", help="Eight bits, for ONNX Runtime; needs --data."),
    data: str | None = typer.Option(
        None, help="Pictures: training images set the ranges of --int8, test images compare."
    ),
    takes: str | None = typer.Option(
        None,
        "--input",
        help="normalised: a float tensor; rgb: the bytes of pictures, normalised in the file, which"
        " is the default where a mean image is subtracted.",
    ),
    source: str | None = typer.Option(None, help="Whose checkpoint it is, where that is unclear."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """One file, compared with the network at batch 1, 7 and 64 before it gets its name."""
    from ..convert import load
    from ..data.source import images
    from ..export.file import beside, described
    from ..export.file import export as written
    from ..export.takes import usual

    asked = _taken(takes)
    if int8 and data is None:
        raise UserError("--int8 takes --data: ranges are measured on its training images.")
    network = load(weights, source)
    for sentence in cautions(network.card) if network.card else ():
        note(sentence)
    chosen = asked or usual(network)
    if asked is None and chosen == "rgb":
        note("Its mean image goes into the file, which takes the bytes of pictures (--input rgb).")
    test = images(data, "test") if data is not None else None
    training = images(data, "train") if int8 and data is not None else None
    report = written(network, out, chosen, test=test, training=training)
    precision = "int8" if int8 else "fp32"
    answer = described(network, out, chosen, precision, report)
    answer |= {"file": str(out.absolute()), "report": str(beside(out).absolute())}
    printed(answer, _text(out, answer["takes"], report), as_json)


def _taken(text: str | None) -> "Takes | None":
    from ..export.takes import TAKES, known

    chosen = known(text)
    if chosen is None and text is not None:
        raise UserError(f"--input {text}: choose {' or '.join(TAKES)}.")
    return chosen


def _text(out: Path, takes: str, report: "Report") -> str:
    lines = [
        f"{out}: takes {takes}",
        f"compared with the network on {report.compared_on}, at batch"
        f" {', '.join(str(batch.batch) for batch in report.batches)}:"
        f" first guesses agree on {report.agreement:.1f} %, logits differ by at most"
        f" {report.largest_difference:.2g}",
    ]
    if report.test is not None:
        test = report.test
        lines.append(
            f"top-1 error on {test.data}: {test.top1_error:.2f} % ({test.top1_errors}/{test.seen});"
            f" the network itself: {test.eager_top1_errors}/{test.seen}"
        )
    return "\n".join(lines)

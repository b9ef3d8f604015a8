"""Commands about networks: list, count, show."""

import typer

from . import app, printed

AS_JSON = typer.Option(False, "--json", help="One JSON object on standard output.")


@app.command(name="list", epilog="Example: deepres list --json")
def list_(as_json: bool = AS_JSON) -> None:
    """Networks, studies and bundled weights."""
    from ..models import bundled
    from ..models.zoo import CIFAR_NAMES, IMAGENET_NAMES, NAMES, SUFFIXES
    from ..studies.catalogue import STUDIES

    studies = "\n".join(f"  {name:<25} {study.title}" for name, study in STUDIES.items())
    suffixes = "\n".join(f"  -{suffix:<11} {meaning}" for suffix, meaning in SUFFIXES.items())
    weights = "\n".join(f"  {name:<25} {bundled.told(name)}" for name in bundled.names())
    text = (
        f"Sec. 4.2, CIFAR:\n  {' '.join(CIFAR_NAMES)}\n  (any depth that fits 6n+2)\n"
        f"Table 1, ImageNet:\n  {' '.join(IMAGENET_NAMES)}\n"
        f"Suffixes, which combine:\n{suffixes}\n"
        "Wherever a network is named, package.module:callable names your own.\n"
        f"Studies, for `deepres run` and `deepres show`:\n{studies}\n"
        f"Bundled weights:\n{weights or '  none'}"
    )
    printed(
        {"networks": list(NAMES), "studies": list(STUDIES), "weights": bundled.names()},
        text,
        as_json,
    )


@app.command(epilog="Example: deepres count resnet50-v1.5")
def count(
    network: str = typer.Argument(help="A name, or package.module:callable."),
    size: int | None = typer.Option(None, min=1, max=100_000, help="Edge of the picture."),
    classes: int | None = typer.Option(None, min=1, max=10**9, help="Number of classes."),
    as_json: bool = AS_JSON,
) -> None:
    """Parameters and multiply-adds, measured by running the network without memory."""
    from ..models.count import count as counted
    from ..models.named import is_own, named
    from ..models.zoo import arch

    if is_own(network):
        from ..check.numbers import counted as counted_by_running

        found, edge = counted_by_running(network, size, classes)
    else:
        edge = size or arch(network).input_size
        found = counted(named(network, classes, device="meta"), edge)
    answer = {
        "network": network,
        "layers": found.layers,
        "parameters": found.parameters,
        "multiply_adds": found.multiply_adds,
        "size": edge,
    }
    text = (
        f"{network}: {found.layers} layers, {found.parameters:,} parameters,"
        f" {found.multiply_adds:,} multiply-adds for one {edge}x{edge} picture"
    )
    printed(answer, text, as_json)


@app.command(epilog="Example: deepres show table6")
def show(name: str = typer.Argument(help="A network's name, or a study's.")) -> None:
    """A network's layers as in Table 1, or a study's declaration with its command and cost."""
    from ..models.table import column
    from ..models.zoo import arch
    from ..studies.catalogue import STUDIES

    if name in STUDIES:
        from ..studies.shown import declaration

        print(declaration(STUDIES[name]))
    else:
        print(column(name, arch(name)))

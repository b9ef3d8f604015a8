"""`deepres serve`: a web page and an HTTP API for trained networks."""

import typer

from ..errors import UserError
from . import app, note


@app.command(epilog="Example: deepres serve resnet56.safetensors plain=runs/plain20 --port 8000")
def serve(
    weights: list[str] = typer.Argument(
        metavar="WEIGHTS...", help="What predict takes; NAME=WEIGHTS gives a network its name."
    ),
    host: str = typer.Option("127.0.0.1", help="0.0.0.0 lets other machines in."),
    port: int = typer.Option(8000, min=0, max=65535, help="0 is any that is free."),
    batch: int = typer.Option(64, min=1, help="Pictures at a time; 1 gathers no requests."),
    engine: str = typer.Option("auto", help="auto, eager, onnxruntime, openvino or compiled."),
    precision: str = typer.Option("fp32", help="fp32 or bf16."),
    megabytes: int = typer.Option(16, min=1, help="Of one request."),
    megapixels: int = typer.Option(25, min=1, max=89, help="Of one picture."),
    images: int = typer.Option(32, min=1, help="Of one request."),
    waiting: int = typer.Option(256, min=1, help="Requests at a time; more are told to come back."),
    seconds: float = typer.Option(30, min=0.1, help="To send a request; to wait for its answer."),
) -> None:
    """Answers POST /predict, and shows a page; Ctrl-C answers what was accepted, and ends."""
    from importlib.util import find_spec

    for package in ("fastapi", "uvicorn", "python_multipart"):
        if find_spec(package) is None:
            raise UserError(f"`deepres serve` takes {package}: pip install 'deepres[serve]'.")
    from ..serve.application import application
    from ..serve.limits import MEBI, Limits
    from ..serve.running import address, listening, run
    from ..serve.served import loaded, told_apart

    limits = Limits(
        bytes=megabytes * MEBI,
        pixels=megapixels * 1_000_000,
        images=images,
        requests=waiting,
        held=max(256, megabytes) * MEBI,
        seconds=seconds,
        batch=batch,
    )
    with listening(host, port) as sock:
        networks = told_apart([loaded(name, engine, precision, batch) for name in weights])
        for name, network in networks.items():
            note(f"{name}: {network.card.network} ({network.card.source}), {network.about}")
            for sentence in network.card.guessed:
                note(f"guessed: {sentence}")
        page = address(sock)
        server = application(networks, limits)
        run(server, sock, seconds, lambda: note(f"serving on {page} (Ctrl-C ends)"))

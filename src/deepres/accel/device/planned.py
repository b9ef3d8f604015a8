"""The plan of a run on a device: what is there, what fits a graph, which layers agree."""

import torch
from torch import nn

from ...data.images import Images
from ...data.pictured import Pictured
from ...errors import UserError
from ...spec import Plan, Recipe
from .network import fits
from .normalised import Formulas, Ways

CLOSE = 1e-2  # of a norm, in bf16: roundings are a third of it, mistakes are not so small
SHAPES = ((8, 16, 32, 32), (8, 32, 16, 16), (8, 64, 8, 8))  # of Sec. 4.2's three stages


def found(name: str) -> torch.device:
    """A device by its name, if it is there."""
    kind, _, number = name.partition(":")
    if kind == "mps" and torch.backends.mps.is_available():
        return torch.device("mps")
    if kind == "cuda" and torch.cuda.is_available():
        if (int(number) if number.isdigit() else 0) < torch.cuda.device_count():
            return torch.device(name if number else "cuda:0")
        raise UserError(f"--device {name}: there are {torch.cuda.device_count()} GPUs, from 0 on.")
    if kind not in ("cuda", "mps"):
        raise UserError(f"There is no --device {name}: cpu, cuda, cuda:1 and mps are devices.")
    built = "was built without CUDA" if kind == "cuda" and not torch.version.cuda else "sees none"
    raise UserError(
        f"--device {name} takes a GPU, and torch {torch.__version__} {built}: --device cpu trains"
        " on the processor."
    )


def planned(
    network: nn.Module,
    recipe: Recipe,
    images: Pictured,
    device: torch.device,
    *,
    engine: str = "auto",
    threads: int | None = None,
    workers: int = 0,
) -> tuple[Plan, str]:
    """The plan, and why it is this one."""
    if engine == "native":
        raise UserError("--engine native computes on processors: auto, eager, compiled or graph.")
    why = _no_graph(network, recipe, images, device)
    if engine == "graph" and why:
        raise UserError(f"--engine graph: {why}. --engine eager trains it.")
    graph = engine == "graph" or (engine == "auto" and not why)
    kind, told = layers(device) if graph else ("formulas", why)
    plan = Plan(
        device=str(device),
        engine="graph" if graph else "compiled" if engine == "compiled" else "eager",
        layers=kind,  # type: ignore[arg-type]
        threads=threads or torch.get_num_threads(),
        workers=workers,
    )
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    return plan, f"step: {plan.engine} on {name}{'; ' if told else ''}{told}"


def _no_graph(network: nn.Module, recipe: Recipe, images: Pictured, device: torch.device) -> str:
    """Why a run does not train as a graph; nothing where it does."""
    if device.type == "mps":
        return "graphs are CUDA's"
    if recipe.precision == "fp16":
        return "a step in fp16 looks at its gradients before it moves, and a graph does not wait"
    if not isinstance(images, Images):
        return f"{images.name} is read from files, and graphs take pictures that lie on the device"
    if not fits(network):
        return "graphs are for the paper's networks without projections and frozen layers"
    return ""


def layers(device: torch.device) -> tuple[str, str]:
    """Own kernels where they compute what the formulas say, here and now; else the formulas."""
    if device.type != "cuda":
        return "formulas", ""
    try:
        from .kernels import Kernels
    except ImportError:
        return "formulas", "layers by torch's operations: there is no Triton"
    try:
        apart = difference(Kernels(), device)
    except Exception as error:  # noqa: BLE001 - whatever Triton says: it is told, and not needed
        said = (str(error).splitlines() or [""])[0][:200]
        return "formulas", f"layers by torch's operations: {type(error).__name__} of Triton: {said}"
    if apart < CLOSE:
        return "kernels", f"layers by own kernels (within {apart:.1e} of the formulas)"
    return "formulas", f"layers by torch's operations: own kernels differ by {apart:.1e} here"


def difference(ways: Ways, device: torch.device, kind: torch.dtype = torch.bfloat16) -> float:
    """The largest relative distance of any output or gradient from the formulas in float64."""
    generator, worst = torch.Generator().manual_seed(0), 0.0
    for shape in SHAPES:
        x, add, g = (
            torch.randn(shape, generator=generator)
            .to(device, kind)
            .contiguous(memory_format=torch.channels_last)
            for _ in range(3)
        )
        gamma, beta = (torch.randn(shape[1], generator=generator).to(device) for _ in range(2))
        given = [t.double() for t in (x, gamma, beta)]
        for added in (add, None):
            ours = ways.forward(x, gamma, beta, added, 1e-5, 2)
            wide = None if added is None else added.double()
            theirs = Formulas().forward(given[0], given[1], given[2], wide, 1e-5, 2)
            adds = added is not None
            back = ways.backward(g, x, gamma, ours, adds)
            same = theirs._replace(y=ours.y.double())  # the same side of zero
            expected = Formulas().backward(g.double(), given[0], given[1], same, adds)
            for a, b in zip([*ours, *back], [*theirs, *expected], strict=True):
                if a is not None and b is not None:
                    away = float((a.double() - b).norm() / b.norm())
                    worst = max(worst, away if away == away else float("inf"))
    return worst

"""The residual-network paper as a program. Importing this costs nothing: torch waits for a call."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .accel.engines import Engine
    from .models.initialise import Fan
    from .models.resnet import ResNet

__all__ = ["__version__", "create", "load"]
__version__ = "0.1.0"


def create(name: str, classes: int | None = None, *, seed: int = 0, fan: "Fan" = "in") -> "ResNet":
    """A fresh network: `create("resnet56")`, `create("resnet50-v1.5", classes=37)`."""
    from .models.initialise import created
    from .models.zoo import arch

    return created(arch(name, classes), seed, fan)


def load(source: Any, *, profile: str | None = None) -> "ResNet | Engine":
    """A trained network from our weights, anybody's checkpoint, a folder or a bundled name.

    What `deepres export` wrote (.onnx, .pt2) is loaded too, as a module that only answers.

    `forward` takes normalised N x 3 x H x W and gives logits; `card` tells what normalised means
    and what the classes are called; `predict` takes pictures.
    """
    if str(source).endswith((".onnx", ".pt2")):
        from .export.read import load as load_exported

        return load_exported(Path(source), profile)
    from .convert import load as load_anything

    return load_anything(source, profile)

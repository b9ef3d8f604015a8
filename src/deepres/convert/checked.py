"""What a conversion proves about itself before anybody relies on it."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import Failed, UserError
from ..models.resnet import ResNet
from ..models.weights import load
from ..models.zoo import TABLE_1
from . import own
from .family import Checkpoint, Converted

CLOSE = 1e-4  # of the largest logit: two orders of summation in single precision


@torch.inference_mode()
def checked(source: Checkpoint, made: Converted, network: ResNet) -> str:
    """Runs both networks where the author's library is here; else says what was counted."""
    size = network.arch.input_size
    pictures = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    ours = network.eval()(pictures)
    if not ours.isfinite().all():
        raise UserError(f"{source.path}: the network gives infinite answers to random pictures.")
    counted = f"each of its {len(source.tensors)} tensors used once, every shape and value checked"
    library, theirs = peer(source, made)
    if theirs is None:
        return counted
    answers = theirs.eval()(pictures)
    answers = getattr(answers, "logits", answers)
    difference = float((answers - ours).abs().max() / ours.abs().max().clamp(min=1e-30))
    if difference > CLOSE:
        raise UserError(
            f"{source.path}: {library}'s own network answers otherwise (by {difference:.1e} of the"
            " largest logit); it was not converted."
        )
    return f"{counted}; {library}'s own network gives the same logits within {difference:.0e}"


def read_back(network: ResNet, path: Path) -> str:
    """The file, or the folder's, holds what was to be written, to the bit."""
    written = load(own.weights_of(path) or path)
    theirs, card = written.state_dict(), written.card
    if card != network.card or any(
        not torch.equal(tensor, theirs[name]) for name, tensor in network.state_dict().items()
    ):
        raise Failed(f"{path} does not hold what was written to it: is the disk sound?")
    return "read back from the disk, equal to the bit"


def peer(source: Checkpoint, made: Converted) -> tuple[str, nn.Module | None]:
    """The author's library and its network with the author's tensors, where it can be had."""
    library, build = PEERS.get(made.source, ("", None))
    if build is None:
        return library, None
    try:
        module = importlib.import_module(HOMES.get(library, library))
    except (ImportError, RuntimeError, OSError):  # torchvision without its compiled part, too
        return library, None
    network = build(module, source, made)
    if network is not None:
        network.load_state_dict(source.tensors, strict=True)  # half precision becomes single
    return library, network


def _torchvision(module: Any, source: Checkpoint, made: Converted) -> nn.Module | None:
    if TABLE_1.get(made.arch.layers) != (made.arch.block, made.arch.depths):
        return None
    models = importlib.import_module("torchvision.models")
    build: Callable[..., nn.Module] = getattr(models, f"resnet{made.arch.layers}")
    return build(weights=None, num_classes=made.arch.classes)


def _timm(module: Any, source: Checkpoint, made: Converted) -> nn.Module | None:
    if TABLE_1.get(made.arch.layers) != (made.arch.block, made.arch.depths):
        return None
    network: nn.Module = module.create_model(
        f"resnet{made.arch.layers}", pretrained=False, num_classes=made.arch.classes
    )
    return network


def _transformers(module: Any, source: Checkpoint, made: Converted) -> nn.Module | None:
    if not source.config:
        return None
    config = module.ResNetConfig.from_dict(dict(source.config))
    network: nn.Module = module.ResNetForImageClassification(config)
    return network


# Where a library imports lazily: what its networks need may be missing though it is there.
HOMES = {"transformers": "transformers.models.resnet.modeling_resnet"}
Build = Callable[[Any, Checkpoint, Converted], nn.Module | None]
PEERS: dict[str, tuple[str, Build]] = {
    "torchvision": ("torchvision", _torchvision),
    "torchvision-v2": ("torchvision", _torchvision),
    "timm": ("timm", _timm),
    "huggingface": ("transformers", _transformers),
}

"""Our weights on disk: safetensors with a card, beside it and inside it. Never a pickle."""

import os
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from ..card import Card, decode, encode
from ..errors import UserError
from .outlined import outlined
from .resnet import ResNet

CARD = "deepres"  # the single metadata key: several are not written in the same order twice
MEAN_IMAGE = "preprocessing.mean_image"
EPSILON = 1e-5  # of every batch normalisation here: a converted variance can be that much below 0


def card_path(path: Path) -> Path:
    """`card.json` beside `weights.safetensors`, otherwise `<stem>.json`."""
    return path.with_name("card.json") if path.stem == "weights" else path.with_suffix(".json")


def save(path: Path, network: torch.nn.Module, card: Card, mean_image: Tensor | None) -> None:
    """Writes both files aside and renames them, so that a reader never sees half of one."""
    state = network.state_dict()  # cloned: tied weights are one tensor under two names
    tensors = {name: t.clone(memory_format=torch.contiguous_format) for name, t in state.items()}
    if mean_image is not None:
        tensors[MEAN_IMAGE] = mean_image.contiguous()
    text = encode(card)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(serialised(tensors, {CARD: text}))  # readable by whom the user's files are
    aside.replace(path)
    card_aside = aside.with_suffix(".json")
    card_aside.write_text(text + "\n")
    card_aside.replace(card_path(path))


def read_card(path: Path) -> Card | None:
    """The card inside a safetensors file, or None where the file is somebody else's."""
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(CARD)
    except SafetensorError as error:
        raise UserError(
            f"{path} is not a whole safetensors file ({error}): copy or convert it again."
        ) from None
    if text is None:
        return None
    try:
        return decode(text)
    except msgspec.DecodeError as error:
        raise UserError(f"{path}: its card cannot be read ({error}).") from None


def load(path: Path) -> ResNet:
    """The network of one of our files, in evaluation mode, with its card."""
    card = read_card(path)
    if card is None:
        raise UserError(f"{path} has no deepres card: `deepres convert` makes one.")
    if card.arch is None:
        raise UserError(
            f"{path} holds weights of somebody's own {card.network}, which no file may call up by"
            f" itself: `--network {card.network}` does."
        )
    return assembled(card, *_tensors(path), str(path))


def load_into(network: torch.nn.Module, path: Path) -> tuple[Card, Tensor | None]:
    """Puts weights of somebody's own module back into one; their card and mean image."""
    card = read_card(path)
    if card is None:
        raise UserError(f"{path} has no deepres card: it is not of `deepres train`.")
    tensors, mean_image = _tensors(path)
    matched(tensors, {name: t.shape for name, t in network.state_dict().items()}, str(path))
    network.load_state_dict(tensors, strict=True)
    return card, mean_image


def _tensors(path: Path) -> tuple[dict[str, Tensor], Tensor | None]:
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    mean_image = tensors.pop(MEAN_IMAGE, None)
    return tensors, mean_image


def assembled(
    card: Card, tensors: dict[str, Tensor], mean_image: Tensor | None, where: str
) -> ResNet:
    """A network from its card and every one of its tensors, none missing, none left over."""
    assert card.arch is not None
    network = outlined(card.arch)
    matched(tensors, {name: t.shape for name, t in network.state_dict().items()}, where)
    network.load_state_dict(tensors, strict=True, assign=True)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    network.card, network.mean_image = card, mean_image
    if card.preprocessing.mean_image and mean_image is None:
        raise UserError(f"{where}: its card speaks of a mean image, and there is none in the file.")
    return network.eval()


def matched(tensors: dict[str, Tensor], shapes: dict[str, torch.Size], where: str) -> None:
    """Says in one sentence which tensor is missing, left over, misshapen or not finite."""
    if missing := sorted(shapes.keys() - tensors.keys()):
        raise UserError(f"{where} lacks {missing[0]}{_others(missing)}.")
    if extra := sorted(tensors.keys() - shapes.keys()):
        raise UserError(f"{where} has {extra[0]}{_others(extra)}, which this network does not.")
    for name, tensor in tensors.items():
        if tensor.shape != shapes[name]:
            raise UserError(
                f"{where}: {name} is {tuple(tensor.shape)}; this network's is"
                f" {tuple(shapes[name])}."
            )
        if tensor.is_floating_point() and not finite(tensor):
            raise UserError(f"{where}: {name} holds NaN or infinite values: the weights are lost.")
        if name.endswith("running_var") and bool((tensor <= -EPSILON).any()):
            raise UserError(f"{where}: {name} holds variances below zero: the weights are damaged.")


def finite(tensor: Tensor) -> bool:
    """A sum, far quicker than a look at each number, decides unless it is not finite itself."""
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _others(names: list[str]) -> str:
    return f" and {len(names) - 1} others" if len(names) > 1 else ""

"""timm's folders: torchvision's names, and a `config.json` that says which network and pictures."""

import math
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct
from torch import Tensor

from ..card import Preprocessing
from ..errors import UserError
from .family import Checkpoint, Family, Profile
from .torchvision import NAMES

# resnet50, resnet50.a1_in1k; tv_, ssl_, swsl_ and gluon_ are what its weights were called before.
PAPERS = re.compile(
    r"(?:(?:tv_|ssl_|swsl_)?resnet(18|34|50|101|152)|gluon_resnet(18|34|50|101|152)_v1b)(\..+)?"
)
HARMLESS = {"num_classes", "in_chans", "drop_rate", "drop_path_rate"}  # seen in shapes, or idle
Said = TypeVar("Said")
SQUEEZED = "timm squeezes these pictures to a square; here the middle is cut out instead."


class Pictures(Struct):
    """`pretrained_cfg`, and timm's defaults where a field is left out."""

    input_size: tuple[int, int, int] = (3, 224, 224)
    test_input_size: tuple[int, int, int] | None = None
    interpolation: str = "bicubic"
    crop_pct: float = 0.875
    test_crop_pct: float | None = None
    crop_mode: str = "center"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


class Config(Struct):
    """The fields of a timm folder's `config.json` that matter here."""

    architecture: str
    global_pool: str = "avg"
    model_args: dict[str, Any] = {}
    label_names: list[str] | dict[str, str] | None = None
    label_descriptions: dict[str, str] = {}


def fits(checkpoint: Checkpoint) -> bool:
    return "architecture" in checkpoint.config


def prepare(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Nothing changes; networks of timm's that are not the paper's are refused by their name."""
    config = _as(Config, checkpoint.config, checkpoint)
    where = checkpoint.path
    if not PAPERS.fullmatch(config.architecture):
        raise UserError(
            f"{where} is timm's {config.architecture}, which is not a network of the paper: those"
            " are timm's resnet18, resnet34, resnet50, resnet101 and resnet152."
        )
    settings = {"global_pool": config.global_pool} | config.model_args
    for name in sorted(settings.keys() - HARMLESS):
        if settings[name] != ("avg" if name == "global_pool" else None):
            raise UserError(
                f"{where} is timm's {config.architecture} changed by {name} {settings[name]!r}; the"
                " paper's network has no such setting."
            )
    return checkpoint.tensors


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """Pictures as `pretrained_cfg` says; timm's networks stride on the 3x3."""
    config = _as(Config, checkpoint.config, checkpoint)
    said = _as(Pictures, checkpoint.config.get("pretrained_cfg", checkpoint.config), checkpoint)
    size = said.input_size[1]
    resize = math.floor(size / said.crop_pct) if said.crop_pct > 0 else 0
    if not 0 < size <= resize <= 10_000 or min(said.std) <= 0 or size != said.input_size[2]:
        raise UserError(
            f"{checkpoint.path}: its config.json cuts {said.input_size} at crop_pct"
            f" {said.crop_pct} and divides by {said.std}, which cannot be done."
        )
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    guessed = [] if said.crop_mode == "center" else [SQUEEZED]
    if said.interpolation == "bilinear":
        interpolation = "bilinear"
    elif said.interpolation != "bicubic":
        guessed.append(f"timm resizes these pictures by {said.interpolation}; here bicubic does.")
    if said.test_input_size not in (None, said.input_size):
        guessed.append(
            f"Its pictures are {size} pixels wide, as timm's transforms make them; timm's tests"
            f" use {said.test_input_size} and crop_pct {said.test_crop_pct or said.crop_pct}."
        )
    how = Preprocessing(
        size=size, resize=resize, interpolation=interpolation, mean=said.mean, std=said.std
    )
    return Profile(how, labels(config, tensors, checkpoint), guessed=tuple(guessed))


def labels(
    config: Config, tensors: Mapping[str, Tensor], checkpoint: Checkpoint
) -> tuple[str, ...] | None:
    """Descriptions of the labels where there are any, else the labels themselves."""
    names = config.label_names
    if names is None or "fc.weight" not in tensors:
        return None
    classes = len(tensors["fc.weight"])
    if isinstance(names, dict):
        names = [names.get(str(number), "") for number in range(max(classes, len(names)))]
    if len(names) != classes:
        raise UserError(
            f"{checkpoint.path}: its config.json names {len(names)} classes, its classifier has"
            f" {classes}."
        )
    return tuple(config.label_descriptions.get(name, name) for name in names)


def _as(kind: type[Said], config: Any, checkpoint: Checkpoint) -> Said:
    try:
        return msgspec.convert(config, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{checkpoint.path}: its config.json cannot be used: {error}.") from None


FAMILY = Family(
    name="timm",
    about="timm's folders",
    fits=fits,
    names=NAMES,
    profile=profile,
    prepare=prepare,
)

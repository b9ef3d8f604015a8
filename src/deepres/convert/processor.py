"""`preprocessor_config.json`: what transformers does to a picture, as our preprocessing."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from ..card import Preprocessing
from ..errors import UserError
from .inputs import IMAGENET

Edges = int | dict[str, int | None]
HUB_DEFAULT = structs.replace(IMAGENET, interpolation="bicubic")  # microsoft/resnet-50's
SQUEEZED_FROM = 384  # ConvNext's processor crops below and squeezes from here on
CROPPED = 224 / 256  # of ConvNext's where it does not say
INTERPOLATIONS: dict[int, Literal["bilinear", "bicubic"]] = {2: "bilinear", 3: "bicubic"}
PIL_NAMES = {0: "nearest", 1: "lanczos", 4: "box", 5: "hamming"}
SQUEEZED = "Its processor squeezes pictures to a square; here the middle is cut out instead."


class Processor(Struct, kw_only=True):
    """The fields that matter of any of transformers' image processors."""

    size: Edges
    image_mean: tuple[float, float, float]
    image_std: tuple[float, float, float]
    image_processor_type: str = ""
    feature_extractor_type: str = ""  # its name before 2023
    crop_size: Edges | None = None
    crop_pct: float | None = None
    resample: int = 3
    rescale_factor: float = 1 / 255
    do_resize: bool = True
    do_center_crop: bool | None = None
    do_rescale: bool = True
    do_normalize: bool = True


def preprocessing(
    config: Mapping[str, Any] | None, where: str
) -> tuple[Preprocessing, tuple[str, ...]]:
    """What the processor does, and a sentence for each thing that ours does only nearly."""
    if config is None:
        return HUB_DEFAULT, (
            "No preprocessor_config.json lies beside the weights: that of microsoft/resnet-50"
            " (224 of 256, bicubic, ImageNet's mean and deviation) is assumed.",
        )
    try:
        said = msgspec.convert(config, Processor)
        size, resize, guessed = sizes(said)
        means, deviations = normalisation(said)
    except ValueError as error:  # msgspec's own is one
        raise UserError(f"{where}: its preprocessor_config.json cannot be used: {error}.") from None
    if said.resample not in INTERPOLATIONS:
        name = PIL_NAMES.get(said.resample, f"method {said.resample}")
        guessed.append(f"Its pictures are resized by {name}; here bicubic comes nearest.")
    how = Preprocessing(
        size=size,
        resize=resize,
        interpolation=INTERPOLATIONS.get(said.resample, "bicubic"),
        maximum=1 if said.do_rescale else 255,
        mean=means,
        std=deviations,
    )
    return how, tuple(guessed)


def sizes(said: Processor) -> tuple[int, int, list[str]]:
    """Edge of the crop, shorter side before it, and what is not the same as there."""
    edge, square = edges(said.size)
    convnext = "ConvNext" in said.image_processor_type + said.feature_extractor_type
    guessed = []
    if said.do_center_crop:
        size, resize = edges(said.crop_size)[0] if said.crop_size is not None else edge, edge
    elif convnext and edge < SQUEEZED_FROM:
        size, resize, square = edge, int(edge / (said.crop_pct or CROPPED)), False
    else:
        size, resize, square = edge, edge, True
    if not said.do_resize:
        resize, square = size, False
        guessed.append(f"Its processor does not resize; here the shorter side becomes {size}.")
    if not 0 < size <= resize <= 10_000:
        raise ValueError(f"it cuts {size} out of {resize} pixels")
    return size, resize, guessed + [SQUEEZED] * square


def edges(value: Edges) -> tuple[int, bool]:
    """The edge of a picture, and whether both of its sides become that."""
    if isinstance(value, int):
        return value, False
    if (edge := value.get("shortest_edge")) is not None:
        return edge, False
    height, width = value.get("height"), value.get("width")
    if height is None or height != width:
        raise ValueError(f"its size {value} is not that of a square")
    return height, True


def normalisation(said: Processor) -> tuple[Any, Any]:
    """Mean and deviation of pixels that end at 1, or at 255 where nothing rescales them."""
    if not said.do_normalize:
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if said.do_rescale and abs(said.rescale_factor * 255 - 1) > 1e-6:
        raise ValueError(f"its rescale_factor is {said.rescale_factor}, not 1/255")
    if min(said.image_std) <= 0:
        raise ValueError(f"its image_std {said.image_std} holds a number that is not positive")
    return said.image_mean, said.image_std

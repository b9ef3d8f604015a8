"""Our networks as files that other libraries load, strictly; refused where one cannot say it."""

import json
import math
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from msgspec import structs
from safetensors.torch import save_file
from torch import Tensor

from ..card import Card, Preprocessing, encode
from ..errors import UserError
from ..models.resnet import ResNet
from ..models.weights import card_path, save
from ..models.zoo import TABLE_1, TABLE_1_WIDTHS
from ..spec import EXPANSION, Arch
from .model_card import model_card

Target = Literal["deepres", "torchvision", "timm", "hf"]
TARGETS: tuple[Target, ...] = ("deepres", "torchvision", "timm", "hf")
LIBRARIES = {"torchvision": "torchvision", "timm": "timm", "hf": "transformers"}
RESAMPLE = {"bilinear": 2, "bicubic": 3}  # PIL's numbers
PICKLED = {".pth", ".pt"}
SINGLE = {".pth", ".pt", ".safetensors", ".json", ".bin", ".ckpt"}


def write(network: ResNet, to: Target, path: Path) -> tuple[str, ...]:
    """Writes the files, whole or not at all; a sentence for each thing that was put differently."""
    if network.card is None:
        raise UserError(
            "This network has no card, so nothing says how its pictures are prepared:"
            " deepres.load gives networks that have one."
        )
    if to == "deepres":
        if path.is_file() and path.suffix != ".safetensors":
            raise UserError(f"{path} is a file; ours are a .safetensors file or a folder.")
        where = path if path.suffix == ".safetensors" else path / "weights.safetensors"
        save(where, network, network.card, network.mean_image)
        return ()
    expressible(network.arch, to, network.card.network)
    tensors, card, notes = plain_pictures(network, network.card, to)
    return (*notes, *WRITERS[to](tensors, network.arch, card, path))


def expressible(arch: Arch, to: Target, name: str) -> None:
    """Refuses what the library has no network for, naming the first thing that it lacks."""
    library = LIBRARIES[to]
    any_depth = to == "hf"
    lacks = (
        (arch.shortcut == "none", "plain networks"),
        (arch.widths != TABLE_1_WIDTHS, "the networks of Sec. 4.2 (widths 16, 32, 64)"),
        (arch.stem.startswith("3x3"), "a stem of one 3x3 convolution"),
        (arch.stem == "7x7-ceil", "a max-pool without padding, as Caffe's"),
        (arch.shortcut != "B", f"shortcuts of option {arch.shortcut}"),
        (
            not any_depth and TABLE_1.get(arch.layers) != (arch.block, arch.depths),
            f"a network of {arch.depths} blocks under a name",
        ),
        (
            not any_depth and arch.block == "bottleneck" and arch.stride_at == "first",
            "the authors' stride on the first 1x1 (`--to hf` can write it)",
        ),
    )
    for missing, what in lacks:
        if missing:
            raise UserError(f"{name} cannot be written for {library}, which lacks {what}.")


def plain_pictures(
    network: ResNet, card: Card, to: Target
) -> tuple[dict[str, Tensor], Card, list[str]]:
    """Weights for RGB pictures, which is all that others take; nothing is rounded."""
    how, notes = card.preprocessing, list[str]()
    if how.mean_image:
        raise UserError(
            f"{card.network} subtracts a mean image, which {LIBRARIES[to]} cannot; its channel"
            " means would be another network's input: `--to deepres` keeps the image."
        )
    tensors = {n: t.detach().cpu().contiguous() for n, t in network.state_dict().items()}
    if how.colour == "BGR":
        tensors["conv1.weight"] = tensors["conv1.weight"].flip(1).contiguous()
        how = structs.replace(how, colour="RGB", mean=how.mean[::-1], std=how.std[::-1])
        notes.append("The first convolution's inputs are reversed: pictures are RGB now, not BGR.")
    return tensors, structs.replace(card, preprocessing=how), notes


def torchvision(tensors: dict[str, Tensor], arch: Arch, card: Card, path: Path) -> tuple[str, ...]:
    """A state dict as torch.save writes it, and our card beside it."""
    if path.suffix not in PICKLED or path.is_dir():
        raise UserError(f"{path}: torchvision's weights are a file such as resnet50.pth.")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:  # a path would enter the archive as its folder's name
            torch.save(tensors, file)
        aside.replace(path)
        aside.write_text(encode(card) + "\n")
        aside.replace(card_path(path))
    finally:
        aside.unlink(missing_ok=True)
    how = card.preprocessing
    return (
        f"A state dict does not say how pictures are prepared: {how.size} of {how.resize}"
        f" {how.interpolation}, 0-{how.maximum}, mean {how.mean}, std {how.std}; this stands in"
        f" {card_path(path).name}.",
    )


def timm(tensors: dict[str, Tensor], arch: Arch, card: Card, path: Path) -> tuple[str, ...]:
    """A folder for `timm.create_model("local-dir:...", pretrained=True)`."""
    how = card.preprocessing
    scale = 1 if how.maximum == 1 else 255  # timm's pixels end at 1
    config: dict[str, Any] = {
        "architecture": f"resnet{arch.layers}",
        "num_classes": arch.classes,
        "num_features": arch.features,
        "global_pool": "avg",
        "pretrained_cfg": {
            "input_size": [3, how.size, how.size],
            "fixed_input_size": False,
            "interpolation": how.interpolation,
            "crop_pct": crop_pct(how),
            "crop_mode": "center",
            "mean": [mean / scale for mean in how.mean],
            "std": [std / scale for std in how.std],
            "num_classes": arch.classes,
            "pool_size": [7, 7],
            "first_conv": "conv1",
            "classifier": "fc",
        },
    }
    if card.classes is not None:
        config["label_names"] = list(card.classes)
    folder(path, tensors, {"config.json": _json(config)})
    return () if scale == 1 else ("Mean and deviation are divided by 255: timm's pixels end at 1.",)


def crop_pct(how: Preprocessing) -> float:
    """The fraction of which timm's floor(size / fraction) makes `resize` again."""
    fraction = how.size / how.resize
    while math.floor(how.size / fraction) != how.resize:
        fraction = math.nextafter(fraction, 0 if how.size / fraction < how.resize else 2)
    return fraction


def huggingface(tensors: dict[str, Tensor], arch: Arch, card: Card, path: Path) -> tuple[str, ...]:
    """A folder for `ResNetForImageClassification.from_pretrained`, with its processor."""
    names = card.classes or [f"LABEL_{number}" for number in range(arch.classes)]
    config = {
        "architectures": ["ResNetForImageClassification"],
        "model_type": "resnet",
        "layer_type": arch.block,
        "depths": list(arch.depths),
        "embedding_size": arch.widths[0],
        "hidden_sizes": [width * EXPANSION[arch.block] for width in arch.widths],
        "hidden_act": "relu",
        "num_channels": 3,
        "downsample_in_first_stage": False,
        "downsample_in_bottleneck": arch.block == "bottleneck" and arch.stride_at == "first",
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
    }
    how = card.preprocessing
    processor = {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": how.resize},
        "resample": RESAMPLE[how.interpolation],
        "do_center_crop": True,
        "crop_size": {"height": how.size, "width": how.size},
        "do_rescale": how.maximum == 1,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": how.mean,
        "image_std": how.std,
    }
    texts = {
        "config.json": _json(config),
        "preprocessor_config.json": _json(processor),
        "README.md": model_card(card, arch),
    }
    folder(path, {huggingface_name(name): t for name, t in tensors.items()}, texts)
    return ()


def huggingface_name(name: str) -> str:
    """`layer1.0.conv2.weight` is `resnet.encoder.stages.0.layers.0.layer.1.convolution.weight`."""
    if name.startswith("fc."):
        return name.replace("fc", "classifier.1", 1)
    kinds = {"conv": "convolution", "bn": "normalization", "0": "convolution", "1": "normalization"}
    if match := re.fullmatch(r"(conv|bn)1\.(\w+)", name):
        return f"resnet.embedder.embedder.{kinds[match[1]]}.{match[2]}"
    match = re.fullmatch(r"layer(\d)\.(\d+)\.(?:(conv|bn)(\d)|downsample\.(\d))\.(\w+)", name)
    assert match, name
    stage, block, kind, number, place, tensor = match.groups()
    here = f"resnet.encoder.stages.{int(stage) - 1}.layers.{block}"
    if place is not None:
        return f"{here}.shortcut.{kinds[place]}.{tensor}"
    return f"{here}.layer.{int(number) - 1}.{kinds[kind]}.{tensor}"


def folder(path: Path, tensors: dict[str, Tensor], texts: dict[str, str]) -> None:
    """`model.safetensors` and small files, made aside; into a folder that is there, one by one."""
    if path.suffix in SINGLE or path.is_file():
        raise UserError(f"{path}: this library's weights are a folder; name one.")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        save_file(tensors, aside / "model.safetensors", metadata={"format": "pt"})
        for name, text in texts.items():
            (aside / name).write_text(text)
        if not path.exists():
            aside.replace(path)
            return
        for name in (*texts, "model.safetensors"):
            (aside / name).replace(path / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


Writer = Callable[[dict[str, Tensor], Arch, Card, Path], tuple[str, ...]]
WRITERS: dict[Target, Writer] = {"torchvision": torchvision, "timm": timm, "hf": huggingface}

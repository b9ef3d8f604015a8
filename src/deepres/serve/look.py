"""What a network sees in one picture: where its evidence lies, and what each block adds."""

import base64
import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..card import Card
from ..models.features import Addition
from ..models.pixels import normalised
from ..models.resnet import ResNet

BLOCKS = 18  # of a stage that are shown at most, its first and last among them
CHANNELS = 3  # that differ most from place to place, beside the mean of all


@torch.inference_mode()
def looked(network: ResNet, card: Card, view: np.ndarray, top: int) -> dict[str, Any]:
    """The view itself, the evidence for its best classes, and F(x), x and their sum by stage."""
    pixels = torch.from_numpy(view)[None]
    seen = network.additions(normalised(pixels, card.preprocessing, network.mean_image))
    last = F.relu(list(seen.values())[-1].sum)[0]  # C x H x W, what the head averages
    return {
        "picture": _png(view),
        "evidence": _evidence(network, card, last, top),
        "stages": _stages(seen),
    }


def _evidence(network: ResNet, card: Card, last: Tensor, top: int) -> list[dict[str, Any]]:
    """Class activation maps. The head is linear behind an average, so this is exact: the mean over
    a map is its class's logit, here above the mean logit of all classes."""
    head, bias = network.fc.weight, network.fc.bias
    logits = network.fc(last.mean(dim=(1, 2)))
    best = logits.argsort(descending=True, stable=True)[:top]
    chances = logits.double().softmax(0)[best].tolist()
    weights, offsets = head[best] - head.mean(0), bias[best] - bias.mean()
    maps = torch.einsum("kc,chw->khw", weights, last) + offsets[:, None, None]
    names = card.classes or [str(n) for n in range(len(logits))]
    return [
        {"name": names[k], "probability": chance, "map": _rounded(map_)}
        for k, chance, map_ in zip(best.tolist(), chances, maps, strict=True)
    ]


def _rounded(values: Tensor) -> list[list[float]]:
    return [[round(value, 5) for value in row] for row in values.tolist()]


def _stages(seen: dict[str, Addition]) -> list[dict[str, Any]]:
    stages: dict[str, list[str]] = {}
    for name in seen:
        stages.setdefault(name.partition(".")[0], []).append(name)
    return [
        {"name": stage, "of": len(names), "blocks": [_block(n, seen[n]) for n in _spread(names)]}
        for stage, names in stages.items()
    ]


def _spread(names: list[str]) -> list[str]:
    """Evenly chosen where there are many."""
    count = min(len(names), BLOCKS)
    return [names[round(n)] for n in np.linspace(0, len(names) - 1, count)]


def _block(name: str, addition: Addition) -> dict[str, Any]:
    """Pictures of bytes around zero, one scale for the three that meet."""
    x = {} if addition.x is None else {"x": addition.x[0]}
    maps = {"f": addition.f[0], **x, "sum": addition.sum[0]}
    strongest = maps["sum"].flatten(1).std(1).argsort(descending=True)[:CHANNELS].tolist()
    height, width = maps["f"].shape[1:]
    rows = [{"channel": None} | _coded({key: m.mean(0) for key, m in maps.items()})]
    rows += [{"channel": c} | _coded({key: m[c] for key, m in maps.items()}) for c in strongest]
    return {
        "name": name,
        "height": height,
        "width": width,
        "deviation": {key: round(float(m.std()), 4) for key, m in maps.items()},
        "rows": rows,
    }


def _coded(maps: dict[str, Tensor]) -> dict[str, Any]:
    largest = max(float(m.abs().max()) for m in maps.values()) or 1.0
    scaled = {key: (m * (127 / largest)).round().to(torch.int8) for key, m in maps.items()}
    coded = {key: base64.b64encode(m.numpy().tobytes()).decode() for key, m in scaled.items()}
    return {"largest": round(largest, 4), **coded}


def _png(view: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(view).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

"""The architecture that a set of tensors makes, once they have torchvision's names."""

import re
from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from ..errors import UserError
from ..models.zoo import name_of
from ..spec import EXPANSION, Arch, Block, Shortcut, Stem, StrideAt
from .family import Profile

BLOCK = re.compile(r"layer([1-4])\.([0-9]+)\.(conv1|conv3|downsample\.0)\.weight")
STEMS: dict[tuple[int, str], Stem] = {
    (7, "usual"): "7x7",
    (7, "kept"): "7x7",
    (7, "ceil"): "7x7-ceil",
    (3, "usual"): "3x3",
    (3, "kept"): "3x3-pool",
}
Part = Literal["conv1", "conv3", "downsample.0"]
Places = dict[str, set[tuple[int, int]]]  # part -> (stage, block) of those that have it


def arch_of(tensors: Mapping[str, Tensor], profile: Profile, where: str) -> Arch:
    """Depths, widths, block, option and stem from the tensors; the rest from the profile."""
    stem, classifier = (_needed(tensors, name, where) for name in ("conv1.weight", "fc.weight"))
    places = _places(tensors)
    depths = _depths(places["conv1"], where)
    bottleneck = bool(places["conv3"])
    block: Block = "bottleneck" if bottleneck else "basic"
    if bottleneck and (odd := places["conv1"] - places["conv3"]):
        raise UserError(f"{where} lacks layer{min(odd)[0]}.{min(odd)[1]}.conv3.weight.")
    widths = tuple(len(tensors[f"layer{n}.0.conv1.weight"]) for n in range(1, len(depths) + 1))
    edge = stem.shape[-1] if stem.dim() == 4 else 0
    if (edge, profile.pool) not in STEMS:
        raise UserError(
            f"{where}: its first convolution is {tuple(stem.shape)}; the paper's networks start"
            " with 7x7 (Table 1) or 3x3 (Sec. 4.2)."
        )
    grows = {(stage, 0) for stage in range(2, len(depths) + 1)}
    if len(stem) != widths[0] * EXPANSION[block]:
        grows.add((1, 0))
    stride_at: StrideAt = "3x3" if bottleneck and profile.stride_at == "3x3" else "first"
    arch = Arch(
        stem=STEMS[edge, profile.pool],
        block=block,
        depths=depths,
        widths=widths,
        shortcut=_shortcut(places, grows, profile, where),
        stride_at=stride_at,
        classes=len(classifier),
    )
    try:
        name_of(arch)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return arch


def _needed(tensors: Mapping[str, Tensor], name: str, where: str) -> Tensor:
    if name not in tensors:
        raise UserError(f"{where} lacks {name}, which every network of the paper has.")
    return tensors[name]


def _places(tensors: Mapping[str, Tensor]) -> Places:
    places: Places = {"conv1": set(), "conv3": set(), "downsample.0": set()}
    for name in tensors:
        if match := BLOCK.fullmatch(name):
            places[match[3]].add((int(match[1]), int(match[2])))
    return places


def _depths(blocks: set[tuple[int, int]], where: str) -> tuple[int, ...]:
    """Blocks per stage; a gap in their numbers is a tensor that is missing."""
    stages = max((stage for stage, _ in blocks), default=0)
    depths = tuple(sum(stage == n for stage, _ in blocks) for n in range(1, stages + 1))
    whole = {(n, block) for n, depth in enumerate(depths, 1) for block in range(max(1, depth))}
    if missing := whole - blocks:
        stage, block = min(missing)
        raise UserError(f"{where} lacks layer{stage}.{block}.conv1.weight.")
    if len(depths) not in (3, 4):
        raise UserError(
            f"{where} has {len(depths)} stages of blocks; the paper's networks have four"
            " (Table 1) or three (Sec. 4.2)."
        )
    return depths


def _shortcut(
    places: Places, grows: set[tuple[int, int]], profile: Profile, where: str
) -> Shortcut:
    """B where dimensions grow, C everywhere; where no shortcut has weights the profile knows."""
    projections = places["downsample.0"]
    if not projections:
        return profile.shortcut
    if projections == grows:
        return "B"
    if projections == places["conv1"]:
        return "C"
    stage, block = min(projections ^ grows)
    verb = "lacks" if (stage, block) in grows else "has"
    raise UserError(
        f"{where}: block layer{stage}.{block} {verb} a projection, which is neither option B (where"
        " dimensions grow) nor C (everywhere) of Sec. 3.3."
    )

"""The name in the zoo that a layout would have."""

from ..errors import UserError
from ..models.zoo import name_of
from ..spec import Arch, Block, Stem
from .layout import Block as LayoutBlock
from .layout import Layout
from .options import option

_BLOCKS: dict[tuple[int, ...], Block] = {(3, 3): "basic", (1, 3, 1): "bottleneck"}


def resembled(layout: Layout, classes: int) -> Arch | None:
    """The paper's architecture with this stem, these blocks, widths and shortcuts, if any."""
    if any(layer.kind != "conv" for block in layout.blocks for layer in block.layers):
        return None
    kernels = {tuple(n.facts["kernel"][0] for n in block.layers) for block in layout.blocks}
    stem, letter = _stem(layout.stem), option(layout)
    block = _BLOCKS.get(kernels.pop()) if len(kernels) == 1 else None
    if stem is None or letter is None or block is None:
        return None
    stages = [layout.stage(number + 1) for number in range(len(layout.depths))]
    arch = Arch(
        stem=stem,
        block=block,
        depths=tuple(layout.depths),
        widths=tuple(stage[0].layers[0].shape[1] for stage in stages),
        shortcut=letter,
        stride_at="3x3" if block == "bottleneck" and _late(stages[-1][0]) else "first",
        classes=classes,
    )
    try:
        name_of(arch)
    except UserError:
        return None
    return arch


def _stem(stem: LayoutBlock) -> Stem | None:
    if len(stem.layers) != 1 or stem.layers[0].kind != "conv":
        return None
    pools = [node.facts for slot in stem.slots for node in slot if node.kind == "maxpool"]
    shape = stem.layers[0].facts["kernel"][0], stem.layers[0].facts["stride"][0], len(pools)
    if shape == (7, 2, 1):
        return "7x7-ceil" if pools[0]["ceil"] else "7x7"
    stems: dict[tuple[int, int, int], Stem] = {(3, 1, 0): "3x3", (3, 1, 1): "3x3-pool"}
    return stems.get(shape)


def _late(block: LayoutBlock) -> bool:
    """Whether a bottleneck shrinks the map in its 3x3."""
    return bool(block.layers[1].facts["stride"][0] > 1)

"""Pictures of whole networks: Table 1, Fig. 3, the identity construction."""

import math
from collections.abc import Sequence

import torch
from msgspec import structs
from torch import nn

from deepres.models.deepen import deepened
from deepres.models.initialise import created
from deepres.models.zoo import TABLE_1, arch

from .canvas import Canvas, Picture
from .traced import Seen, layers, operations

PLACES = ("stem", "layer1", "layer2", "layer3", "layer4", "fc")
COLOURS = {
    "stem": "ink",
    "layer1": "s1",
    "layer2": "s3",
    "layer3": "s2",
    "layer4": "s4",
    "fc": "ink",
}


def depths() -> Picture:
    """Table 1's five networks, a line for every layer, as wide as its maps are many."""
    names = [f"resnet{depth}" for depth in TABLE_1]
    canvas = Canvas(0)
    scale, gap, top = 1.85, 71.0, 44.0
    canvas.text(
        4, 16, "a line for each weighted layer, from picture to class", "start", "soft small"
    )
    for column, name in enumerate(names):
        x = 38 + column * gap
        seen = layers(name)
        canvas.text(x, 36, str(len(seen)), kind="strong")
        for at, one in enumerate(seen):
            width = 10 + 5 * math.log2(one.channels / 64 + 1) * 2
            canvas.parts.append(
                f'<rect x="{x - width / 2:.1f}" y="{top + at * scale:.2f}" width="{width:.1f}"'
                f' height="{scale * 0.72:.2f}" fill="var(--{COLOURS[one.place]})"/>'
            )
    y = top + max(len(layers(name)) for name in names) * scale + 20
    edges = {o.place: o.edge for o in layers("resnet50") if o.place in PLACES[1:5]}
    for at, (place, edge) in enumerate(edges.items()):
        x = 14 + at * 88
        canvas.box(x, y - 9, 10, 10, COLOURS[place])
        canvas.text(x + 15, y, f"conv{at + 2}_x", "start", "small")
        canvas.text(x + 15, y + 15, f"{edge}x{edge}", "start", "soft small")
    canvas.height = y + 24
    return canvas.done(
        "The five networks of Table 1 side by side, a horizontal line for each weighted layer: "
        + ", ".join(str(len(layers(name))) for name in names)
        + ". Most of the growth is in conv4_x."
    )


def shapes(name: str = "resnet34") -> Picture:
    """Maps become smaller and more numerous: Table 1's column as blocks in space."""
    made = arch(name)
    stages = [o for o in operations(name) if o.what in ("pool", "relu")]
    rows: list[tuple[str, Seen]] = []
    for place, label in zip(
        PLACES[:5], ("conv1", "conv2_x", "conv3_x", "conv4_x", "conv5_x"), strict=True
    ):
        mine = [o for o in stages if o.place == place]
        rows.append((label, mine[0] if place == "stem" else mine[-1]))
    canvas, y = Canvas(0), 26.0
    canvas.text(4, 16, "map size, drawn to scale", "start", "soft small")
    canvas.text(356, 16, "channels", "end", "soft small")
    for (label, one), colour in zip(rows, ("ink", "s1", "s3", "s2", "s4"), strict=True):
        edge = max(8.0, one.edge * 0.72)
        canvas.box(8, y, edge, edge, colour, kind="layer")
        canvas.text(
            96, y + edge / 2 + 5, f"{label}  {one.edge}x{one.edge}", "start", "strong small"
        )
        length = one.channels / 512 * 120
        canvas.box(354 - length, y + edge / 2 - 5, length, 10, colour, kind="layer")
        canvas.text(354 - length - 6, y + edge / 2 + 4, str(one.channels), "end", "small")
        y += edge + 14
    canvas.height = y
    return canvas.done(
        f"The maps of {name} drawn to scale: "
        + ", ".join(
            f"{label} {one.edge}x{one.edge} with {one.channels} channels" for label, one in rows
        )
        + f". Blocks per stage: {', '.join(map(str, made.depths))}."
    )


def plain_and_residual(names: Sequence[str] = ("plain34", "resnet34-a")) -> Picture:
    """Fig. 3's middle and right: the same layers, with and without arcs."""
    canvas = Canvas(0)
    step, top = 13.0, 46.0
    for x, name in zip((92, 262), names, strict=True):
        seen = layers(name)
        canvas.text(x, 18, name, kind="strong")
        products = sum(o.multiply_adds for o in operations(name))
        canvas.text(x, 34, f"{products / 1e9:.2f}e9 multiply-adds", kind="soft small")
        for at, one in enumerate(seen):
            canvas.box(x - 45, top + at * step, 90, step - 3.5, COLOURS[one.place], kind="layer")
            label = "classes" if one.what == "fc" else f"{one.kernel}x{one.kernel}, {one.channels}"
            label += ", /2" if one.stride > 1 else ""
            canvas.text(x, top + at * step + 7.6, label, kind="on tiny")
        for start, end, grows in arcs(name):
            y1, y2 = top + start * step - 2, top + end * step - 2
            kind = "arrow dashed" if grows else "arrow"
            canvas.path(f"M{x + 45} {y1}C{x + 72} {y1} {x + 72} {y2} {x + 47} {y2}", "s2", kind)
    canvas.height = top + len(layers(names[0])) * step + 6
    return canvas.done(
        f"Two columns of {len(layers(names[0]))} layers each, the same layers in the same order."
        f" The right one, {names[1]}, has {len(arcs(names[1]))} arcs, each around two layers;"
        " dashed arcs are where dimensions grow."
    )


def arcs(name: str) -> list[tuple[int, int, bool]]:
    """For each addition: the layers before which its shortcut begins and ends; whether it grows."""
    weighted = [o for o in operations(name) if (o.what in ("conv", "fc") and not o.shortcut)]
    found = []
    adding = sorted({o.block for o in operations(name) if o.what == "add"})
    for number in adding:
        mine = [at for at, o in enumerate(weighted) if o.block == number]
        grows = any(weighted[at].stride > 1 for at in mine)
        found.append((mine[0], mine[-1] + 1, grows))
    return found


def construction(shallow: int = 20, deep: int = 56) -> tuple[list[bool], float]:
    """The deeper plain network as built: which of its layers are identities, and how far it is.

    Statistics and weights are random, so that nothing agrees by chance; the distance is the
    largest difference of outputs over a batch.
    """
    network = created(structs.replace(arch(f"plain{shallow}"), classes=10), seed=1)
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    network.eval()
    deeper = deepened(network, deep).eval()
    pictures = torch.randn(8, 3, 32, 32, generator=generator)
    with torch.no_grad():
        apart = float((network(pictures) - deeper(pictures)).abs().max())
    return _identities(deeper), apart


def _identities(network: nn.Module) -> list[bool]:
    """For each weighted layer, whether its kernel is the identity's, looked at value by value."""
    told = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            dirac = torch.zeros_like(module.weight)
            if module.in_channels == module.out_channels:
                nn.init.dirac_(dirac)
            told.append(torch.equal(module.weight.detach(), dirac))
        elif isinstance(module, nn.Linear):
            told.append(False)
    return told


def identity_layers() -> Picture:
    """The constructive argument: a shallow network, and the deep one made from it."""
    added, apart = construction()
    shallow = layers("plain20")
    deep = layers("plain56")
    canvas, step, top = Canvas(0), 7.2, 46.0
    canvas.text(92, 18, f"plain, {len(shallow)} layers", kind="strong")
    canvas.text(262, 18, f"plain, {len(deep)} layers", kind="strong")
    canvas.text(262, 34, "hollow: identities, nothing to learn", kind="soft small")
    canvas.text(92, 34, "any weights", kind="soft small")
    learned = [at for at, identity in enumerate(added) if not identity]
    for at, one in enumerate(deep):
        kind = "ghost" if added[at] else "layer"
        colour = "paper" if added[at] else COLOURS[one.place]
        canvas.box(262 - 45, top + at * step, 90, step - 2, colour, kind=kind)
    for at, (one, place) in enumerate(zip(shallow, learned, strict=True)):
        canvas.box(92 - 45, top + place * step, 90, step - 2, COLOURS[one.place], kind="layer")
        y = top + place * step + step / 2 - 1
        canvas.path(f"M140 {y}H214", "line", "thin")
        if at and place - learned[at - 1] > 1:
            before = top + learned[at - 1] * step + step - 2
            canvas.path(f"M92 {before}V{top + place * step}", "soft", "thin")
    y = top + len(deep) * step + 20
    said = "equal to the last bit" if apart == 0 else f"at most {apart:.0e} apart"
    canvas.text(177, y, f"their outputs: {said}", kind="strong")
    canvas.height = y + 10
    return canvas.done(
        f"A plain network of {len(shallow)} layers beside one of {len(deep)} made from it. At the"
        f" end of each stage identity layers were added, {sum(added)} in all, drawn hollow. The"
        f" outputs of the two networks are {said}."
    )

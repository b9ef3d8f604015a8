"""Pictures of blocks: Fig. 2, Fig. 5, the shortcut options."""

from collections.abc import Sequence

import torch

from deepres.models.resnet import shortcut
from deepres.models.zoo import arch

from .canvas import Canvas, Picture
from .traced import Seen, block

BOX, ROW = 24.0, 34.0


def words(one: Seen) -> str:
    """An operation as a label."""
    if one.what == "conv":
        stride = f", stride {one.stride}" if one.stride > 1 else ""
        return f"{one.kernel}x{one.kernel} convolution, {one.channels}{stride}"
    names = {"bn": "batch normalisation", "relu": "ReLU", "add": "+", "pad": "zeros added"}
    return names[one.what]


def _column(canvas: Canvas, x: float, y: float, width: float, seen: Sequence[Seen]) -> float:
    """The operations one below the other; returns where the last one ends."""
    for one in seen:
        colour = {"conv": "s1", "relu": "panel", "bn": "panel"}[one.what]
        kind = "layer" if one.what == "conv" else "outline"
        canvas.path(f"M{x} {y - (ROW - BOX)}V{y - 1}", kind="arrow")
        canvas.box(x - width / 2, y, width, BOX, colour, kind=kind)
        label = words(one) if width > 150 else words(one).replace(" convolution", "")
        canvas.text(x, y + 16, label, kind="on" if one.what == "conv" else "soft small")
        y += ROW
    return y - ROW + BOX


def _block(canvas: Canvas, x: float, width: float, bend: float, seen: Sequence[Seen]) -> float:
    """A block with its shortcut to the right; returns its lower end."""
    add = next((at for at, one in enumerate(seen) if one.what == "add"), None)
    path = [o for o in seen[: len(seen) if add is None else add] if not o.shortcut]
    top = 30.0
    end = _column(canvas, x, top + 16, width, path)
    if add is None:
        canvas.path(f"M{x} {end}V{end + 16}", kind="arrow")
        return end + 16
    plus = end + 22
    canvas.path(f"M{x} {end}V{plus - 11}", kind="arrow")
    canvas.path(f"M{x} {top}H{bend}V{plus}H{x + 11}", "s2", "arrow thick")
    canvas.raw(f'<circle cx="{x}" cy="{plus}" r="10" fill="var(--paper)" class="ring"/>')
    canvas.text(x, plus + 5, "+", kind="strong")
    end = _column(canvas, x, plus + 20, width, seen[add + 1 :])
    canvas.path(f"M{x} {plus + 10}V{plus + 19}", kind="arrow")
    canvas.path(f"M{x} {end}V{end + 14}", kind="arrow")
    return end + 14


def residual_block() -> Picture:
    """Fig. 2, as our block of two layers runs."""
    seen = block("resnet20", 0)
    canvas = Canvas(0)
    canvas.text(150, 18, "x", kind="strong")
    canvas.path("M150 22V30")
    end = _block(canvas, 150, 190, 290, seen)
    canvas.text(150, end + 14, "y = F(x) + x, after ReLU", kind="strong")
    canvas.text(298, (30 + end) / 2 - 14, "x", "start", "s2 strong")
    canvas.text(298, (30 + end) / 2 + 4, "as it is", "start", "s2 small")
    canvas.text(40, 90, "F(x)", "end", "s1 strong")
    canvas.height = end + 24
    kinds = ", ".join(words(one) for one in seen if not one.shortcut)
    return canvas.done(
        "A residual block. From the input x one path goes through " + kinds + "; another path, the"
        " shortcut, carries x around the convolutions unchanged to the addition."
    )


def bottleneck() -> Picture:
    """Fig. 5: a basic block and a bottleneck side by side, with what each costs."""
    basic, narrow = block("resnet34-a", 1), block("resnet50", 1)
    canvas = Canvas(0)
    ends = []
    for x, bend, seen, wide in ((88, 166, basic, 64), (268, 346, narrow, 256)):
        canvas.text(x, 18, f"{wide} channels", kind="strong small")
        canvas.path(f"M{x} 22V30")
        ends.append(_block(canvas, x, 132, bend, [o for o in seen if o.what != "bn"]))
    end = max(ends)
    for x, seen in ((88, basic), (268, narrow)):
        parameters = sum(o.parameters for o in seen)
        products = sum(o.multiply_adds for o in seen)
        canvas.text(x, end + 18, f"{parameters:,} weights", kind="small")
        canvas.text(x, end + 34, f"{products / 1e6:,.0f}e6 multiply-adds", kind="small")
    canvas.height = end + 42
    return canvas.done(
        "Two blocks side by side. Left, the basic block: "
        + ", ".join(words(o) for o in basic if o.what == "conv")
        + ". Right, the bottleneck: "
        + ", ".join(words(o) for o in narrow if o.what == "conv")
        + ". The right one carries four times the channels at about the same cost."
    )


def stride_of_bottleneck() -> Picture:
    """Where the stride sits: the authors' bottleneck and v1.5's."""
    canvas = Canvas(0)
    ends = []
    for x, name, title in ((88, "resnet50", "the authors'"), (268, "resnet50-v1.5", "v1.5")):
        seen = [o for o in block(name, 3) if o.what == "conv" and not o.shortcut]
        canvas.text(x, 18, title, kind="strong")
        y = 40.0
        for one in seen:
            strided = one.stride > 1
            canvas.path(f"M{x} {y - 12}V{y - 1}", kind="arrow")
            canvas.box(x - 80, y, 160, 34, "s2" if strided else "s1", kind="layer")
            canvas.text(x, y + 15, f"{one.kernel}x{one.kernel}, {one.channels}", kind="on strong")
            stride = f"stride {one.stride}: to {one.edge}x{one.edge}"
            canvas.text(x, y + 29, stride if strided else f"{one.edge}x{one.edge}", kind="on small")
            y += 48
        ends.append(y - 8)
        total = sum(o.multiply_adds for o in seen)
        canvas.text(x, y + 6, f"{total / 1e6:,.0f}e6 multiply-adds", kind="small")
    canvas.height = max(ends) + 24
    return canvas.done(
        "The first bottleneck of conv3_x twice. In the authors' network the first 1x1 convolution"
        " has stride 2; in v1.5 the 3x3 convolution has it. The weights have the same shapes."
    )


def shown_channels(name: str) -> list[str]:
    """What a shortcut from 16 to 32 channels puts into each of them, measured by its values.

    `x` where a channel is an input's copy, `zero` where nothing comes, `mixed` elsewhere.
    """
    made = arch(name)
    inputs, outputs = made.widths[:2]
    path = shortcut(made, inputs, outputs, 2)
    assert path is not None
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, inputs, 8, 8, generator=generator) + 0.5
    with torch.no_grad():
        out = path.eval()(x)
    copies = x[:, :, ::2, ::2]
    told = []
    for channel in range(outputs):
        here = out[:, channel]
        if not here.any():
            told.append("zero")
        else:
            same = any(torch.equal(here, copies[:, c]) for c in range(inputs))
            told.append("x" if same else "mixed")
    return told


OPTIONS = (
    ("resnet56", "A", "zeros for new channels"),
    ("resnet56-b", "B", "1x1 projection"),
)


def _projected(canvas: Canvas, y: float) -> float:
    """Rows of blocks for options A, B and C; returns where the last one lies."""
    canvas.text(8, y, "Which blocks of ResNet-34 have a projection", "start", "strong")
    for letter in "ABC":
        name = f"resnet34-{letter.lower()}"
        flags = projections(name)
        y += 30
        canvas.text(8, y + 5, letter, "start", "strong")
        for at, projected in enumerate(flags):
            place = 30 + at * (180 / len(flags))
            canvas.box(
                place, y - 9, 180 / len(flags) - 2, 18, "s4" if projected else "s2", kind="layer"
            )
        canvas.text(216, y + 5, f"{sum(flags)} of {len(flags)}", "start", "small")
        extra = extra_parameters(name)
        canvas.text(352, y + 5, f"+{extra:,}" if extra else "+0", "end", "small")
    canvas.text(352, y - 75, "parameters", "end", "soft small")
    return y


def shortcut_options() -> Picture:
    """Options A and B where dimensions grow, and which blocks each option changes."""
    canvas = Canvas(0)
    colours = {"x": "s2", "zero": "panel", "mixed": "s4"}
    y = 34.0
    canvas.text(8, 18, "Where dimensions grow, one bar a channel", "start", "strong")
    for name, letter, about in OPTIONS:
        told = shown_channels(name)
        canvas.text(8, y + 14, letter, "start", "strong")
        for at, kind in enumerate(told):
            place = 30 + at * (320 / len(told))
            canvas.box(place, y, 320 / len(told) - 2, 18, colours[kind], kind="outline")
        counts = ", ".join(
            f"{told.count(kind)} {words}"
            for kind, words in (("x", "copied"), ("zero", "zero"), ("mixed", "mixtures"))
            if kind in told
        )
        canvas.text(30, y + 34, f"{about}: {counts}", "start", "soft small")
        y += 56
    y = _projected(canvas, y + 8)
    canvas.height = y + 22
    return canvas.done(
        "Shortcut options. Option A copies every channel and fills the new ones with zeros; option"
        " B mixes all of them by a 1x1 projection where dimensions grow. Below, the blocks of"
        " ResNet-34: A projects in none, B where dimensions grow, C in every block."
    )


def projections(name: str) -> list[bool]:
    """For each block, whether its shortcut is a convolution."""
    found, number = [], 0
    while seen := block(name, number):
        found.append(any(one.shortcut and one.what == "conv" for one in seen))
        number += 1
    return found


def extra_parameters(name: str) -> int:
    """What an option adds to option A: projections with their batch normalisation."""
    seen, number = 0, 0
    while operations := block(name, number):
        for one in operations:
            if one.shortcut and one.what == "conv":
                seen += one.parameters + 2 * one.channels
        number += 1
    return seen

"""Pictures of what is measured at once: the schedule, momentum, statistics, gradients, windows."""

import base64
import io
from functools import cache

import numpy as np
import torch
from msgspec import structs
from PIL import Image
from torch import nn

from deepres import paper
from deepres.card import Preprocessing
from deepres.data import synthetic
from deepres.data.augment import normalisation, windows
from deepres.data.batches import batch_of
from deepres.gradients import gradient_norms
from deepres.models.initialise import created
from deepres.models.views import SCALES, five_crops
from deepres.models.zoo import arch
from deepres.optim import FORMS
from deepres.population import population
from deepres.report.chart import Axes, Series, chart
from deepres.spec import CIFAR, Event

from .canvas import Canvas, Picture

WARM = structs.replace(CIFAR, warm_up="error")


def schedule() -> Picture:
    """The rate at every step: Sec. 4.2's, and its start for the deepest networks."""
    events: tuple[Event, ...] = (("warm-up ended", paper.WARM_UP_ITERATIONS),)
    steps = range(0, CIFAR.steps, 100)
    series = [
        Series("20 to 56 layers", [(s, CIFAR.rate(s)) for s in steps], "bold", 1),
        Series(
            "110 layers: a slower start until it trains",
            [(s, WARM.rate(s, events)) for s in steps],
            "dashed",
            2,
        ),
    ]
    axes = Axes("iteration", "learning rate", CIFAR.steps, 0.0005, 0.2, True)
    alt = (
        f"The learning rate over {CIFAR.steps:,} iterations, on a logarithmic axis: {CIFAR.lr:g},"
        f" divided by 10 at {' and at '.join(f'{d:,}' for d in CIFAR.drops)}. The dashed line for"
        f" 110 layers starts at {CIFAR.warm_up_lr:g}."
    )
    marks = [(drop, "/ 10") for drop in CIFAR.drops if isinstance(drop, int)]
    return Picture(chart("The rate of Sec. 4.2", axes, series, marks), alt)


def momentum() -> Picture:
    """How far a weight moves at each step under a constant gradient, across a drop of the rate."""
    series = []
    for colour, form in enumerate(("caffe", "torch"), 1):
        series.append(
            Series(f"{form}'s form", moves(form), "bold" if colour == 1 else "dashed", colour)
        )
    axes = Axes("step", "move of the weight", 120, 0.005, 1.5, True)
    alt = (
        "The size of each step under a constant gradient. Until the rate drops the two forms agree;"
        " after it torch's steps are a tenth at once, Caffe's glide down over some dozens of steps."
    )
    return Picture(
        chart("One drop of the rate, two forms of momentum", axes, series, [(60, "rate / 10")]), alt
    )


def moves(form: str) -> list[tuple[float, float]]:
    """The moves of one weight under a gradient of 1, the rate dropping after 60 steps."""
    w, v, g = (torch.full((1,), at, dtype=torch.float64) for at in (0.0, 0.0, 1.0))
    told = []
    for step in range(120):
        before = float(w)
        FORMS[form](w, g, v, 0.1 if step < 60 else 0.01, CIFAR.momentum)
        told.append((float(step), before - float(w)))
    return told


@cache
def statistics_seen() -> tuple[list[float], list[float], float]:
    """One channel's mean: each batch's, the moving average's after it, the population's."""
    network = created(arch("resnet20"), seed=0)
    images = synthetic.images("train", 1_280)
    recipe = structs.replace(CIFAR, batch=32, replicas=1)
    how = normalisation(images, recipe)
    shares = [batch_of(images, how, recipe, 0, step).images for step in range(40)]
    start = nn.Sequential(network.conv1, network.bn1, nn.ReLU(), network.layer1[0].conv1)
    norm = nn.BatchNorm2d(network.layer1[0].conv1.out_channels)
    batches, moving = [], []
    with torch.no_grad():
        for share in shares:
            maps = start.train()(share)
            batches.append(maps.mean((0, 2, 3)))
            norm.train()(maps)
            assert norm.running_mean is not None
            moving.append(norm.running_mean.clone())
    told = population(nn.Sequential(start, norm), shares)["1.running_mean"]
    means = torch.stack(batches)
    # the channel on which one sees both: where the average comes from, and how batches scatter
    channel = int(((means.mean(0).abs() / means.std(0)).log() - np.log(6)).abs().argmin())
    seen, average = ([float(v[channel]) for v in values] for values in (batches, moving))
    return seen, average, float(told[channel])


def statistics() -> Picture:
    """What batch normalisation may take for the mean of one channel."""
    batches, moving, true = statistics_seen()
    low, high = min([*batches, *moving, 0.0]), max([*batches, *moving, 0.0])
    edge = 0.08 * (high - low)
    canvas, left, right, top, bottom = Canvas(236), 16.0, 350.0, 34.0, 176.0

    def x(step: int) -> float:
        return left + step / (len(batches) - 1) * (right - left)

    def y(value: float) -> float:
        return bottom - (value - low + edge) / (high - low + 2 * edge) * (bottom - top)

    canvas.text(left, 16, "mean of one channel, as seen by", "start", "soft small")
    canvas.path(f"M{left} {y(true):.1f}H{right}", "s3", "thick")
    way = "M" + "L".join(f"{x(s):.1f} {y(v):.1f}" for s, v in enumerate(moving))
    canvas.path(way, "s2", "thick")
    for step, value in enumerate(batches):
        canvas.dot(x(step), y(value), 2.6, "s1", f"batch {step + 1}: {value:.3f}")
    canvas.text((left + right) / 2, 194, "batches seen", kind="soft small")
    for at, (colour, name) in enumerate(
        (("s1", "each batch"), ("s2", "moving average"), ("s3", "population"))
    ):
        canvas.box(left + at * 115, 211, 10, 10, colour)
        canvas.text(left + 15 + at * 115, 220, name, "start", "small")
    return canvas.done(
        "Dots: the mean of one channel in each of the batches, scattered. A line that comes from"
        " zero: the moving average, which forgets its start slowly and then follows the last"
        " batches. A straight line: the population's mean, taken once over all of them."
    )


@cache
def norms(name: str) -> list[float]:
    """The gradient's norm in each convolution of a fresh network, first layer first."""
    network = created(arch(name), seed=0)
    images = synthetic.images("train", 32)
    recipe = structs.replace(CIFAR, batch=32, replicas=1)
    batch = batch_of(images, normalisation(images, recipe), recipe, 0, 0)
    return [norm for _, norm in gradient_norms(network, batch.images, batch.labels)]


def gradients() -> Picture:
    """Whether gradients vanish on their way down, at the start."""
    series = []
    for colour, name in enumerate(("plain20", "plain56", "resnet56"), 1):
        found = norms(name)
        points = [(at / (len(found) - 1), value) for at, value in enumerate(found)]
        series.append(Series(name, points, "bold" if name == "plain56" else "thin", colour))
    every = [value for one in series for _, value in one.points]
    axes = Axes(
        "depth: 0 the first layer, 1 the last",
        "norm of the gradient",
        1,
        min(every) / 2,
        max(every) * 2,
        True,
    )
    alt = (
        "The norm of the loss's gradient in each convolution of three fresh networks. In the plain"
        " network of 56 layers it does not fall towards the first layer."
    )
    return Picture(chart("Gradients at the start", axes, series), alt)


def png(pixels: np.ndarray) -> str:
    """A picture as an address that holds it."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def padded_windows() -> Picture:
    """The crops of Sec. 4.2: a padded picture, some windows of it, one mirrored."""
    picture = synthetic.images("train", 10).pixels[3:4]
    edge, shift = picture.shape[1], CIFAR.shift
    whole = np.zeros((edge + 2 * shift, edge + 2 * shift, 3), np.uint8)
    whole[shift : shift + edge, shift : shift + edge] = picture[0]
    canvas, scale = Canvas(222), 3.6
    side = len(whole) * scale
    canvas.box(6, 26, side, side, "panel", kind="outline")
    canvas.raw(image(png(picture[0]), 6 + shift * scale, 26 + shift * scale, edge * scale))
    canvas.text(6 + side / 2, 16, f"{edge}x{edge} and {shift} pixels around", kind="small")
    places = ((0, 3, False), (7, 1, False), (4, 8, True))
    colours = ("s1", "s2", "s4")
    for at, ((down, right, mirrored), colour) in enumerate(zip(places, colours, strict=True)):
        canvas.parts.append(
            f'<rect x="{6 + right * scale:.1f}" y="{26 + down * scale:.1f}"'
            f' width="{edge * scale:.1f}" height="{edge * scale:.1f}" fill="none"'
            f' stroke="var(--{colour})" class="frame"/>'
        )
        cut = windows(picture, shift, np.array([down]), np.array([right]))[0]
        cut = cut[:, ::-1] if mirrored else cut
        y = 26 + at * 64
        canvas.raw(image(png(np.ascontiguousarray(cut)), 190, y, 56))
        canvas.parts.append(
            f'<rect x="190" y="{y}" width="56" height="56" fill="none"'
            f' stroke="var(--{colour})" class="frame"/>'
        )
        canvas.text(256, y + 26, "one window,", "start", "small")
        canvas.text(256, y + 42, "mirrored" if mirrored else "as it is", "start", "soft small")
    return canvas.done(
        f"A picture of {edge}x{edge} pixels with {shift} pixels of padding on each side, and three"
        f" windows of {edge}x{edge} cut from it, the last one mirrored."
    )


def image(source: str, x: float, y: float, side: float) -> str:
    """A pixel picture within a drawing."""
    return (
        f'<image href="{source}" x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}"'
        ' style="image-rendering:pixelated"/>'
    )


@cache
def crops() -> tuple[tuple[int, int], ...]:
    """Upper left corners of the five crops, seen on a picture whose pixels say where they are."""
    edge, size = paper.TEN_CROP_SIDE, paper.CROP
    rows, columns = np.mgrid[0:edge, 0:edge].astype(np.uint8)
    picture = np.stack([columns, rows, rows], axis=2)
    how = Preprocessing(size=size, resize=edge, mean=(0, 0, 0), std=(1, 1, 1))
    return tuple((int(crop[0, 0, 0]), int(crop[0, 0, 1])) for crop in five_crops(picture, how))


def ten_crops() -> Picture:
    """The ten views of Sec. 3.4: five crops and their mirrors."""
    canvas, edge, size = Canvas(186), paper.TEN_CROP_SIDE, paper.CROP
    scale = 60 / edge
    for row, words in enumerate(("the picture", "its mirror")):
        top = 24 + row * 80
        canvas.text(4, top - 6, words, "start", "soft small")
        for at, (left, down) in enumerate(crops()):
            x = 4 + at * 72
            canvas.box(x, top, edge * scale, edge * scale, "panel", kind="outline")
            frame = f'width="{size * scale:.1f}" height="{size * scale:.1f}"'
            canvas.raw(
                f'<rect x="{x + left * scale:.1f}" y="{top + down * scale:.1f}" {frame}'
                ' fill="var(--s1)" fill-opacity=".25" stroke="var(--s1)" class="frame"/>'
            )
            turned = f"translate({x + 30:.1f} {top + 38}) scale({-1 if row else 1} 1)"
            canvas.raw(f'<text transform="{turned}" text-anchor="middle" class="strong">R</text>')
    said = f"{size}x{size} out of {edge}x{edge}: corners and centre, mirrored too"
    canvas.text(180, 182, said, kind="soft small")
    return canvas.done(
        f"Ten small squares, each a picture of {edge}x{edge} with a frame of {size}x{size}: in the"
        " four corners and in the middle, and the same of the mirror image."
    )


def scales() -> Picture:
    """The scales at which the best results were tested."""
    canvas, scale, top, sizes = Canvas(0), 0.42, 26.0, SCALES
    colours = ("s4", "s3", "s2", "s1", "soft")
    for size, colour in zip(reversed(sizes), colours, strict=True):
        edge = size * scale
        canvas.raw(
            f'<rect x="20" y="{top}" width="{edge:.1f}" height="{edge:.1f}" fill="var(--paper)"'
            f' stroke="var(--{colour})" class="frame"/>'
        )
    for size in sizes:
        edge = size * scale
        canvas.text(20 + edge - 5, top + edge - 2.5, str(size), "end", "small")
    canvas.text(20, 16, "shorter side, pixels", "start", "soft small")
    canvas.height = top + max(sizes) * scale + 10
    return canvas.done(f"Nested squares for the shorter sides {', '.join(map(str, sizes))}.")

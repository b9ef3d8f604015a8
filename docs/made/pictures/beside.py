"""Pictures of residual networks beside what was there before: VGG's cost, a highway's gates."""

from deepres import paper
from deepres.models.count import count
from deepres.models.named import named
from deepres.models.zoo import TABLE_1, arch
from deepres.report.chart import Axes, Series, chart

from .canvas import Canvas, Picture

GATES = (0.05, 0.2, 0.5)  # which part of a highway block's answer is its layers'


def costs() -> Picture:
    """Weighted layers against multiply-adds: VGG's as printed, ours as measured."""
    ours = [(layers, cost(f"resnet{layers}")) for layers in TABLE_1]
    vgg = [(layers, value / 1e9) for layers, value in paper.VGG_MULTIPLY_ADDS.items()]
    canvas, left, right, top, bottom = Canvas(250), 34.0, 346.0, 34.0, 206.0

    def place(layers: float, spent: float) -> tuple[float, float]:
        return left + layers / 160 * (right - left), bottom - spent / 20 * (bottom - top)

    for value in range(0, 21, 5):
        y = place(0, value)[1]
        canvas.path(f"M{left} {y:.1f}H{right}", "line", "thin")
        canvas.text(left - 6, y + 4, str(value), "end", "soft small")
    for layers in range(0, 161, 40):
        canvas.text(place(layers, 0)[0], bottom + 17, str(layers), kind="soft small")
    canvas.text(4, 16, "multiply-adds of one picture, thousand millions", "start", "soft small")
    canvas.text((left + right) / 2, bottom + 36, "weighted layers", kind="soft small")
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in (place(*one) for one in ours))
    canvas.path(f"M{way}", "s1", "thin dashed")
    for layers, spent in ours:
        x, y = place(layers, spent)
        canvas.dot(x, y, 4, "s1", f"ResNet-{layers}: {spent:.2f}")
        last = layers == ours[-1][0]
        name = f"ResNet-{layers}" if last else str(layers)
        canvas.text(x, y - 9, name, "end" if last else "middle", "s1 small")
    for layers, spent in vgg:
        x, y = place(layers, spent)
        canvas.dot(x, y, 4, "s2", f"VGG-{layers}: {spent:.1f}, as the paper prints it")
        canvas.text(x + 9, y + 4, f"VGG-{layers}", "start", "s2 small")
    said = ", ".join(f"{layers} layers {spent:.1f}" for layers, spent in ours)
    theirs = ", ".join(f"VGG-{layers} {spent:g}" for layers, spent in vgg)
    return canvas.done(
        f"Depth against cost, in thousand million multiply-adds. Residual networks: {said}. As the"
        f" paper prints it: {theirs}. The deepest residual network costs less than either."
    )


def cost(name: str) -> float:
    """Thousand million multiply-adds, counted on the network."""
    return count(named(name, None, device="meta"), arch(name).input_size).multiply_adds / 1e9


def gates() -> Picture:
    """What of an input is still there behind so many blocks, by shortcuts alone."""
    blocks = sum(arch("resnet110").depths)
    ways = [("residual blocks, a sum", 1.0)]
    ways += [(f"highway blocks that carry {1 - gate:g}", 1 - gate) for gate in GATES]
    series = [
        Series(name, handed_on(keeps, blocks), "dashed" if colour > 1 else "bold", colour)
        for colour, (name, keeps) in enumerate(ways, 1)
    ]
    axes = Axes("blocks", "of the input, handed on by shortcuts", blocks, 0.0, 1.1)
    ends = "; ".join(f"{line.name}: {line.points[-1][1]:.2g}" for line in series)
    alt = f"What shortcuts alone hand on of an input, over {blocks} blocks. At the end: {ends}."
    return Picture(chart("A gate shares out, a sum does not", axes, series), alt)


def handed_on(keeps: float, blocks: int) -> list[tuple[float, float]]:
    """The part that is left behind each block where each keeps as much of what comes in."""
    return [(float(n), keeps**n) for n in range(blocks + 1)]

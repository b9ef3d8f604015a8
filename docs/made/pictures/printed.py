"""Pictures of the paper's printed numbers, and of ours beside them."""

from deepres import paper

from ..results import NOT_YET, as_the_paper
from .canvas import Canvas, Picture


def degradation() -> Picture:
    """Table 2 as two slopes: what depth does to plain networks, and to residual ones."""
    t = paper.TABLE_2
    pairs = (
        ("plain", t["plain18"], t["plain34"], "s2"),
        ("residual", t["resnet18-a"], t["resnet34-a"], "s1"),
    )
    canvas, left, right = Canvas(220), 110.0, 250.0
    low, high, top, bottom = 24.5, 29.0, 34.0, 190.0

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)

    for x, words in ((left, "18 layers"), (right, "34 layers")):
        canvas.path(f"M{x} {top - 8}V{bottom}", "line", "thin")
        canvas.text(x, bottom + 18, words, kind="strong")
    canvas.text(4, 16, "ImageNet top-1 error, ten crops", "start", "soft small")
    for at, (kind, shallow, deep, colour) in enumerate(pairs):
        canvas.path(f"M{left} {y(shallow):.1f}L{right} {y(deep):.1f}", colour, "thick")
        canvas.dot(left, y(shallow), 4, colour)
        canvas.dot(right, y(deep), 4, colour)
        canvas.text(
            left - 10,
            y(shallow) + (-4 if at == 0 else 13),
            f"{kind} {shallow}",
            "end",
            f"{colour} small",
        )
        canvas.text(right + 10, y(deep) + 4, f"{kind} {deep}", "start", f"{colour} small")
    return canvas.done(
        "Two lines from 18 to 34 layers. The plain networks' error rises from"
        f" {t['plain18']} to {t['plain34']} percent; the residual networks' falls from"
        f" {t['resnet18-a']} to {t['resnet34-a']}."
    )


def table_6() -> Picture:
    """Table 6 as dots: error over depth, the paper's and ours; of several runs their mean."""
    mine = [row for row in paper.TABLE_6 if row.method == "ResNet" and row.layers]
    errors = [row.spread.mean if row.spread else row.error for row in mine]
    canvas, left, right, top, bottom = Canvas(236), 34.0, 350.0, 30.0, 176.0
    low, high = 6.0, 9.5

    def x(at: float) -> float:
        return left + 20 + at / (len(mine) - 1) * (right - left - 40)

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)

    for value in range(6, 10):
        canvas.path(f"M{left} {y(value):.1f}H{right}", "line", "thin")
        canvas.text(left - 6, y(value) + 4, str(value), "end", "soft small")
    canvas.text(4, 16, "CIFAR-10 test error, %", "start", "soft small")
    way = "M" + "L".join(f"{x(at):.1f} {y(error):.1f}" for at, error in enumerate(errors))
    canvas.path(way, "s1", "thin dashed")
    words = [row_said(row) for row in mine]
    for at, (row, error, said) in enumerate(zip(mine, errors, words, strict=True)):
        words_at = y(error) - 9
        if row.spread:
            reach = row.spread.deviation
            canvas.path(bar(x(at), y(error + reach), y(error - reach)), "s1")
            words_at = y(error - reach) + 14
        canvas.dot(x(at), y(error), 4, "s1", f"ResNet-{said}")
        canvas.text(x(at), words_at, said.partition(": ")[2], kind="small")
        canvas.text(x(at), bottom + 17, str(row.layers), kind="strong small")
    canvas.text((left + right) / 2, bottom + 36, "layers", kind="soft small")
    ours = ours_over(mine, canvas, x, y, (low, high))
    canvas.box(left + 10, 218, 10, 10, "s1")
    canvas.text(left + 25, 227, "the paper's", "start", "small")
    canvas.box(left + 120, 218, 10, 10, "s2")
    canvas.text(left + 135, 227, f"ours: {ours}", "start", "small")
    return canvas.done(
        f"The paper's test errors by number of layers: {', '.join(words)}. Of 110 layers the mean"
        f" and deviation of five runs are drawn. Ours: {ours}."
    )


def row_said(row: paper.Cifar) -> str:
    """Layers and error; where there are several runs, their mean and deviation."""
    told = (
        f"{row.spread.mean:.2f} ± {row.spread.deviation:.2f}" if row.spread else f"{row.error:.2f}"
    )
    return f"{row.layers}: {told}"


def bar(x: float, top: float, bottom: float) -> str:
    """The way of an upright bar with feet."""
    return f"M{x - 4:.1f} {top:.1f}h8M{x - 4:.1f} {bottom:.1f}h8M{x:.1f} {top:.1f}V{bottom:.1f}"


def ours_over(mine, canvas, x, y, ends) -> str:  # type: ignore[no-untyped-def]
    """Puts our whole schedules beside the paper's; says how many there are."""
    runs = as_the_paper()
    count = 0
    for at, row in enumerate(mine):
        whole = [r for r in runs.get(f"resnet{row.layers}", []) if r.steps == r.full]
        for run in whole:
            if ends[0] <= run.test_error <= ends[1]:
                canvas.dot(
                    x(at) + 9, y(run.test_error), 3.5, "s2", f"{run.network}: {run.test_error:.2f}"
                )
                count += 1
    return f"{count} whole schedules" if count else NOT_YET


def detection() -> Picture:
    """Table 7 and 8: what changes when only the network is exchanged."""
    rows = [(name, *pair) for name, pair in paper.TABLE_7.items()]
    (a, strict_a), (b, strict_b) = paper.TABLE_8.values()
    rows += [("COCO val, .5", a, b), ("COCO val, .5 to .95", strict_a, strict_b)]
    canvas = Canvas(34 + len(rows) * 46)
    canvas.text(4, 16, "mAP, %: VGG-16 (grey) and ResNet-101", "start", "soft small")
    for at, (name, before, after) in enumerate(rows):
        y = 30 + at * 46
        canvas.text(4, y + 12, name, "start", "small")
        for dy, value, colour in ((16, before, "soft"), (28, after, "s1")):
            canvas.box(4, y + dy, value * 3.6, 10, colour, kind="layer")
            canvas.text(10 + value * 3.6, y + dy + 9, f"{value}", "start", "small")
    return canvas.done(
        "Bars of mean average precision before and after VGG-16 was replaced by ResNet-101: "
        + "; ".join(f"{n} {v} and {w}" for n, v, w in rows)
    )

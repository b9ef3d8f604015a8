"""A network as Table 1 prints it: map sizes, blocks in brackets, how often."""

from ..spec import EXPANSION, Arch


def column(name: str, arch: Arch) -> str:
    """The column of Table 1 (or the rows of Sec. 4.2) for one architecture."""
    edge, rows = arch.input_size, [("layer name", "output size", name)]
    table_1 = arch.stem.startswith("7x7")
    edge //= 2 if table_1 else 1
    kernel = "7x7" if table_1 else "3x3"
    rows.append(
        ("conv1", f"{edge}x{edge}", f"{kernel}, {arch.widths[0]}, stride {2 if table_1 else 1}")
    )
    if arch.stem != "3x3":
        edge //= 2
        padding = "no padding, rounded up" if arch.stem == "7x7-ceil" else "padded"
        rows.append(("", f"{edge}x{edge}", f"3x3 max pool, stride 2 ({padding})"))
    for stage, (depth, width) in enumerate(zip(arch.depths, arch.widths, strict=True), 2):
        edge //= 1 if stage == 2 else 2
        for line, (layer, times) in enumerate(_bracket(arch, width, depth)):
            first = (f"conv{stage}_x", f"{edge}x{edge}") if line == 0 else ("", "")
            rows.append((*first, f"{layer}{times}"))
    rows.append(("", "1x1", f"average pool, {arch.classes}-d fc, softmax"))
    widths = [max(len(row[at]) for row in rows) for at in range(2)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}".rstrip() for a, b, c in rows]
    return "\n".join([*lines, "", _sentence(arch)])


def _bracket(arch: Arch, width: int, depth: int) -> list[tuple[str, str]]:
    layers = (
        [f"3x3, {width}"] * 2
        if arch.block == "basic"
        else [f"1x1, {width}", f"3x3, {width}", f"1x1, {width * EXPANSION[arch.block]}"]
    )
    longest, middle = max(map(len, layers)), (len(layers) - 1) // 2
    return [
        (f"[ {layer:<{longest}} ]", f" x {depth}" if line == middle else "")
        for line, layer in enumerate(layers)
    ]


def _sentence(arch: Arch) -> str:
    shortcuts = {
        "none": "Plain: no shortcuts.",
        "A": "Shortcuts: option A, the identity; new channels are zeros, no parameters.",
        "A-both": "Shortcuts: option A, the identity; half of the zeros on each side.",
        "B": "Shortcuts: option B, projections where dimensions grow, the identity elsewhere.",
        "C": "Shortcuts: option C, a projection in every block.",
    }
    where = (
        " Stride 2 on the 3x3 of a stage's first block (v1.5)."
        if arch.stride_at == "3x3"
        else " Stride 2 on the first layer of a stage's first block, but for the first stage."
    )
    return f"{arch.layers} layers. {shortcuts[arch.shortcut]}{where}"

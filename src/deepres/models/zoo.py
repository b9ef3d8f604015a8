"""Names of networks and the architectures they stand for. No torch: `deepres list` is quick."""

import difflib
import re

from msgspec import structs

from ..errors import UserError
from ..spec import CONVOLUTIONS, Arch, Block, Shortcut, Stem, StrideAt

TABLE_1: dict[int, tuple[Block, tuple[int, ...]]] = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
TABLE_1_WIDTHS = (64, 128, 256, 512)
CIFAR_WIDTHS = (16, 32, 64)
BLOCKS_AT_MOST = 2000  # of a stage of Sec. 4.2, ten times the paper's deepest

CIFAR_NAMES = tuple(f"plain{n}" for n in (20, 32, 44, 56, 110)) + tuple(
    f"resnet{n}" for n in (20, 32, 44, 56, 110, 1202)
)
IMAGENET_NAMES = ("plain18", "plain34", *(f"resnet{n}" for n in TABLE_1))
NAMES = (*CIFAR_NAMES, *IMAGENET_NAMES)

SUFFIXES = {
    "a": "option A: identity shortcuts, zeros for new channels",
    "b": "option B: projections where dimensions grow",
    "c": "option C: a projection in every block",
    "both": "option A with half of the zeros on each side",
    "v1.5": "a bottleneck's stride on its 3x3",
    "cifar": "Table 1's body on a 3x3 stem without max-pool",
    "pool": "a 3x3 stem that keeps the max-pool",
    "ceil": "Caffe's max-pool: no padding, sizes rounded up",
    "bottleneck": "bottleneck blocks at a depth where they are not the rule",
    "2.2.2.2": "blocks per stage of a Table 1 body, for depths that the table lacks",
}
_STEM: dict[str, Stem] = {"": "7x7", "cifar": "3x3", "pool": "3x3-pool", "ceil": "7x7-ceil"}
_STEM_SUFFIX = {stem: suffix for suffix, stem in _STEM.items()}
_OPTION: dict[str, Shortcut] = {"a": "A", "b": "B", "c": "C", "both": "A-both"}


def arch(name: str, classes: int | None = None) -> Arch:
    """The architecture that a name such as `resnet50-v1.5-cifar` stands for."""
    match = re.fullmatch(r"(plain|resnet)(\d{1,18})((?:-[a-z0-9.]+)*)", name)
    if not match:
        raise UserError(_unknown(name))
    kind, layers, words = match[1], int(match[2]), match[3].split("-")[1:]
    given = set(words) - {word for word in words if re.fullmatch(r"\d+(\.\d+){3}", word)}
    dotted = [word for word in words if word not in given]
    if given - SUFFIXES.keys() or len(given) + len(dotted) != len(words) or len(dotted) > 1:
        raise UserError(_unknown(name))
    if layers in TABLE_1 or dotted:
        made = _table_1(name, layers, given, dotted)
        default: Shortcut = "B"
    else:
        made = _section_4_2(name, layers, given)
        default = "A"
    made = structs.replace(
        made, shortcut=_shortcut(name, kind, given, default), classes=classes or made.classes
    )
    if made.layers != layers:
        raise UserError(f"{name}: these blocks make {made.layers} layers, not {layers}.")
    return made


def _table_1(name: str, layers: int, given: set[str], dotted: list[str]) -> Arch:
    block, depths = TABLE_1.get(layers, ("basic", ()))
    if dotted:
        depths = tuple(int(part) for part in dotted[0].split("."))
        if not all(1 <= depth <= 200 for depth in depths):
            raise UserError(f"{name}: each stage takes 1 to 200 blocks.")
        block = "bottleneck" if "bottleneck" in given else "basic"
    elif "bottleneck" in given and block == "basic":
        raise UserError(f"{name}: Table 1 has no bottlenecks at {layers} layers.")
    stems = given & {"cifar", "pool", "ceil"}
    if len(stems) > 1:
        raise UserError(f"{name}: choose one stem of {', '.join(sorted(stems))}.")
    stem = _STEM[stems.pop() if stems else ""]
    return Arch(
        stem=stem,
        block=block,
        depths=depths,
        widths=TABLE_1_WIDTHS,
        shortcut="none",
        stride_at=_stride_at(block, given),
        classes=10 if stem.startswith("3x3") else 1000,
    )


def _section_4_2(name: str, layers: int, given: set[str]) -> Arch:
    block: Block = "bottleneck" if "bottleneck" in given else "basic"
    if wrong := given & {"cifar", "pool", "ceil"}:
        raise UserError(f"{name}: -{min(wrong)} is for Table 1's depths 18, 34, 50, 101, 152.")
    n, rest = divmod(layers - 2, 3 * CONVOLUTIONS[block])
    if n > BLOCKS_AT_MOST:
        most = BLOCKS_AT_MOST * 3 * CONVOLUTIONS[block] + 2
        raise UserError(f"{name}: {layers} layers are too many: the deepest here has {most:,}.")
    if rest or not n:
        rule = "6n+2" if block == "basic" else "9n+2"
        below = max(1, n) * 3 * CONVOLUTIONS[block] + 2
        raise UserError(
            f"{name}: {layers} layers are neither in Table 1 nor {rule} (Sec. 4.2);"
            f" the nearest are {below} and {below + 3 * CONVOLUTIONS[block]}."
        )
    return Arch(
        stem="3x3",
        block=block,
        depths=(n, n, n),
        widths=CIFAR_WIDTHS,
        shortcut="none",
        stride_at=_stride_at(block, given),
        classes=10,
    )


def _stride_at(block: Block, given: set[str]) -> StrideAt:
    """A basic block's first convolution is a 3x3: v1.5 changes nothing there."""
    return "3x3" if "v1.5" in given and block == "bottleneck" else "first"


def _shortcut(name: str, kind: str, given: set[str], default: Shortcut) -> Shortcut:
    options = given & {"a", "b", "c"}
    if kind == "plain" and (options or "both" in given):
        raise UserError(f"{name}: a plain network has no shortcuts, so no option to choose.")
    if len(options) > 1 or ("both" in given and options - {"a"}):
        raise UserError(f"{name}: choose one shortcut option of a, b, c (a-both).")
    if kind == "plain":
        return "none"
    if "both" in given:
        return "A-both"
    return _OPTION[options.pop()] if options else default


def name_of(made: Arch) -> str:
    """The shortest name for an architecture; `arch(name_of(x), x.classes) == x`."""
    plain = made.shortcut == "none"
    parts = [f"{'plain' if plain else 'resnet'}{made.layers}"]
    if made.widths == CIFAR_WIDTHS and made.stem == "3x3" and len(set(made.depths)) == 1:
        default: Shortcut = "A"
        if made.layers in TABLE_1:
            raise UserError(
                f"A Sec. 4.2 network of {made.layers} layers has no name: Table 1 took it."
            )
        if made.block == "bottleneck":
            parts.append("bottleneck")
    elif made.widths == TABLE_1_WIDTHS and len(made.depths) == 4:
        default = "B"
        if TABLE_1.get(made.layers) != (made.block, made.depths):
            parts += ["bottleneck"] if made.block == "bottleneck" else []
            parts.append(".".join(map(str, made.depths)))
        parts += [_STEM_SUFFIX[made.stem]] if made.stem != "7x7" else []
    else:
        raise UserError(
            f"Stages {made.depths} of widths {made.widths} on a {made.stem} stem are not in the"
            " paper: its widths are 16 32 64 (Sec. 4.2) and 64 128 256 512 (Table 1)."
        )
    option = {"A": ["a"], "A-both": ["a", "both"], "B": ["b"], "C": ["c"], "none": []}
    parts[1:1] = option[made.shortcut] if made.shortcut not in (default, "none") else []
    if made.stride_at == "3x3":
        parts.insert(1, "v1.5")
    return "-".join(parts)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=2, cutoff=0.6)
    hint = f" Did you mean {' or '.join(near)}?" if near else " `deepres list` shows them."
    return (
        f"There is no network {name!r}: names are plainN or resnetN with suffixes"
        f" {', '.join('-' + s for s in SUFFIXES)}.{hint}"
    )

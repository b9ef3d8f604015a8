"""What a network is, as a frozen value. No torch here: names are listed in a blink."""

from typing import Literal

from msgspec import Struct

Stem = Literal["3x3", "3x3-pool", "7x7", "7x7-ceil"]
Block = Literal["basic", "bottleneck"]
Shortcut = Literal["none", "A", "A-both", "B", "C"]
StrideAt = Literal["first", "3x3"]

CONVOLUTIONS = {"basic": 2, "bottleneck": 3}  # in one block, Fig. 5
EXPANSION = {"basic": 1, "bottleneck": 4}  # how much wider a block's output is than its width


class Arch(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A network of the paper: Table 1 (four stages) or Sec. 4.2 (three stages).

    `stem` is 7x7 with max-pool or 3x3 without; `-ceil` pools as Caffe does (no padding, rounding
    up), `-pool` keeps the max-pool behind a 3x3 stem. `shortcut` is the option of Sec. 3.3, `none`
    for a plain network; A's zero channels come last, `A-both` puts half of them first.
    `stride_at` is the convolution of a bottleneck that halves the map: the first 1x1 as the
    authors released it, or the 3x3 ("v1.5").
    """

    stem: Stem
    block: Block
    depths: tuple[int, ...]
    widths: tuple[int, ...]
    shortcut: Shortcut
    stride_at: StrideAt = "first"
    classes: int = 1000

    @property
    def layers(self) -> int:
        """Weighted layers as the paper counts them: stem, blocks and classifier, no projections."""
        return sum(self.depths) * CONVOLUTIONS[self.block] + 2

    @property
    def features(self) -> int:
        """Channels that reach the classifier."""
        return self.widths[-1] * EXPANSION[self.block]

    @property
    def input_size(self) -> int:
        """Edge of the pictures it was made for: 224 behind a 7x7 stem, 32 behind a 3x3 one."""
        return 224 if self.stem.startswith("7x7") else 32

"""What a foreign layout is: how it is told, how its tensors are named, what its keys do not say."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ..card import Preprocessing
from ..spec import Arch, Shortcut


@dataclass(frozen=True)
class Checkpoint:
    """A file once its wrapper is off: tensors under the names its author gave them."""

    path: Path
    container: str  # "plain", "lightning", "timm", "caffemodel", ...
    tensors: dict[str, Tensor]
    config: Mapping[str, Any] = field(default_factory=dict)  # a Hugging Face folder's config.json
    notes: tuple[str, ...] = ()  # what peeling did, for the card


@dataclass(frozen=True)
class Profile:
    """What the keys do not tell: where it strides, pools and pads, and what its pictures are."""

    preprocessing: Preprocessing
    classes: tuple[str, ...] | None = None
    stride_at: str = "3x3"  # of a bottleneck; ignored for basic blocks
    pool: str = "usual"  # "usual": padded behind 7x7, none behind 3x3; or "ceil", "kept"
    shortcut: Shortcut = "A"  # where no shortcut has weights: "A", "A-both" or "none" (plain)
    guessed: tuple[str, ...] = ()  # a sentence for each thing assumed from the family alone


@dataclass(frozen=True)
class Family:
    """One kind of file: a marker, a table of names and a profile."""

    name: str  # what `--source` says
    about: str  # whose it is, in a few words
    fits: Callable[[Checkpoint], bool]
    # pattern -> torchvision's name, as in re.sub; all of a key must match
    names: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]
    profile: Callable[[Checkpoint, Mapping[str, Tensor]], Profile]  # renamed tensors too
    # where tensors need more than another name (biases to fold, axes to turn, blobs to merge)
    prepare: Callable[[Checkpoint], dict[str, Tensor]] | None = None
    # whether it is taken without being named; the first of those that fit and are presumed wins
    presumed: Callable[[Checkpoint], bool] = lambda checkpoint: True


@dataclass(frozen=True)
class Converted:
    """A checkpoint as ours: everything that a weights file and its card need."""

    arch: Arch
    tensors: dict[str, Tensor]  # canonical names, every one of the network's and no other
    profile: Profile
    source: str
    mean_image: Tensor | None = None
    notes: tuple[str, ...] = ()
    container: str = "plain"
    sha256: str = ""  # of the file as its author published it

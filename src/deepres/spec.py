"""What a network is, what a run computes and how, as frozen values.

No torch here: names are listed in a blink. What changes the numbers belongs to the `Run`, what
may change their rounding to the `Plan`.
"""

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from .errors import UserError

Stem = Literal["3x3", "3x3-pool", "7x7", "7x7-ceil"]
Block = Literal["basic", "bottleneck"]
Shortcut = Literal["none", "A", "A-both", "B", "C"]
StrideAt = Literal["first", "3x3"]
TinyMaps = Literal["products", "as they come"]

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


# what was found, after how many steps; an overflow is a step of fp16 that moved nothing
Event = tuple[Literal["warm-up ended", "plateau", "overflow"], int]


class Data(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The pictures of a run, by name and content, never by path.

    The digests are of whole data sets in their canonical order. `held_out` of the training images,
    drawn by `stream(0, "split")` whatever the run's seed, are kept aside: 5,000 of CIFAR's for the
    45k/5k split of Sec. 4.2. Of the rest and of the test images only the first so many are taken
    where `train_images` and `test_images` are not 0: a run at smoke scale.
    """

    name: str
    train: str = ""
    test: str = ""
    held_out: int = 0
    # a picture that cannot be decoded stops the run by its name, or is left out and listed
    bad: Literal["stop", "skipped"] = "stop"
    train_images: int = 0
    test_images: int = 0


class Plateau(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """When the error has plateaued (Sec. 3.4 says no more than that the rate drops then).

    The signal is the error of training as it is, on augmented pictures, summed over a window of
    steps: never the error that is reported. The rate drops once no window of the last `patience`
    was `gain` percent of all pictures better than the best before them, `drops` times at most.
    """

    window: int = 5_000  # steps: an epoch of ImageNet
    gain: float = 0.25
    patience: int = 4
    drops: int = 3


class Recipe(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a network is trained. The defaults are Sec. 4.2's: `Recipe()` is `--recipe cifar`."""

    batch: int = 128
    steps: int = 64_000
    lr: float = 0.1
    # divided by 10 at these steps, or each time an event says that the error plateaued (Sec. 3.4)
    drops: tuple[int, ...] | Literal["plateau"] = (32_000, 48_000)
    plateau: Plateau = Plateau()  # what that means, where drops are by plateau
    # not the paper's: the rate climbs evenly to `lr` at this step, and falls to 0 at the end
    peak: int = 0
    # at `warm_up_lr` for so many steps, or until the error of 100 steps is below 80 % (Sec. 4.2)
    warm_up: int | Literal["none", "error"] = "none"
    warm_up_lr: float = 0.01
    # caffe: v <- m v + r g, w <- w - v; torch: v <- m v + g, w <- w - r v; nesterov: torch's
    momentum_form: Literal["caffe", "torch", "nesterov"] = "caffe"
    momentum: float = 0.9
    decay: float = 1e-4
    decay_on: Literal["all", "weights"] = "all"  # weights: BN's parameters and biases are spared
    # not the paper's: this much of a label goes evenly to all classes; the weights that are tested
    # are an average that keeps so much of itself at each step; the last steps cut from the middle
    smoothing: float = 0.0
    average: float = 0.0
    calm: int = 0
    replicas: int = 2  # equal shares of a batch, each normalised by its own statistics
    fan: Literal["in", "out"] = "in"
    last_gamma: float = 1.0  # of a residual function's last BN: 0 is later work's choice
    # channels: mean and deviation; given: those below, of the network that it starts from
    centre: Literal["mean image", "channels", "none", "given"] = "mean image"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    padding: Literal["mean", "black"] = "mean"  # zeros after the mean is subtracted, or before
    shift: int = 4  # pixels of padding on each side, of which a random window is cut
    mirror: bool = True
    # Of pictures of any size (Sec. 3.4); those that have one size ignore these three: the crop's
    # edge, the range of the shorter side, shifts of colour along measured or published components.
    crop: int = 224
    shorter: tuple[int, int] = (256, 480)
    colour: Literal["measured", "published", "none"] = "measured"
    frozen: str = ""  # parts that do not learn, nor move their statistics: stem..conv4
    old_rate: float = 1.0  # times the rate, for all but the classifier
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    scaled_from: "Recipe | None" = None  # the full schedule of which this is a short form

    def __post_init__(self) -> None:
        if self.batch < 1 or self.replicas < 1 or self.batch % self.replicas:
            raise UserError(
                f"A batch of {self.batch} does not fall into {self.replicas} equal replicas."
            )
        if self.steps < 1:
            raise UserError(f"A run takes at least 1 step, not {self.steps}.")
        if not 1 <= self.crop <= self.shorter[0] <= self.shorter[1]:
            raise UserError(
                f"A crop of {self.crop} does not fit into pictures whose shorter side is drawn"
                f" from {self.shorter[0]} to {self.shorter[1]}."
            )
        if self.drops != "plateau" and list(self.drops) != sorted(set(self.drops)):
            raise UserError(f"Drops come in ascending order, each once, not {self.drops}.")
        if self.peak and (self.drops or not 0 < self.peak < self.steps):
            raise UserError(
                f"A rate that climbs to its peak at step {self.peak:,} of {self.steps:,} has no"
                " drops, and the peak lies within the run."
            )
        if not (0 <= self.smoothing < 1 and 0 <= self.average < 1 and self.calm >= 0):
            raise UserError("smoothing and average lie from 0 to below 1, calm counts steps.")

    def rate(self, step: int, events: Sequence[Event] = ()) -> float:
        """The learning rate of the step that follows `step` finished ones.

        A warm-up never lifts the rate above the schedule's own.
        """
        if self.drops == "plateau":
            drops = [at for what, at in events if what == "plateau"]
        else:
            drops = list(self.drops)
        rate = self.lr / 10 ** sum(step >= drop for drop in drops)
        if self.peak:
            rate *= min((step + 1) / self.peak, (self.steps - step) / (self.steps - self.peak))
        if self.warm_up == "none":
            return rate
        if self.warm_up == "error":
            warm = not any(what == "warm-up ended" and step >= at for what, at in events)
        else:
            warm = step < self.warm_up
        return min(self.warm_up_lr, rate) if warm else rate

    def calm_at(self, step: int) -> bool:
        """Whether windows are cut from the middle."""
        return self.calm > 0 and step >= self.steps - self.calm

    @property
    def share(self) -> int:
        """Pictures that are normalised together: a batch divided by its replicas."""
        return self.batch // self.replicas

    @property
    def shrinkage(self) -> float:
        """Rate x decay, summed over the steps: how far decay alone would pull the weights."""
        if self.drops == "plateau":
            return self.lr * self.decay * self.steps
        if self.peak:
            return self.decay * sum(self.rate(step, ENDED) for step in range(self.steps))
        changes = {0, *self.drops} | ({self.warm_up} if isinstance(self.warm_up, int) else set())
        spans = pairwise([*sorted(at for at in changes if at < self.steps), self.steps])
        return self.decay * sum((end - start) * self.rate(start, ENDED) for start, end in spans)


ENDED: tuple[Event, ...] = (("warm-up ended", 0),)
CIFAR = Recipe()
DIGITS = Recipe(batch=64, steps=600, lr=0.05, drops=(300, 450), replicas=1, shift=1, mirror=False)
IMAGENET = Recipe(batch=256, steps=600_000, drops="plateau", replicas=8, shift=0)
# ours, not the paper's: a new classifier at this rate, what was trained before at a tenth of it
FINETUNE = Recipe(
    batch=32, steps=1_000, lr=0.01, drops=(500, 750), replicas=1, colour="none", old_rate=0.1
)
# Ours, for ResNet-20 to the paper's own error in 50 epochs. Values that are usual: none was tried
# against another.
FAST = Recipe(
    steps=19_532,
    lr=0.2,
    drops=(),
    peak=3_906,
    momentum_form="nesterov",
    decay=5e-4,
    decay_on="weights",
    average=0.999,
    calm=1_953,
    replicas=1,
)
FIGURE_4 = (150_000, 300_000)  # where the curves of Fig. 4 fall, read off the plot
RECIPES = {
    "cifar": CIFAR,
    "digits": DIGITS,
    "imagenet": IMAGENET,
    "finetune": FINETUNE,
    "fast": FAST,
}


def recipe_named(recipe: Recipe) -> str:
    """What `--recipe` calls it, whole or in fewer steps; nothing where a flag changed it."""
    whole = recipe.scaled_from or recipe
    return next((name for name, one in RECIPES.items() if one == whole), "")


class Protocol(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a trained network is tested."""

    views: Literal["one", "ten", "multi-scale"] = "one"
    scales: tuple[int, ...] = ()
    # population: true averages over training images, taken after training; running: as trained
    statistics: Literal["population", "running"] = "population"
    # so many at most, in whole batches: as the steps after the last would draw them, or as they are
    statistics_images: int = 10_000
    statistics_augmented: bool = True


class Run(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is computed. `network` names the user's own module where there is no `arch`.

    A run that is `grown_from` another begins as that one's trained network with identity layers
    added up to its own depth (Sec. 4.1), instead of being drawn from the seed.
    """

    name: str
    arch: Arch | None = None
    network: str = ""
    data: Data
    recipe: Recipe = CIFAR
    protocol: Protocol = Protocol()
    seed: int = 0
    start: str = ""  # digest of the trained weights it starts from, but for its classifier
    grown_from: "Run | None" = None

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits of every field that is not its default, but the name."""
        told = {"schema": 1, **{k: v for k, v in canonical(self).items() if k != "name"}}
        if self.grown_from is not None:
            told["grown_from"] = self.grown_from.key  # without its name either
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is computed: may change rounding and time, nothing else; never in the key."""

    device: str = "cpu"
    engine: Literal["eager", "native", "compiled", "graph"] = "eager"
    layout: Literal["channels last", "contiguous"] = "channels last"
    replicas: Literal["in turn", "folded"] = "in turn"
    checkpointed: int = 0  # blocks between activations that are kept; 0 keeps them all
    malloc: Literal["kept", "as it comes"] = "as it comes"
    # products: gradients of weights on maps of 2 x 2 are products of matrices; fp32 only
    tiny_maps: TinyMaps = "as they come"
    # of a graph: how its fused layers are computed, by torch's operations or own kernels
    layers: Literal["formulas", "kernels"] = "formulas"
    threads: int = 1
    workers: int = 1
    ranks: int = 1


def canonical(value: Struct) -> dict[str, Any]:
    """Plain JSON values of the fields that are not their defaults, equal for equal structs.

    msgspec's own `omit_defaults` keeps a tuple that equals the default but is another object.
    """
    value = msgspec.json.decode(msgspec.json.encode(value), type=type(value))  # 1 becomes 1.0
    told = {}
    for field in structs.fields(value):
        here = getattr(value, field.name)
        if field.default is msgspec.NODEFAULT or here != field.default:
            told[field.name] = canonical(here) if isinstance(here, Struct) else here
    return told


def scaled(run: Run, steps: int, decay: Literal["kept", "scaled"] = "kept") -> Run:
    """The same run in `steps` steps: its drops and a counted warm-up move in proportion.

    A warm-up that ends by error is never scaled. The full schedule stays within the recipe, so
    that no row of a short run can pass for a full one. With decay scaled, rate x decay x steps
    stays as it was; kept, a short run is hardly regularised.
    """
    full = run.recipe.scaled_from or run.recipe
    if steps == full.steps:
        return structs.replace(run, recipe=full)
    recipe = structs.replace(
        full,
        steps=steps,
        drops=full.drops if full.drops == "plateau" else _moved(full.drops, steps, full.steps),
        plateau=structs.replace(
            full.plateau, window=max(50, round(full.plateau.window * steps / full.steps))
        )
        if full.drops == "plateau"
        else full.plateau,
        warm_up=full.warm_up
        if isinstance(full.warm_up, str)
        else round(full.warm_up * steps / full.steps),
        peak=min(steps - 1, max(1, round(full.peak * steps / full.steps))) if full.peak else 0,
        calm=round(full.calm * steps / full.steps),
        average=_averaged(full.average, full.steps / steps),
        decay=full.decay * full.steps / steps if decay == "scaled" else full.decay,
        scaled_from=full,
    )
    return structs.replace(run, recipe=recipe)


def _averaged(average: float, times: float) -> float:
    """Over as large a part of a run so many times shorter; none stays the very default."""
    return round(average**times, 6) if average else average


def _moved(drops: tuple[int, ...], steps: int, full: int) -> tuple[int, ...]:
    return tuple(sorted({round(drop * steps / full) for drop in drops}))

"""From what a user asks for to a `Run`: recipes by name, flags, the warm-up of deep networks."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from msgspec import structs

from ..errors import UserError
from ..models.zoo import arch
from ..spec import DIGITS, FIGURE_4, IMAGENET, RECIPES, Arch, Data, Recipe, Run, scaled

ANY_SIZE = ("folder", "hub")  # data sets whose pictures are cut as Sec. 3.4 cuts them
PRECISIONS = ("fp32", "bf16", "fp16")
COLOURS = ("measured", "published", "none")
DEEP = 110  # layers from which on a CIFAR network warms up (Sec. 4.2: 110; 1202 is our reading)

# Data that are not augmented as CIFAR is: digits are small, and a mirrored digit is another sign.
AUGMENTATION = {"digits": {"shift": DIGITS.shift, "mirror": DIGITS.mirror}}


@dataclass(frozen=True)
class Asked:
    """The flags that say what is computed; None is what the recipe says."""

    recipe: str | None = None
    steps: int | None = None
    epochs: float | None = None
    batch: int | None = None
    lr: float | None = None
    drops: str | None = None  # 32000,48000, plateau, or steps: those of Fig. 4
    warm_up: str | None = None  # none, error or a number of steps
    decay: float | None = None
    decay_scaled: Literal["scaled"] | None = None
    momentum: float | None = None
    replicas: int | None = None
    precision: str | None = None
    seed: int | None = None
    split: str | None = None
    size: int | None = None  # of the crop, for pictures of any size
    colour: str | None = None  # along which components it is shifted, for the same pictures
    bad: Literal["skipped"] | None = None

    def given(self) -> list[str]:
        """The flags that were given, as they are written."""
        return [
            f"--{FLAGS.get(field.name, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) is not None
        ]


FLAGS = {"bad": "skip-bad", "warm_up": "warmup", "decay_scaled": "scale-decay"}


def recipe_named(name: str | None, made: Arch | None, data: str) -> Recipe:
    """A recipe by name, or the network's own: Sec. 4.2's for 3x3 stems and people's own modules."""
    if name is not None and name not in RECIPES:
        raise UserError(f"There is no recipe {name!r}: recipes are {', '.join(RECIPES)}.")
    usual = "cifar" if made is None or made.stem.startswith("3x3") else "imagenet"
    recipe = structs.replace(RECIPES[name or usual], **AUGMENTATION.get(data, {}))
    deep = made is not None and made.stem.startswith("3x3") and made.layers >= DEEP
    return structs.replace(recipe, warm_up="error") if deep else recipe


def run_of(network: str, data: Data, images: int, classes: int, asked: Asked) -> Run:
    """What is asked for, as a value; `images` are those trained on."""
    own = ":" in network
    made = None if own else arch(network, classes)
    recipe = _sized(recipe_named(asked.recipe, made, data.name), made, data, asked)
    recipe = _with_flags(recipe, asked)
    run = Run(
        name=f"{_plain(network)}-{data.name}",
        arch=made,
        network=network if own else "",
        data=data,
        recipe=recipe,
        seed=asked.seed or 0,
    )
    return _of_length(run, images, asked)


def _sized(recipe: Recipe, made: Arch | None, data: Data, asked: Asked) -> Recipe:
    """The crop of a network's own size, or of the one asked for; the range of Sec. 3.4 with it."""
    if data.name not in ANY_SIZE:
        for flag, value in (("--size", asked.size), ("--colour", asked.colour)):
            if value is not None:
                raise UserError(
                    f"{flag} is for pictures of any size, not for those of {data.name}."
                )
        return recipe
    if asked.colour not in (None, *COLOURS):
        raise UserError(f"--colour {asked.colour}: choose one of {', '.join(COLOURS)}.")
    edge = asked.size or (made.input_size if made else IMAGENET.crop)
    low, high = (round(side * edge / IMAGENET.crop) for side in IMAGENET.shorter)
    colour: Any = asked.colour or recipe.colour
    return structs.replace(recipe, crop=edge, shorter=(low, high), colour=colour)


def _with_flags(recipe: Recipe, asked: Asked) -> Recipe:
    if asked.precision not in (None, *PRECISIONS):
        raise UserError(f"--precision {asked.precision}: choose one of {', '.join(PRECISIONS)}.")
    given = {
        "batch": asked.batch,
        "lr": asked.lr,
        "decay": asked.decay,
        "momentum": asked.momentum,
        "replicas": asked.replicas,
        "precision": asked.precision,
    }
    return structs.replace(recipe, **{name: v for name, v in given.items() if v is not None})


def _of_length(run: Run, images: int, asked: Asked) -> Run:
    """Steps or epochs move the drops in proportion; drops and a warm-up that are told stay."""
    steps = asked.steps
    if steps is not None and asked.epochs is not None:
        raise UserError("--steps and --epochs say the same thing: give one of them.")
    if asked.epochs is not None:
        steps = max(1, -(-round(asked.epochs * images) // run.recipe.batch))
    told: dict[str, object] = {}
    if asked.warm_up is not None:
        told["warm_up"] = _warm_up(asked.warm_up)
    if asked.drops == "plateau":
        run = structs.replace(run, recipe=structs.replace(run.recipe, drops="plateau"))
    elif asked.drops == "steps":
        moved = structs.replace(run.recipe, drops=FIGURE_4, steps=IMAGENET.steps)
        run = structs.replace(run, recipe=moved)
        steps = steps or IMAGENET.steps
    if asked.drops not in (None, "plateau", "steps"):
        told["drops"] = _drops(asked.drops)
        told["steps"] = steps or run.recipe.steps
    elif steps is not None:
        run = scaled(run, steps, asked.decay_scaled or "kept")
    return structs.replace(run, recipe=structs.replace(run.recipe, **told))


def _drops(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in (text or "").split(",") if part.strip())
    except ValueError:
        raise UserError(
            f"--drops {text}: write steps as in 32000,48000, plateau, or steps for Fig. 4's."
        ) from None


def _warm_up(text: str) -> int | Literal["none", "error"]:
    if text == "none" or text == "error":
        return text  # type: ignore[return-value]
    if text.isdigit():
        return int(text)
    raise UserError(f"--warmup {text}: write none, error or a number of steps.")


def _plain(network: str) -> str:
    """A network's name as part of a folder's: my.package:Net becomes Net."""
    last = network.rpartition(":")[2]
    return "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in last)

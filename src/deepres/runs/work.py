"""What a session is given: a run, its pictures, the means, and how closely it is watched."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..data.batches import Batch, batch_of, batches, normalisation
from ..data.pictured import Pictured, edge
from ..errors import UserError
from ..models.initialise import created, initialise
from ..models.named import foreign, own
from ..population import population
from ..randomness import stream_seed
from ..ranks import ALONE, Ranks
from ..spec import Plan, Recipe, Run
from ..train import Step, eager
from .declare import ANY_SIZE
from .pictures import Pictures

Stream = Callable[[Pictured, Recipe, int, int], Iterable[Batch]]
STRETCHES = (100, 50, 20, 10, 5, 2, 1)
LOOKS = 32
LOOKING = 0.03  # of the time of training, at most, unless looks were asked for


@dataclass(frozen=True)
class Curve:
    """How often, and on how many pictures, a network is looked at while it trains."""

    every: int  # steps; 0 is never
    images: int  # trained on: the first so many, for statistics and for clean errors
    test: bool = False  # look at test pictures too, which is watching and chooses nothing


@dataclass(frozen=True)
class Work:
    """What is carried out, with which pictures, by which means."""

    run: Run
    plan: Plan
    pictures: Pictures
    curve: Curve
    step: Step = eager
    stream: Stream = batches
    save_every: float = 30.0  # seconds at least between two states
    ranks: Ranks = ALONE  # of which the first keeps the folder


def stretch_of(recipe: Recipe) -> int:
    """How many steps make a report: a round number, at most 100, and some fifty reports a run."""
    return next(n for n in STRETCHES if n <= max(1, recipe.steps // 50))


def curve_of(run: Run, pictures: Pictures, looks: int | None = None, *, test: bool) -> Curve:
    """So many looks on the way, or as many as cost little; between reports, never at the end."""
    sample = min(1_000, max(1, len(pictures.train) // 4))
    seen = 2 * sample + (len(pictures.held_out) if pictures.held_out else 0)
    seen += len(pictures.test) if test else 0
    if looks is None:  # a step costs three times what looking at its pictures does
        paid = LOOKING * 3 * run.recipe.steps * run.recipe.batch / seen
        looks = min(LOOKS, int(paid)) or int(test)
    stretch = stretch_of(run.recipe)
    every = max(stretch, run.recipe.steps // looks // stretch * stretch) if looks else 0
    return Curve(every, sample, test)


def network_of(run: Run, images: Pictured) -> nn.Module:
    """The run's network at its start: drawn from the seed, anybody's own module too."""
    if run.start:
        raise UserError(f"{run.name} starts from trained weights: name them by --from.")
    if run.grown_from is not None:
        raise UserError(
            f"{run.name} begins with the trained network of {run.grown_from.name}, which a study"
            " hands over: `deepres run existence` carries it out."
        )
    if run.arch is None:
        torch.manual_seed(stream_seed(run.seed, "initialisation") >> 1)
        network = own(run.network, len(images.classes))
        rehearse(network, run, images)
        return network
    fan, gamma = run.recipe.fan, run.recipe.last_gamma
    network = initialise(created(run.arch, run.seed, fan), run.seed, fan=fan, last_gamma=gamma)
    normalises(network, run, images)
    return network


def normalises(network: nn.Module, run: Run, images: Pictured) -> None:
    """Refuses replicas of which nothing can be normalised, by shapes alone."""
    if run.recipe.share > 1:
        return
    side = edge(images, run.recipe)
    shapes = {name: tensor.to("meta") for name, tensor in network.state_dict().items()}
    with _told_apart(run):
        functional_call(network.train(), shapes, torch.empty(1, 3, side, side, device="meta"))


@contextmanager
def _told_apart(run: Run) -> Iterator[None]:
    """A picture whose maps are a pixel is its replica's only value in each channel: no variance."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        right = ["fewer --replicas"] if run.recipe.replicas > 1 else []
        right += ["a larger --batch"] + (["a larger --size"] if run.data.name in ANY_SIZE else [])
        raise UserError(
            f"--batch {run.recipe.batch} in --replicas {run.recipe.replicas} leaves each replica"
            " one picture, whose last maps are a pixel: there is no variance to normalise by, and"
            f" {' or '.join(right)} would be right."
        ) from None


@torch.no_grad()
def rehearse(network: nn.Module, run: Run, images: Pictured) -> None:
    """Somebody's own module answers a few pictures: what it cannot do is said before the start."""
    few, _ = next(batch_of(images, normalisation(images, run.recipe), run.recipe, 0, 0).shares())
    with foreign(f"{run.network}: given {tuple(few.shape)}, it raised"):
        answers = network.eval()(few)
    wanted = (len(few), len(images.classes))
    shape = tuple(answers.shape) if isinstance(answers, Tensor) else type(answers).__name__
    if shape != wanted:
        raise UserError(
            f"{run.network} answers {len(few)} pictures with {shape}: logits of {wanted} are"
            f" needed, one for each class of {images.name}."
        )
    with _told_apart(run):
        population(network, [few])

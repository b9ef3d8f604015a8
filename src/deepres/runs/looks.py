"""Looks at a network: exact errors at population statistics, during training and after it."""

import base64
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from PIL import Image
from torch import Tensor, nn

from ..data.augment import Normalisation
from ..data.batches import batch_of
from ..data.order import Part
from ..data.pictured import Pictured, views, whole
from ..evaluate import scores, total
from ..models.pixels import normalised
from ..population import Statistics, adopt, normalisations, population
from ..ranks import ALONE, Ranks
from ..spec import Run
from ..tally import Tally
from ..train import State
from .log import Evaluated
from .result import Mistake
from .work import Work

MISTAKES = 24
SHOWN = 160  # pixels of a mistake, at most


def first(images: Pictured, count: int) -> Pictured:
    """The first so many: a fair sample, since the canonical order scatters."""
    if count >= len(images):
        return images
    return images.part(slice(count), f"{images.name} (first {count})")


def measured(
    network: nn.Module,
    run: Run,
    trained_on: Pictured,
    how: Normalisation,
    ranks: Ranks = ALONE,
) -> Statistics:
    """Population statistics as the run's protocol has them; none for a network without BN."""
    if not normalisations(network):
        return {}
    return population(network, shares(run, trained_on, how, ranks), ranks)


def shares(
    run: Run, trained_on: Pictured, how: Normalisation, ranks: Ranks = ALONE
) -> Iterator[Tensor]:
    """Whole replicas of training images: a rest would weigh its own, coarser statistics.

    Of several ranks each is dealt every so-many-th.
    """
    recipe, count = run.recipe, counted(run, trained_on)
    if run.protocol.statistics_augmented:
        pieces = range(count // recipe.share)
        for piece in pieces[ranks.rank :: ranks.count]:
            step, replica = divmod(piece, recipe.replicas)
            one = Part(replica, recipe.replicas)
            batch = batch_of(trained_on, how, recipe, run.seed, recipe.steps + step, one)
            yield batch.images
        return
    share = min(recipe.share, count)
    for at in range(0, count, share)[ranks.rank :: ranks.count]:
        pixels = views(trained_on, slice(at, at + share), how.how)
        yield normalised(pixels, how.how, how.mean_image)


def counted(run: Run, trained_on: Pictured) -> int:
    """How many images the statistics are of."""
    wanted = min(run.protocol.statistics_images, len(trained_on))
    if run.protocol.statistics_augmented:
        return max(wanted // run.recipe.batch, 1) * run.recipe.batch
    return wanted - wanted % run.recipe.share or wanted


@contextmanager
def at(network: nn.Module, statistics: Statistics) -> Iterator[None]:
    """The network with other statistics, for as long as this is entered."""
    here = network.state_dict()
    kept = {name: here[name].clone() for name in statistics}
    adopt(network, statistics)
    try:
        yield
    finally:
        adopt(network, kept)


def errors(network: nn.Module, how: Normalisation, images: Pictured, ranks: Ranks = ALONE) -> Tally:
    """Every picture once, whichever rank looks at it."""
    return total(scores(network, how.how, how.mean_image, images, ranks=ranks), images)


@dataclass
class Answers:
    """What a network answered, picture by picture, gathered while others count."""

    guesses: list[Tensor] = field(default_factory=list)
    probabilities: list[Tensor] = field(default_factory=list)

    def gather(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Passes the scores on."""
        for batch in batches:
            best = batch.double().softmax(1).max(1)
            self.guesses.append(best.indices)
            self.probabilities.append(best.values)
            yield batch

    def confusion(self, images: Pictured) -> tuple[tuple[int, ...], ...]:
        """How often each class (row) was taken for each (column)."""
        classes = len(images.classes)
        pairs = torch.from_numpy(images.labels) * classes + torch.cat(self.guesses)
        counts = torch.bincount(pairs, minlength=classes**2).view(classes, classes)
        return tuple(tuple(row) for row in counts.tolist())

    def mistakes(self, images: Pictured, most: int = MISTAKES) -> tuple[Mistake, ...]:
        """The wrong answers that were most sure of themselves."""
        guesses, sure = torch.cat(self.guesses), torch.cat(self.probabilities)
        wrong = (guesses != torch.from_numpy(images.labels)).nonzero().flatten()
        order = sure[wrong].argsort(descending=True, stable=True)[:most]
        return tuple(
            Mistake(
                index=index,
                label=images.classes[images.labels[index]],
                guess=images.classes[int(guesses[index])],
                probability=float(sure[index]),
                png=_png(images, index),
            )
            for index in wrong[order].tolist()
        )


def _png(images: Pictured, index: int) -> str:
    buffer = io.BytesIO()
    shown = Image.fromarray(whole(images, slice(index, index + 1))[0])
    shown.thumbnail((SHOWN, SHOWN))  # a small one stays as it is
    shown.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def look(
    work: Work, state: State, how: Normalisation, seconds: Callable[[], float]
) -> Iterator[Evaluated]:
    """Clean training error and held-out error on the way, at population statistics of a sample."""
    sample, ranks = first(work.pictures.train, work.curve.images), work.ranks
    statistics = measured(state.network, work.run, sample, how, ranks)
    counts = counted(work.run, sample)
    with at(state.network, statistics):
        yield evaluated(
            state.step, "trained on", errors(state.network, how, sample, ranks), counts, seconds()
        )
        if work.pictures.held_out is not None:
            found = errors(state.network, how, work.pictures.held_out, ranks)
            yield evaluated(state.step, "held out", found, counts, seconds())
        if work.curve.test:
            found = errors(state.network, how, work.pictures.test, ranks)
            yield evaluated(state.step, "test", found, counts, seconds(), watching=True)


def evaluated(
    step: int,
    pictures: Literal["trained on", "held out", "test"],
    found: Tally,
    statistics_images: int,
    seconds: float,
    *,
    watching: bool = False,
) -> Evaluated:
    """A line of the log; without statistics images, the statistics are the running ones."""
    return Evaluated(
        step=step,
        pictures=pictures,
        statistics="population" if statistics_images else "running",
        statistics_images=statistics_images,
        watching=watching,
        seen=found.seen,
        top1=found.top1,
        top5=found.top5,
        seconds=seconds,
    )

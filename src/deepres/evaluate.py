"""Exact counts of errors: every picture once, no dropped tail, no padding."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TextIO

import torch
from torch import Tensor, nn

from .card import Preprocessing
from .data.pictured import Pictured, called, made, views
from .errors import UserError
from .models.pixels import normalised
from .models.views import Average, at_scales, five_crops, scales_of, swept, ten_crops
from .ranks import ALONE, Ranks
from .tally import Tally

# how a network looks at some of the pictures: N x classes logits
Look = Callable[[nn.Module, Preprocessing, "Tensor | None", Pictured, slice], Tensor]
VIEWS = {"one": 1, "ten": 10, "multi-scale": 16}  # and how many single views each is worth


def ranks(scores: Tensor, labels: Tensor) -> Tensor:
    """How many classes come before the right one; of equal scores the lower class comes first.

    A rule, not the order in which a kernel happens to sort: ties fall the same way at any batch
    size. A score that is not a number ranks last.
    """
    right = scores.gather(1, labels[:, None])
    earlier = torch.arange(scores.shape[1], device=scores.device) < labels[:, None]
    before = ~(scores <= right) | (earlier & (scores == right))
    before.scatter_(1, labels[:, None], False)
    return torch.where(right.isnan(), scores.shape[1], before.sum(1, keepdim=True)).squeeze(1)


def tally(scores: Tensor, labels: Tensor) -> Tally:
    """The errors of one batch."""
    rank = ranks(scores, labels)
    return Tally(len(labels), int((rank >= 1).sum()), int((rank >= 5).sum()))


def slices(images: Pictured, batch: int) -> Iterator[slice]:
    """All of them in order; the last batch is as short as it is."""
    return (slice(at, min(at + batch, len(images))) for at in range(0, len(images), batch))


@torch.inference_mode()
def scores(
    network: nn.Module,
    how: Preprocessing,
    mean_image: Tensor | None,
    images: Pictured,
    batch: int = 250,
    look: Look | None = None,
    ranks: Ranks = ALONE,
) -> Iterator[Tensor]:
    """Logits of every picture in order, a batch at a time; the look is the single centre view.

    Of several ranks each looks at every so-many-th batch, and all are given all of them.
    """
    network.eval()
    mine = islice(slices(images, batch), ranks.rank, None, ranks.count)
    yield from ranks.dealt(
        (look or centre)(network, how, mean_image, images, part) for part in mine
    )


def centre(
    network: nn.Module, how: Preprocessing, mean: Tensor | None, images: Pictured, part: slice
) -> Tensor:
    """The single view."""
    return network(normalised(views(images, part, how), how, mean))


def looking(name: str, average: Average, scales: str | None) -> Look:
    """A way of looking by its name: one crop, ten, or the network swept over whole pictures."""
    looks: dict[str, Look] = {
        "one": centre,
        "ten": partial(_ten, average=average),
        "multi-scale": partial(_swept, average=average, scales=scales),
    }
    return looks[name]


def _ten(
    network: nn.Module,
    how: Preprocessing,
    mean: Tensor | None,
    images: Pictured,
    part: slice,
    average: Average,
) -> Tensor:
    crops = made(images, part, lambda picture, name: five_crops(picture, how, name))
    return ten_crops(network, crops, how, mean, average)


def _swept(
    network: nn.Module,
    how: Preprocessing,
    mean: Tensor | None,
    images: Pictured,
    part: slice,
    average: Average,
    scales: str | None,
) -> Tensor:
    sides = scales_of(scales, how)
    pictures = made(images, part, lambda picture, name: at_scales(picture, how, sides, name))
    return swept(network, pictures, how, mean, average)


def combined(members: Sequence[Iterable[Tensor]]) -> Iterator[Tensor]:
    """An ensemble's scores: the mean of its members' softmax (Sec. 3.4 averages scores)."""
    for batch in zip(*members, strict=True):
        yield torch.stack([logits.double().softmax(1) for logits in batch]).mean(0)


def total(batches: Iterable[Tensor], images: Pictured) -> Tally:
    """The errors over all pictures; a network of another number of classes is refused."""
    sum_, at = Tally(), 0
    for batch in batches:
        if batch.shape[1] != len(images.classes):
            raise UserError(
                f"The network tells {batch.shape[1]} classes apart and {images.name} has"
                f" {len(images.classes)}: test it on the data it was made for."
            )
        sum_ += tally(batch, torch.from_numpy(images.labels[at : at + len(batch)]))
        at += len(batch)
    return sum_


def written(batches: Iterable[Tensor], images: Pictured, file: TextIO) -> Iterator[Tensor]:
    """Passes the scores on and writes a line a picture: position, label, its rank, five guesses."""
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["picture", "label", "rank", *(f"guess{n}" for n in range(1, 6))])
    at = 0
    for batch in batches:
        labels = images.labels[at : at + len(batch)]
        order = batch.argsort(dim=1, descending=True, stable=True)[:, :5].tolist()
        rank = ranks(batch, torch.from_numpy(labels)).tolist()
        for row, (label, place, guesses) in enumerate(zip(labels, rank, order, strict=True)):
            names = [images.classes[guess] for guess in guesses]
            rows.writerow([called(images, at + row), images.classes[label], place + 1, *names])
        at += len(batch)
        yield batch

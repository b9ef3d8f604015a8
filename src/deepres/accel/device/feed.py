"""The stream of training batches on a device: draws come in slabs, pictures never leave it."""

from collections.abc import Iterator

import torch

from ...data.augment import Normalisation
from ...data.batches import Batch, normalisation
from ...data.images import Images
from ...data.pictured import Pictured
from ...errors import UserError
from ...runs.work import Stream
from ...spec import Recipe
from .captured import captured
from .drawn import FIELDS, drawn
from .resident import Resident

SLAB = 250  # steps whose draws are sent at once: 640 kB at batch 128


class Placed(Batch):
    """A batch that lies in the same place at every step: a graph may read it there."""


class Feed:
    """A batch's place on the device, filled anew for each step by one launch."""

    def __init__(
        self, images: Images, how: Normalisation, recipe: Recipe, device: torch.device
    ) -> None:
        self.resident = Resident(images, how, recipe, device)
        edge, batch = self.resident.edge, recipe.batch
        self.slab = torch.zeros(SLAB, FIELDS, batch, dtype=torch.int32, device=device)
        self.at = torch.zeros(1, dtype=torch.long, device=device)  # of the slab
        self.images = torch.zeros(batch, 3, edge, edge, device=device).to(
            memory_format=torch.channels_last
        )
        self.labels = torch.zeros(batch, dtype=torch.long, device=device)
        self.next = captured(self._next, device, [self.at])

    def load(self, draws: torch.Tensor) -> None:
        """The draws of the next steps; what was sent before has been used by then."""
        sent = draws.pin_memory() if self.slab.is_cuda else draws
        self.slab[: len(draws)].copy_(sent, non_blocking=True)
        self.at.zero_()

    @torch.no_grad()
    def _next(self) -> None:
        images, labels = self.resident.batch(self.slab.index_select(0, self.at)[0])
        self.images.copy_(images)
        self.labels.copy_(labels)
        self.at.add_(1)


def fed(device: torch.device) -> Stream:
    """Batches that lie on the device; each holds until the next one is asked for."""

    def stream(images: Pictured, recipe: Recipe, seed: int, start: int = 0) -> Iterator[Batch]:
        if not isinstance(images, Images):
            raise UserError(f"{images.name} is read from files: not all of it lies on the device.")
        how = normalisation(images, recipe)
        feed = Feed(images, how, recipe, device)
        for first in range(start, recipe.steps, SLAB):
            steps = range(first, min(first + SLAB, recipe.steps))
            feed.load(drawn(how, recipe, len(images), seed, steps))
            for _ in steps:
                feed.next()
                yield Placed(feed.images, feed.labels, recipe.replicas)

    return stream

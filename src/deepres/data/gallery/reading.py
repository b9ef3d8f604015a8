"""The pictures of each step, read and cut by this process or by torch's DataLoader's."""

import signal
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...errors import UserError
from ...spec import Recipe
from ..order import WHOLE, Part, indices
from .crops import cropped, draws
from .decode import BadPicture
from .listed import Gallery
from .views import bad

AHEAD = 2  # steps that each worker may be ahead


def taken(images: Gallery, recipe: Recipe, seed: int, step: int, part: Part = WHOLE) -> Tensor:
    """The crops of one step, or of a part of it: N x 3 x crop x crop uint8, channels last."""
    drawn = draws(recipe, seed, step)
    chosen = indices(seed, step, recipe.batch, len(images))
    places = range(*part.places(len(chosen)).indices(len(chosen)))
    size = (len(places), recipe.crop, recipe.crop, 3)
    pixels = torch.empty(size, dtype=torch.uint8).permute(0, 3, 1, 2)
    for row, place in enumerate(places):
        index = int(chosen[place])
        try:
            pixels[row] = cropped(images.read(index), recipe, drawn, place)
        except (BadPicture, OSError) as error:
            raise bad(images.called(index), error) from None
    return pixels


class Steps(Dataset[Tensor | str]):
    """The steps of a run, each with its crops, or with what is wrong with one of them.

    A worker's exception would reach the user as a traceback within a traceback.
    """

    def __init__(self, images: Gallery, recipe: Recipe, seed: int, part: Part) -> None:
        self.images, self.recipe, self.seed, self.part = images, recipe, seed, part

    def __getitem__(self, step: int) -> Tensor | str:
        try:
            return taken(self.images, self.recipe, self.seed, step, self.part)
        except UserError as error:
            return str(error)


def _obedient(worker: int) -> None:
    """Ctrl-C is the run's to answer; what the run had set for SIGTERM is not a worker's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def read_ahead(
    images: Gallery, recipe: Recipe, seed: int, start: int, workers: int, part: Part = WHOLE
) -> Iterator[tuple[int, Tensor]]:
    """Steps `start` to the recipe's last with their crops, the same by any number of workers."""
    steps = range(start, recipe.steps)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # as asked
        loader: DataLoader[Tensor | str] = DataLoader(
            Steps(images, recipe, seed, part),
            sampler=steps,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            worker_init_fn=_obedient,
            generator=torch.Generator(),  # the global one is nobody else's to move
        )
        prepared = iter(loader)
    for step, pixels in zip(steps, prepared, strict=True):
        if isinstance(pixels, str):
            raise UserError(pixels)
        yield step, pixels

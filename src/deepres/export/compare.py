"""An exported file beside the network it was made of: the same answers, at several batches."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from PIL import Image
from torch import Tensor

from ..card import Preprocessing
from ..data import digits
from ..data.pictured import Pictured, views
from ..errors import Failed
from ..evaluate import scores, total
from ..models.pictures import centre_view
from ..models.predict import carded, evaluating
from ..models.resnet import ResNet
from ..tally import Tally
from .takes import Takes, given

BATCHES = (1, 7, 64)
# Of the largest logit, and of top-1 answers. Eight bits are another network, near this one.
ALLOWED = {"fp32": (1e-4, 0.99), "int8": (float("inf"), 0.9)}
Run = Callable[[Tensor], Tensor]


class Batch(Struct, frozen=True):
    """One comparison."""

    batch: int
    largest_difference: float  # of two logits
    relative_difference: float  # of the largest logit
    agreement: float  # of first guesses, percent


class Errors(Struct, frozen=True):
    """What network and file got wrong of a test set."""

    data: str
    seen: int
    eager_top1_errors: int
    top1_errors: int
    top5_errors: int

    @property
    def top1_error(self) -> float:
        """Percent."""
        return 100 * self.top1_errors / self.seen


class Report(Struct, frozen=True):
    """All that was compared."""

    compared_on: str
    batches: tuple[Batch, ...]
    largest_difference: float
    agreement: float  # percent, over all pictures
    test: Errors | None = None


def pictures(how: Preprocessing, test: Pictured | None) -> tuple[Tensor, str]:
    """As many as the batches take, N x size x size x 3 uint8, and what they are."""
    count = sum(BATCHES)
    if test is not None:
        pixels = views(test, slice(0, min(count, len(test))), how)
        repeats = -(-count // len(pixels))
        return pixels.repeat(repeats, 1, 1, 1)[:count], f"{len(pixels)} pictures of {test.name}"
    shown = digits.images("test").pixels[: count // 2]
    small = np.stack([centre_view(Image.fromarray(picture), how) for picture in shown])
    noise = np.random.default_rng(0).integers(
        0, 256, (count - len(small), how.size, how.size, 3), dtype=np.uint8
    )
    mixed = np.empty((count, how.size, how.size, 3), np.uint8)
    mixed[0::2], mixed[1::2] = small, noise
    return torch.from_numpy(mixed), f"{len(small)} bundled digits and {len(noise)} of seeded noise"


@torch.inference_mode()
def compared(
    network: ResNet, run: Run, takes: Takes, precision: str, test: Pictured | None
) -> Report:
    """The comparison; raises where the file is not the network."""
    pixels, told = pictures(carded(network).preprocessing, test)
    batches, at = [], 0
    for size in BATCHES:
        some, at = pixels[at : at + size], at + size
        with evaluating(network):
            eager = network(given(some, network, "normalised"))
        batches.append(_batch(eager, run(given(some, network, takes)), precision))
    agreeing = sum(batch.agreement * batch.batch for batch in batches) / sum(BATCHES)
    if agreeing < 100 * ALLOWED[precision][1]:
        raise Failed(
            f"The exported network and the network itself agree on {agreeing:.1f} % of {told}: the"
            " file was not kept."
        )
    return Report(told, tuple(batches), max(b.largest_difference for b in batches), agreeing)


def _batch(eager: Tensor, answer: Tensor, precision: str) -> Batch:
    if answer.shape != eager.shape or not bool(answer.isfinite().all()):
        raise Failed(
            f"The exported network gives {tuple(answer.shape)} for a batch of {len(eager)}, or"
            " numbers that are not finite: the file was not kept."
        )
    largest = float((answer - eager).abs().max())
    relative = largest / max(float(eager.abs().max()), 1e-30)
    if relative > ALLOWED[precision][0]:
        raise Failed(
            f"The exported network answers otherwise at batch {len(eager)}, by {relative:.1e} of"
            " the largest logit: the file was not kept."
        )
    same = (eager.argmax(1) == answer.argmax(1)).double().mean()
    return Batch(len(eager), largest, relative, 100 * float(same))


def tested(network: ResNet, exported: Any, test: Pictured, batch: int = 250) -> Errors:
    """Errors of both on all pictures of a test set; `exported` is a module with a card."""
    found: list[Tally] = []
    for one in (network, exported):
        how = carded(one).preprocessing
        found.append(total(scores(one, how, one.mean_image, test, batch), test))
    eager, ours = found
    return Errors(test.name, ours.seen, eager.top1, ours.top1, ours.top5)

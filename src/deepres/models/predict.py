"""Pictures in, class names with probabilities out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from .pictures import Picture, normalised, views

if TYPE_CHECKING:
    from .resnet import ResNet


@torch.inference_mode()
def predict(
    self: "ResNet", pictures: Picture | Sequence[Picture], top: int = 5, batch: int = 64
) -> list[list[tuple[str, float]]]:
    """The `top` classes of each picture with their probabilities, best first.

    Pictures are paths, PIL images or uint8 arrays (H x W x 3; N x H x W x 3 for several). The
    network answers in evaluation mode whatever mode it is in.
    """
    if self.card is None:
        raise UserError(
            "This network has no card, so nothing says how its pictures are prepared:"
            " deepres.load gives networks that have one."
        )
    if isinstance(pictures, np.ndarray) and pictures.ndim == 4:
        pictures = list(pictures)
    if isinstance(pictures, str) or not isinstance(pictures, Sequence):
        pictures = [pictures]
    training = self.training
    self.eval()
    try:
        answers = []
        for start in range(0, len(pictures), batch):
            pixels = views(pictures[start : start + batch], self.card.preprocessing)
            logits = self(normalised(pixels, self.card.preprocessing, self.mean_image))
            answers += named(logits, self.card.classes, top)
    finally:
        self.train(training)
    return answers


def named(logits: Tensor, classes: Sequence[str] | None, top: int) -> list[list[tuple[str, float]]]:
    """Logits to (name, probability), best first; equal logits in the order of the classes."""
    order = logits.argsort(dim=1, descending=True, stable=True)[:, :top]
    probabilities = logits.double().softmax(1).gather(1, order)
    names = classes or [str(n) for n in range(logits.shape[1])]
    return [
        [(names[c], p) for c, p in zip(row, chances, strict=True)]
        for row, chances in zip(order.tolist(), probabilities.tolist(), strict=True)
    ]

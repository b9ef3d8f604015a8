"""Pictures in, class names with probabilities out: a few at once, or any number in a stream."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..card import Card
from ..data.gallery.decode import direct
from ..errors import UserError
from .pictures import PIXELS_AT_MOST, Picture, centre_view, opened
from .pixels import normalised, views
from .ranked import Guess, named

Named = tuple[str, Picture | UserError]  # what it is called, and it or why it is not there
Logits = Callable[[Tensor], Tensor]  # N x size x size x 3 uint8 -> N x classes
JPEG = b"\xff\xd8"
FULL_SCALE = 1 << 30  # a shorter side that no picture has: decode none smaller than it is
AHEAD = 2  # batches that are decoded while one is computed


class Trained(Protocol):
    """What predicts: our network, or an exported file of one."""

    card: Card | None
    mean_image: Tensor | None
    training: bool

    def __call__(self, x: Tensor) -> Tensor: ...

    def train(self, mode: bool = True) -> Any: ...


class Answer(NamedTuple):
    """The guesses for one picture, best first; or why it could not be read."""

    name: str
    guesses: list[Guess]
    problem: str = ""


def predict(
    self: Trained, pictures: Picture | Sequence[Picture], top: int = 5, batch: int = 64
) -> list[list[Guess]]:
    """The `top` classes of each picture with their probabilities, best first.

    Pictures are paths, PIL images, a picture file's bytes or uint8 arrays (H x W x 3;
    N x H x W x 3 for several). The network answers in evaluation mode whatever mode it is in.
    """
    several, logits = listed(pictures), logits_of(self)
    classes = carded(self).classes
    answers = []
    with torch.inference_mode():
        for start in range(0, len(several), batch):
            pixels = views(several[start : start + batch], carded(self).preprocessing)
            answers += named(logits(pixels), classes, top)
    return answers


def listed(pictures: Picture | Sequence[Picture]) -> Sequence[Picture]:
    """Several pictures, where one or an array of several may have been given."""
    if isinstance(pictures, np.ndarray) and pictures.ndim == 4:
        return list(pictures)
    if isinstance(pictures, str | bytes | PathLike | Image.Image | np.ndarray):
        return [pictures]
    return pictures


def prepared(network: Trained, pictures: Picture | Sequence[Picture]) -> Tensor:
    """What `forward` takes: N x 3 x H x W, normalised as the network's card says."""
    how = carded(network).preprocessing
    return normalised(views(listed(pictures), how), how, network.mean_image)


def carded(network: Trained) -> Card:
    """The card of a network that has one."""
    if network.card is None:
        raise UserError(
            "This network has no card, so nothing says how its pictures are prepared:"
            " deepres.load gives networks that have one."
        )
    return network.card


def logits_of(network: Trained) -> Logits:
    """From pixels of the card's size to logits: what a server or a stream calls for each batch."""
    how = carded(network).preprocessing

    @torch.inference_mode()
    def logits(pixels: Tensor) -> Tensor:
        with evaluating(network):
            return network(normalised(pixels, how, network.mean_image))

    return logits


@contextmanager
def evaluating(network: Trained) -> Iterator[None]:
    """The network in evaluation mode for as long as this is entered."""
    training = network.training
    if training:
        network.train(False)
    try:
        yield
    finally:
        if training:
            network.train(True)


def answers(
    logits: Logits, card: Card, pictures: Iterable[Named], top: int, batch: int, workers: int
) -> Iterator[Answer]:
    """An answer for each picture in the order given, a batch at a time; bad ones go by."""
    stream = decoded(pictures, card, workers, AHEAD * batch + workers)
    waiting: list[tuple[str, np.ndarray | UserError]] = []
    good = 0
    for name, view in stream:
        waiting.append((name, view))
        good += isinstance(view, np.ndarray)
        if good == batch:
            yield from _batch(logits, card, waiting, top)
            waiting, good = [], 0
        elif not good:  # nothing before it waits for a network
            yield from _batch(logits, card, waiting, top)
            waiting = []
    yield from _batch(logits, card, waiting, top)


def _batch(
    logits: Logits, card: Card, waiting: list[tuple[str, np.ndarray | UserError]], top: int
) -> Iterator[Answer]:
    good = [view for _, view in waiting if isinstance(view, np.ndarray)]
    guesses = iter(
        named(logits(torch.from_numpy(np.stack(good))), card.classes, top) if good else []
    )
    for name, view in waiting:
        if isinstance(view, UserError):
            yield Answer(name, [], str(view))
        else:
            yield Answer(name, next(guesses))


def decoded(
    pictures: Iterable[Named], card: Card, workers: int, ahead: int
) -> Iterator[tuple[str, np.ndarray | UserError]]:
    """Each picture's view in the order given, or what is wrong with it in its place.

    Threads decode, since Pillow lets others work meanwhile; no more than `ahead` pictures are held.
    """
    waiting: deque[tuple[str, Future[np.ndarray | UserError]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for name, picture in pictures:
                waiting.append((name, pool.submit(_view, name, picture, card)))
                if len(waiting) >= ahead:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _view(name: str, picture: Picture | UserError, card: Card) -> np.ndarray | UserError:
    if isinstance(picture, UserError):
        return picture
    try:
        return centre_view(read(name, picture), card.preprocessing, name)
    except UserError as error:
        return error


def read(name: str, picture: Picture, pixels: int = PIXELS_AT_MOST) -> Image.Image:
    """As `opened` reads it; a JPEG by the loader's decoder: the same in two thirds of the time."""
    if not isinstance(picture, Image.Image | np.ndarray) and (content := _jpeg(picture)):
        quick = direct(content, FULL_SCALE, pixels)
        return opened(content, name, pixels) if quick is None else Image.fromarray(quick)
    return opened(picture, name, pixels)


def _jpeg(picture: str | PathLike[str] | bytes) -> bytes:
    """A JPEG file's content; nothing where it is something else, or cannot be read."""
    if isinstance(picture, bytes):
        return picture if picture.startswith(JPEG) else b""
    try:
        with Path(picture).open("rb") as file:
            head = file.read(len(JPEG))
            return head + file.read() if head == JPEG else b""
    except OSError:
        return b""

"""Single pictures of a gallery as a test sees them: the pixels that `predict` sees too."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from PIL import Image

from ...card import Preprocessing
from ...errors import UserError
from ...models.pictures import BadPicture, centre_view
from .decode import fast
from .listed import Gallery

FULL_SCALE = 1 << 30  # no shorter side is as long
Made = TypeVar("Made")


def each(make: Callable[[int], Made], indices: Iterable[int]) -> list[Made]:
    """One thing for each index, in order; decoders let others run meanwhile, so threads do."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(make, indices))


def opened_at(images: Gallery, index: int) -> np.ndarray:
    """A whole picture, upright, H x W x 3 uint8."""
    try:
        return fast(images.read(index), FULL_SCALE)
    except (BadPicture, OSError) as error:
        raise bad(images.called(index), error) from None


def view(images: Gallery, index: int, how: Preprocessing) -> np.ndarray:
    """The centre view, size x size x 3 uint8."""
    return centre_view(Image.fromarray(opened_at(images, index)), how, images.called(index))


def bad(name: str, error: Exception) -> UserError:
    """A picture that stops whatever wanted it."""
    reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return UserError(
        f"{name} {'cannot be read: ' if isinstance(error, OSError) else ''}{reason}; `deepres data"
        " check` names every such file, --skip-bad trains without them."
    )

"""From encoded pictures to a network's views, decoded by a few threads."""

import numpy as np

from ..card import Preprocessing
from ..errors import UserError
from ..models.pictures import centre_view
from ..models.predict import read
from .fault import Fault


def view(content: bytes, name: str, how: Preprocessing, pixels: int) -> np.ndarray:
    """size x size x 3 uint8 of one picture; 422 with what is wrong with it."""
    if not content:
        raise Fault(422, f"{name} is empty.")
    try:
        return centre_view(read(name, content, pixels), how, name)
    except UserError as error:
        raise Fault(422, str(error)) from None


def called(index: int, count: int) -> str:
    """A picture's name in a sentence: clients' own names of files are not repeated."""
    return f"Picture {index + 1}" if count > 1 else "The picture"

"""The page and its examples, by address: read once, so that no address reaches the disk."""

import io
from importlib.resources import files
from typing import NamedTuple

from PIL import Image

from ..data import digits

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
}
DIGITS = {"three": 3, "eight": 8}  # examples of the embedded test set


class File(NamedTuple):
    """What is sent."""

    kind: str
    content: bytes


def page() -> dict[str, File]:
    """Every file of the page."""
    folder = files("deepres.serve") / "page"
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    found |= {f"digit-{name}.png": _digit(label) for name, label in DIGITS.items()}
    kinds = {name: TYPES[name.rpartition(".")[2]] for name in found}
    return {
        "/" if name == "index.html" else f"/page/{name}": File(kinds[name], content)
        for name, content in sorted(found.items())
    }


def _digit(label: int) -> bytes:
    images = digits.images("test")
    first = list(images.labels).index(label)
    file = io.BytesIO()
    Image.fromarray(images.pixels[first]).resize((64, 64), Image.Resampling.BICUBIC).save(
        file, "PNG"
    )
    return file.getvalue()

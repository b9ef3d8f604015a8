"""`hub:NAME_OR_PATH`: a data set of Hugging Face's `datasets`, mapped into memory and not listed.

Only columns of numbers are gone through at the start: the labels and how long each picture is.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...errors import UserError
from ...home import at_home
from ...models.pictures import BadPicture
from .listed import Gallery, gallery
from .named import PARTS, meant, no_class, shown

Download = Literal["never", "missing"]


@dataclass(frozen=True)
class Rows:
    """The encoded pictures of a table's column."""

    table: Any  # datasets.Dataset; its pickle names the mapped files, not their content
    column: str
    name: str

    def read(self, place: int) -> bytes:
        """The picture as it is stored; one that is only named is read from its file."""
        cell = self._cell(place)
        if cell.get("bytes") is not None:
            return cell["bytes"]
        if cell.get("path") is None:
            raise BadPicture("is an empty cell: it has no picture")
        return Path(cell["path"]).read_bytes()

    def called(self, place: int) -> str:
        """Its row, and the file it once was."""
        path = self._cell(place).get("path")
        return shown(f"row {place} of {self.name}" + (f" ({path})" if path else ""))

    def _cell(self, place: int) -> dict[str, Any]:
        return self.table[place][self.column] or {}


def hub(name: str, split: str, download: Download = "never") -> Gallery:
    """One split of a data set: in a folder, or by its name on the hub."""
    table = _split(_loaded(name, download), name, split)
    pictures, labels = _columns(table, name)
    if not len(table):
        raise UserError(f"hub:{name} has no picture in {split}.")
    classes = tuple(table.features[labels].names)
    if wrong := next(filter(None, (no_class(f"hub:{name}", label) for label in classes)), ""):
        raise UserError(wrong)
    numbers = table.data.column(labels).fill_null(-1).to_numpy().astype(np.int64)
    if not 0 <= numbers.min() <= numbers.max() < len(classes):
        raise UserError(f"hub:{name} has pictures without a label in {split}: it cannot be used.")
    store = Rows(_encoded(table, pictures), pictures, f"hub:{name}")
    lengths = _lengths(table.data.column(pictures))
    return gallery("hub " + split, store, numbers, classes, lengths.tobytes())


def _loaded(name: str, download: Download) -> Any:
    """The data set as the library knows it; nothing is asked of the network unless told so."""
    try:
        if download == "never":  # read when the library is imported
            os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import datasets
    except ImportError:
        raise UserError(
            "hub: needs the package datasets: `pip install deepres[hub]` installs it."
        ) from None
    path = at_home(name)
    if not path.exists() and (path.is_absolute() or name.startswith((".", "~"))):
        raise UserError(f"hub:{name}: there is no such folder.")
    with _quiet(datasets):
        try:
            if any((path / mark).is_file() for mark in ("dataset_dict.json", "state.json")):
                return datasets.load_from_disk(str(path))
            return datasets.load_dataset(str(path) if path.exists() else name)
        except IndexError:  # the library joins the tables of a split, and finds none
            raise UserError(f"hub:{name} cannot be read: a split of it has no rows.") from None
        except (OSError, ValueError, KeyError, datasets.exceptions.DatasetsError) as error:
            said = " ".join(str(error).split())[:200].rstrip(". ")
            if path.exists():
                raise UserError(f"hub:{name} cannot be read: {said}.") from None
            hint = "" if download == "missing" else "; --download fetches it"
            raise UserError(f"hub:{name} is not on this machine ({said}){hint}.") from None


@contextlib.contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Without bars: standard output and error are ours."""
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()


def _split(loaded: Any, name: str, split: str) -> Any:
    if not isinstance(loaded, dict):
        raise UserError(f"hub:{name} has no splits: save a train and a validation one.")
    for group in PARTS[split]:
        if found := meant(loaded, group, f"hub:{name}"):
            return loaded[found]
    wanted = " or ".join(word for group in PARTS[split] for word in group)
    raise UserError(f"hub:{name} has no split {wanted}, only {', '.join(loaded)}.")


def _columns(table: Any, name: str) -> tuple[str, str]:
    """The column of pictures and the one of labels, by their kinds."""
    kinds = {column: type(feature).__name__ for column, feature in table.features.items()}
    pictures = [column for column, kind in kinds.items() if kind == "Image"]
    labels = [column for column, kind in kinds.items() if kind == "ClassLabel"]
    preferred = [column for column in labels if column in ("label", "fine_label", "labels")]
    if len(pictures) != 1 or not labels or (len(labels) > 1 and not preferred):
        raise UserError(
            f"hub:{name} has the columns {kinds}; what is needed is one of Image and one of"
            " ClassLabel."
        )
    return pictures[0], (preferred or labels)[0]


def _encoded(table: Any, column: str) -> Any:
    from datasets import Image

    return table.cast_column(column, Image(decode=False))


def _lengths(column: Any) -> np.ndarray:
    """How many bytes each picture has, from the table's offsets alone."""
    import pyarrow.compute

    lengths = pyarrow.compute.binary_length(pyarrow.compute.struct_field(column, "bytes"))
    return lengths.fill_null(-1).to_numpy().astype("<i8")

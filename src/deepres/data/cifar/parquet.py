"""The hub's parquet layout: encoded pictures and labels in columns, not in the official order."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from .decode import BadPicture, decoded
from .facts import BOTH, Damaged, Facts

IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMNS = {"cifar10": ("label", "labels"), "cifar100": ("fine_label", "label")}


def files(folder: Path, split: str) -> list[Path]:
    """The files of a split as the hub names them: `train-00000-of-00003.parquet` and its kin."""
    return sorted(
        path
        for pattern in (f"{split}-*.parquet", f"{split}.parquet", f"{split}/*.parquet")
        for path in folder.glob(pattern)
        if path.is_file()
    )


def missing(paths: Iterable[Path]) -> list[str]:
    """Names that `-00001-of-00003` promises and that are not there."""
    names = {path.name for path in paths}
    absent = []
    for name in sorted(names):
        stem, of, count = name.removesuffix(".parquet").rpartition("-of-")
        first, _, _ = stem.rpartition("-")
        if of and count.isdigit() and len(count) <= 5:
            promised = (f"{first}-{n:05}-of-{count}.parquet" for n in range(int(count)))
            absent += [other for other in promised if other not in names]
    return sorted(set(absent))


def data_set(paths: Sequence[Path]) -> Facts | None:
    """Which data set files hold: the first that can be read tells, by columns and class names."""
    parquet, damage = _parquet(), ""
    for path in paths:
        try:
            schema = parquet.read_schema(path)
        except (OSError, ValueError) as error:
            damage = damage or f"{path} is not a whole parquet file ({str(error)[:80]})."
            continue
        return _by_columns(schema)
    raise UserError(damage)


def _by_columns(schema: Any) -> Facts | None:
    if not set(IMAGE_COLUMNS) & set(schema.names):
        return None
    for facts in (BOTH["cifar100"], BOTH["cifar10"]):
        for label in LABEL_COLUMNS[facts.name]:
            names = _class_names(schema, label)
            if label in schema.names and (
                (names is None and label == LABEL_COLUMNS[facts.name][0])
                or (names is not None and _about(facts, names))
            ):
                return facts
    return None


def decode(facts: Facts, split: str, raw: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Pixels N x 32 x 32 x 3 and labels of one file, in its own order."""
    parquet = _parquet()
    import pyarrow

    try:
        table = parquet.ParquetFile(pyarrow.BufferReader(raw))
        image = _column(table.schema_arrow, IMAGE_COLUMNS)
        label = _column(table.schema_arrow, LABEL_COLUMNS[facts.name])
        if moved := _moved(facts, _class_names(table.schema_arrow, label)):
            raise Damaged(
                f"counts its classes otherwise: {moved} is not where {facts.title} has it"
            )
        if table.metadata.num_rows > facts.images[split]:
            raise Damaged(f"has {table.metadata.num_rows:,} rows, over {facts.images[split]:,}")
        columns = table.read(columns=[image, label])
    except (OSError, pyarrow.ArrowException) as error:
        raise Damaged(f"is not a whole parquet file ({str(error)[:80]})") from None
    labels = columns[label].to_pylist()
    if wrong := [n for n in labels if type(n) is not int or not 0 <= n < len(facts.classes)]:
        raise Damaged(f"holds a label {wrong[0]!r:.20}, not 0 to {len(facts.classes) - 1}")
    try:
        pixels = decoded([_encoded(entry) for entry in columns[image].to_pylist()])
    except BadPicture as error:
        raise Damaged(f"holds in row {error.index:,} no picture: {str(error)[:80]}") from None
    return pixels, np.array(labels, dtype=np.int64)


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            "Reading parquet files needs pyarrow: pip install 'deepres[parquet]'."
        ) from None
    return pyarrow.parquet


def _column(schema: Any, names: tuple[str, ...]) -> str:
    found = [name for name in names if name in schema.names]
    if not found:
        raise Damaged(
            f"has the columns {', '.join(schema.names)[:80]}, but no {' or '.join(names)}"
        )
    return found[0]


def _encoded(entry: object) -> bytes:
    """The bytes of a picture, bare or as the hub wraps them; b"" (no picture) for all else."""
    data = entry.get("bytes") if isinstance(entry, dict) else entry
    return data if isinstance(data, bytes) else b""


def _class_names(schema: Any, label: str) -> list[str] | None:
    """The names that the hub writes beside a column, where it did."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None


def _about(facts: Facts, names: Sequence[str]) -> bool:
    """Most names, not all: the hub's CIFAR-100 writes crab as "cra"."""
    known = set(facts.classes) & set(names)
    return len(names) == len(facts.classes) and 2 * len(known) > len(names)


def _moved(facts: Facts, names: Sequence[str] | None) -> str | None:
    """A class whose label is another one than the official."""
    for index, name in enumerate(names or ()):
        if name in facts.classes and facts.classes.index(name) != index:
            return name
    return None

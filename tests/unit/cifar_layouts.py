"""Small CIFAR data sets in every layout, written without the code that reads them."""

import io
import json
import struct
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from deepres.data.cifar.facts import CIFAR10, CIFAR100, Facts

SMALL10 = CIFAR10.with_images(train=50, test=20)
SMALL100 = CIFAR100.with_images(train=200, test=100)
FOLDERS = {
    ("cifar10", "python"): "cifar-10-batches-py",
    ("cifar10", "binary"): "cifar-10-batches-bin",
    ("cifar100", "python"): "cifar-100-python",
    ("cifar100", "binary"): "cifar-100-binary",
}


def sample(facts: Facts, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Noise with balanced labels in a shuffled order."""
    draw = np.random.default_rng(len(facts.classes) + len(split))
    count = facts.images[split]
    pixels = draw.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return pixels, draw.permutation(np.arange(count) % len(facts.classes))


def batches(facts, split, pixels, labels):
    """(file name, pixels, labels) of each official file."""
    names = {
        ("cifar10", "train"): [f"data_batch_{n}" for n in (1, 2, 3, 4, 5)],
        ("cifar10", "test"): ["test_batch"],
        ("cifar100", "train"): ["train"],
        ("cifar100", "test"): ["test"],
    }[facts.name, split]
    each = len(labels) // len(names)
    for n, name in enumerate(names):
        yield name, pixels[n * each : (n + 1) * each], labels[n * each : (n + 1) * each]


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.stack([pixels[..., c].reshape(len(pixels), -1) for c in range(3)], 1).reshape(
        len(pixels), -1
    )


def python2_pickle(facts: Facts, pixels: np.ndarray, labels: np.ndarray, fortran=False) -> bytes:
    """The operations that Python 2's cPickle wrote into the official files, one by one."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    def number(n: int) -> bytes:
        return b"K" + bytes([n]) if n < 256 else b"J" + struct.pack("<i", n)

    def some(values) -> bytes:
        return b"]q\x02(" + b"".join(number(int(v)) for v in values) + b"e"

    rows = planes(pixels)
    raw = (rows.T if fortran else rows).tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04"
        + (number(0) + b"\x85" + text(b"b") + b"\x87R")
        + (b"(" + number(1) + number(len(rows)) + number(3072) + b"\x86")
        + (b"cnumpy\ndtype\nq\x05" + text(b"u1") + number(0) + number(1) + b"\x87R")
        + (b"(" + number(3) + text(b"|") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + number(0) + b"tb")
        + (b"\x88" if fortran else b"\x89")
        + (b"T" + struct.pack("<i", len(raw)) + raw + b"tb")
    )
    names = b"](" + b"".join(text(b"picture_s_%06d.png" % n) for n in range(len(rows))) + b"e"
    entries = text(b"batch_label") + text(b"training batch") + text(b"data") + array
    if facts.name == "cifar10":
        entries += text(b"labels") + some(labels)
    else:
        entries += text(b"fine_labels") + some(labels)
        entries += text(b"coarse_labels") + some(labels // 5)
    return b"\x80\x02}q\x01(" + entries + text(b"filenames") + names + b"u."


def binary(facts: Facts, pixels: np.ndarray, labels: np.ndarray) -> bytes:
    records = []
    for picture, label in zip(planes(pixels), labels.tolist(), strict=True):
        head = bytes([label]) if facts.name == "cifar10" else bytes([label // 5, label])
        records.append(head + picture.tobytes())
    return b"".join(records)


def write_official(folder: Path, layout: str, facts: Facts, **how) -> Path:
    """The extracted folder of an official archive."""
    inner = folder / FOLDERS[facts.name, layout]
    inner.mkdir(parents=True)
    for split in ("train", "test"):
        for name, pixels, labels in batches(facts, split, *sample(facts, split)):
            if layout == "python":
                (inner / name).write_bytes(python2_pickle(facts, pixels, labels, **how))
            else:
                (inner / f"{name}.bin").write_bytes(binary(facts, pixels, labels))
    (inner / "readme.html").write_text("<p>not a batch</p>")
    return inner


def write_archive(folder: Path, layout: str, facts: Facts) -> Path:
    """An official archive, its members in another order than the batches."""
    inner = write_official(folder / "aside", layout, facts)
    name = inner.name.removesuffix("-py").removesuffix("-bin").removesuffix("-batches")
    name = name.removesuffix("-python").removesuffix("-binary")
    archive = folder / f"{name}-{layout}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(inner, inner.name, recursive=False)
        for path in sorted(inner.iterdir(), reverse=True):
            tar.add(path, f"{inner.name}/{path.name}")
    return archive


def encoded(picture: np.ndarray, form: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, form, **({"lossless": True} if form == "WEBP" else {}))
    return out.getvalue()


def write_parquet(
    folder: Path,
    facts: Facts,
    *,
    parts: int = 3,
    form: str = "PNG",
    wrapped: bool = True,
    image: str = "img",
    names: bool = True,
) -> Path:
    """The hub's layout: rows in another order, several files a split."""
    import pyarrow
    import pyarrow.parquet

    folder.mkdir(parents=True, exist_ok=True)
    label = "label" if facts.name == "cifar10" else "fine_label"
    for split in ("train", "test"):
        pixels, labels = sample(facts, split)
        order = np.random.default_rng(9).permutation(len(labels))
        for part, rows in enumerate(np.array_split(order, parts)):
            pictures = [encoded(pixels[n], form) for n in rows]
            columns = {
                image: [{"bytes": p, "path": None} for p in pictures] if wrapped else pictures,
                label: labels[rows].tolist(),
            }
            table = pyarrow.table(columns)
            if names:
                features = {label: {"names": list(facts.classes), "_type": "ClassLabel"}}
                metadata = {"huggingface": json.dumps({"info": {"features": features}})}
                table = table.replace_schema_metadata(metadata)
            name = f"{split}-{part:05}-of-{parts:05}.parquet"
            pyarrow.parquet.write_table(table, folder / name)
    return folder

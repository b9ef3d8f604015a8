"""Decoded data sets among the user's caches: quick to read, and never believed unseen.

A file holds a digest of its header, the header, labels and pixels; the header holds digests of
the rest. Files are written aside and renamed, so that any number of processes may read and write
at once; the worst is work done twice. Whatever is wrong with a file, it is made anew.
"""

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs

from .images import Images

SCHEMA = 1  # in the key: a new form of file, or of the canonical order, starts anew
BYTES_AT_MOST = 2_000_000_000  # all files together; CIFAR-10 takes 185 MB
PIECE = 16_000_000  # bytes under one digest: pieces are checked in parallel
SUFFIX = ".images"

log = logging.getLogger("deepres")


class Spoiled(ValueError):
    """A cache file that is not as it was written."""


def folder() -> Path:
    """Where the caches are: DEEPRES_CACHE, else where the system keeps a user's caches."""
    named = os.environ.get("DEEPRES_CACHE")
    return (Path(named) if named else platformdirs.user_cache_path("deepres")) / "images"


def kept(purpose: str, sources: Sequence[Path], make: Callable[[], Images]) -> Images:
    """What `make` gives, from the cache if the source files have not changed since."""
    state = _state(purpose, sources)
    path = folder() / f"{purpose.replace(' ', '-')}-{state[:24]}{SUFFIX}"
    try:
        return loaded(path, state)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (Spoiled, OSError) as error:
        log.warning("The cache %s is damaged (%s): it is made anew.", path, error)
    images = make()
    if _state(purpose, sources) == state:  # else a file changed while it was read
        try:
            store(path, images, state)
            _bound(path)
        except OSError as error:
            reason = error.strerror or error
            log.warning("The cache %s cannot be written (%s); nothing else is lost.", path, reason)
    return images


def _state(purpose: str, sources: Sequence[Path]) -> str:
    """A digest of what the files are called, how long they are and when they were changed."""
    files = [(str(path.resolve()), path.stat()) for path in sources]
    facts = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in files]
    return hashlib.sha256(json.dumps([SCHEMA, purpose, facts]).encode()).hexdigest()


def store(path: Path, images: Images, state: str) -> None:
    """Writes one file aside and renames it: it is there whole or not at all."""
    labels = np.ascontiguousarray(images.labels, dtype="<i8")
    pixels = np.ascontiguousarray(images.pixels)
    header = json.dumps(
        {
            "state": state,
            "name": images.name,
            "classes": images.classes,
            "digest": images.digest,
            "shape": pixels.shape,
            "pieces": _digests(labels) + _digests(pixels),
        }
    ).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(header).digest() + len(header).to_bytes(8, "little"))
            file.write(header)
            file.write(labels.data)
            file.write(pixels.data)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def loaded(path: Path, state: str) -> Images:
    """The images of one file, every byte compared with its digest; `Spoiled` if one differs."""
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size - 40
        digest, length = file.read(32), int.from_bytes(file.read(8), "little")
        header = file.read(min(length, max(left, 0)))
        if hashlib.sha256(header).digest() != digest:
            raise Spoiled("its header differs")
        about = json.loads(header)
        shape = tuple(about["shape"])
        if about["state"] != state or left != length + 8 * shape[0] + int(np.prod(shape)):
            raise Spoiled("its length or its source differs")
        labels = np.fromfile(file, "<i8", shape[0])
        pixels = np.fromfile(file, np.uint8).reshape(shape)
    if _digests(labels) + _digests(pixels) != about["pieces"]:
        raise Spoiled("its content differs")
    with suppress(OSError):  # read-only caches are good caches
        os.utime(path)
    labels = labels.astype(np.int64, copy=False)
    return Images(about["name"], pixels, labels, tuple(about["classes"]), about["digest"])


def _digests(array: np.ndarray) -> list[str]:
    whole = array.data.cast("B")
    pieces = [whole[start : start + PIECE] for start in range(0, len(whole), PIECE)]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda piece: hashlib.sha256(piece).hexdigest(), pieces))


def _bound(newest: Path) -> None:
    """Deletes what was used longest ago, and what writers left that died, until all is small."""
    files = []
    for path in newest.parent.iterdir():
        with suppress(FileNotFoundError):  # another process tidies too
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for used, size, path in sorted(files):
        abandoned = path.suffix == ".part" and time.time() - used > 86_400
        surplus = total > BYTES_AT_MOST and path.suffix == SUFFIX and path != newest
        if abandoned or surplus:
            path.unlink(missing_ok=True)
            total -= size

"""CIFAR-10 and CIFAR-100 from any layout, verified, in one canonical order."""

import hashlib
from pathlib import Path

import numpy as np

from ...errors import UserError
from .. import cache
from ..images import Images, canonical
from .facts import Damaged, Facts
from .files import DECODE, Found, contents, found_in


def located(path: Path, wanted: Facts | None) -> Found:
    """The data set at a path: the wanted one, or the only one that is there."""
    if not path.exists():
        name = wanted.name if wanted else "cifar10"
        raise UserError(
            f"{path}: there is no such file or folder; `deepres data fetch {name} --to {path}`"
            f" puts {name} there."
        )
    found = found_in(path)
    held = {each.facts.name: each.facts for each in reversed(found)}
    if wanted is None and len(held) == 1:
        return found[0]
    if wanted is None and held:
        raise UserError(f"{path} holds {' and '.join(held)}: write cifar10:{path} or the other.")
    for each in found:
        if wanted and each.facts.name == wanted.name:
            return each
    if wanted and held:
        other = next(iter(held.values()))
        raise UserError(
            f"{path} holds {other.title}, not {wanted.title}: write {other.name}:{path}."
        )
    title, names = (wanted.title, [wanted.name]) if wanted else ("CIFAR", ["cifar10", "cifar100"])
    raise UserError(
        f"{path} holds no {title}: looked there and one folder below for the official batches"
        f" (python or binary), their archives and parquet files;"
        f" `deepres data fetch {' or '.join(names)}` fetches it."
    )


def read(found: Found, split: str) -> Images:
    """The images of a split, from the cache where the files are as they were; else verified."""
    facts = found.facts
    purpose = f"{facts.name} {split} {found.layout} {facts.images[split]}"
    return cache.kept(purpose, found.sources(split), lambda: verified(found, split))


def verified(found: Found, split: str) -> Images:
    """The images of a split, read from their files; whatever is wrong with them is an error."""
    images, problems = examined(found, split)
    if images is None or problems:
        more = f" ({len(problems) - 1} more: `deepres data check`)" if len(problems) > 1 else ""
        raise UserError(problems[0] + more)
    return images


def examined(found: Found, split: str) -> tuple[Images | None, list[str]]:
    """The images of a split, and a sentence for each thing that is wrong; None if one is unread."""
    facts, problems, parts = found.facts, [], []
    for name, content in contents(found, split):
        try:
            if isinstance(content, Damaged):
                raise content
            parts.append(DECODE[found.layout](facts, split, content))
        except Damaged as error:
            place = f"{name} in {found.where}" if found.archived else str(found.where / name)
            problems.append(f"{place} {error}: {_again(facts)}")
    if problems:
        return None, problems
    pixels = np.concatenate([part[0] for part in parts])
    labels = np.concatenate([part[1] for part in parts])
    images = canonical(f"{facts.name} {split}", pixels, labels, facts.classes)
    return images, _wrong(found, split, images)


def _wrong(found: Found, split: str, images: Images) -> list[str]:
    """Counts first; a digest only of what has the right counts."""
    facts, problems = found.facts, []
    if len(images) != facts.images[split]:
        problems.append(f"{len(images):,} images, not {facts.images[split]:,}")
    each, rest = divmod(facts.images[split], len(facts.classes))
    counts = np.bincount(images.labels, minlength=len(facts.classes))
    if not problems and not rest:
        problems += [
            f"{count:,} images of class {name}, not {each:,}"
            for name, count in zip(facts.classes, counts.tolist(), strict=True)
            if count != each
        ]
    known = facts.digests.get(split)
    if not problems and known not in (None, images.digest):
        suspects = _not_official(found, split)
        where = f"; not the official bytes: {', '.join(suspects)}" if suspects else ""
        problems.append(f"pixels or labels that are not the official ones{where}")
    return [f"{found.where} ({split}) has {what}: {_again(facts)}" for what in problems]


def _not_official(found: Found, split: str) -> list[str]:
    """Python files whose MD5 differs from the official one."""
    if found.layout != "python":
        return []
    return [
        name
        for name, content in contents(found, split)
        if isinstance(content, bytes) and _md5(content) != found.facts.md5.get(name)
    ]


def official_files(found: Found, split: str) -> bool:
    """Whether each file of a split is the official one, byte for byte; python layout only."""
    return found.layout == "python" and not _not_official(found, split)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _again(facts: Facts) -> str:
    return f"fetch it again with `deepres data fetch {facts.name}`."

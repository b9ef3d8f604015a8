"""Unpacking an archive into a folder that nothing of it can leave."""

import shutil
import tempfile
from pathlib import Path

from . import tars


def extracted(archive: Path, folder: Path, limit: int) -> list[Path]:
    """Unpacks beside and renames: each top-level entry appears whole or, on any error, not at all.

    Only plain files are written, by us, under names that have been checked; links and devices are
    refused before one exists, so no later name can go through one.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as aside:
        for path, content in tars.files(archive, limit):
            target = Path(aside, *path.parts)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
            except (FileExistsError, NotADirectoryError):
                raise tars.Unsafe(f"holds {path} twice, or a file as a folder") from None
        return [_moved(entry, folder / entry.name) for entry in sorted(Path(aside).iterdir())]


def _moved(entry: Path, target: Path) -> Path:
    """Replaces what an earlier fetch left there."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    return entry.rename(target)

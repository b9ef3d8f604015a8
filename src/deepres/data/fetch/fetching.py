"""Fetching a CIFAR data set: downloaded, verified, unpacked, or found to be there already."""

from pathlib import Path

import filelock

from ...errors import UserError
from ..cifar import reading
from ..cifar.facts import BOTH, SPLITS, Damaged
from .download import FetchError, Note, Patience, downloaded, md5_of
from .extract import extracted
from .mirrors import UNPACKED_AT_MOST, addresses


def fetch(
    name: str, folder: Path, mirror: str | None, note: Note, patience: Patience | None = None
) -> None:
    """Puts a data set into a folder, extracted, unless it is there and right."""
    archive, urls = addresses(name, mirror)
    folder.mkdir(parents=True, exist_ok=True)
    by_hand = folder / archive.file
    try:
        with filelock.FileLock(folder / f".{archive.file}.lock", timeout=0):
            if _there(name, folder):
                note(f"{name} is in {folder} already, whole and right: nothing to fetch.")
            elif by_hand.is_file() and md5_of(by_hand) == archive.md5:
                note(f"{by_hand} is there and right: it is unpacked.")
                _unpacked(by_hand, folder)
            else:
                if by_hand.is_file():
                    note(f"{by_hand} is not the official archive: it is fetched anew.")
                path = downloaded(archive, urls, folder, note, patience or Patience())
                _unpacked(path, folder)
                path.unlink()
    except filelock.Timeout:
        raise UserError(f"Another `deepres data fetch` is writing to {folder}.") from None


def _there(name: str, folder: Path) -> bool:
    """Whether the extracted files are in the folder and nothing is wrong with them."""
    try:
        found = reading.located(folder, BOTH[name])
    except UserError:
        return False
    return not found.archived and not any(reading.examined(found, split)[1] for split in SPLITS)


def _unpacked(archive: Path, folder: Path) -> None:
    try:
        extracted(archive, folder, UNPACKED_AT_MOST)
    except Damaged as error:
        raise FetchError(f"{archive} {error}.") from None

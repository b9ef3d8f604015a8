"""One archive from several mirrors: resumed where it broke, its MD5 right or not there at all."""

import hashlib
import http.client
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ... import __version__
from ...errors import Failed
from .mirrors import Archive

Note = Callable[[str], None]
CHUNK = 1 << 18


class FetchError(Failed):
    """Why nothing was fetched and what to do by hand, in one sentence."""


class _Broken(Exception):
    """The connection failed; the same mirror may go on."""


class _Refused(Exception):
    """A mirror that is of no use, at once or after all patience."""


@dataclass(frozen=True)
class Patience:
    """How long to bear with a mirror before the next one."""

    silence: float = 30.0  # seconds without a byte
    breaks: int = 5  # in a row, each with less than a twentieth of the archive between
    pause: float = 1.0  # seconds after the first break, twice as many after each further one
    slow: float = 200_000.0  # bytes per second; the last mirror is borne at a hundredth of it
    window: float = 20.0  # seconds over which the pace is judged
    report: float = 5.0  # seconds between two lines of progress


@dataclass(frozen=True)
class _Task:
    """One mirror's part in completing the file aside."""

    archive: Archive
    url: str
    part: Path
    floor: float  # bytes per second
    note: Note
    patience: Patience

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0


def downloaded(
    archive: Archive, urls: Sequence[str], folder: Path, note: Note, patience: Patience
) -> Path:
    """The archive in a folder; what an earlier call got is gone on with, from any mirror."""
    part, reasons = folder / f"{archive.file}.part", []
    for number, url in enumerate(urls):
        last = number == len(urls) - 1
        floor = patience.slow / 100 if last else patience.slow
        task = _Task(archive, url, part, floor, note, patience)
        try:
            _verified(task)
        except _Refused as error:
            reasons.append(f"{task.host} {error}")
            note(f"{reasons[-1]}{'' if last else ': the next mirror is asked'}")
        else:
            return part.replace(folder / archive.file)
    raise FetchError(
        f"{archive.file} could not be fetched ({'; '.join(reasons)}): get it by other means, put it"
        f" into {folder} and run the same command again; its MD5 is {archive.md5}."
    )


def _verified(task: _Task) -> None:
    """Completes the part; if older bytes in it were wrong, once more from the start."""
    for resumed in (task.size > 0, False):
        _completed(task)
        md5 = md5_of(task.part)
        if md5 == task.archive.md5:
            return
        task.part.unlink()
        if not resumed:
            raise _Refused(f"serves something else (MD5 {md5}, not {task.archive.md5})")
        task.note(f"{task.part.name} is not the archive (MD5 {md5}): once more from the start")


def _completed(task: _Task) -> None:
    """Asks for the rest until the part is whole; a mirror that breaks too often is refused."""
    breaks, since = 0, task.size
    while task.size < task.archive.bytes:
        try:
            _continued(task)
        except _Broken as error:
            if task.size - since > task.archive.bytes // 20:
                breaks, since = 0, task.size
            breaks += 1
            if breaks > task.patience.breaks:
                raise _Refused(str(error)) from None
            task.note(f"{task.host} {error}: asked again")
            time.sleep(task.patience.pause * 2 ** (breaks - 1))


def _continued(task: _Task) -> None:
    """One answer, appended to the part as far as it goes."""
    have, whole = task.size, task.archive.bytes
    with _answer(task, have) as answer:
        start = _start(task.archive, answer, have)
        if start < have:
            task.note(f"{task.host} does not go on where it broke: from the start")
        pace = _Pace(task, start)
        with task.part.open("ab" if start else "wb") as file:
            while chunk := _chunk(answer):
                if file.tell() + len(chunk) > whole:
                    file.truncate(0)
                    raise _Refused(f"sends more than {whole:,} bytes")
                file.write(chunk)
                pace.reached(file.tell())
    if task.size < whole:
        raise _Broken(f"broke off after {task.size:,} of {whole:,} bytes")


def _answer(task: _Task, have: int) -> Any:
    headers = {"User-Agent": f"deepres/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        request = urllib.request.Request(task.url, headers=headers)
        return urllib.request.urlopen(request, timeout=task.patience.silence)
    except urllib.error.HTTPError as error:
        error.close()
        passing = error.code >= 500 or error.code in (408, 429)
        raise (_Broken if passing else _Refused)(f"answers {error.code} {error.reason}") from None
    except (http.client.InvalidURL, ValueError) as error:
        raise _Refused(f"is no address ({error})") from None
    except (http.client.HTTPException, OSError) as error:  # URLError is one of these
        reason = getattr(error, "reason", error)
        unknown = isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME
        said = "is a name that nobody knows here" if unknown else f"cannot be reached ({reason})"
        raise (_Refused if unknown else _Broken)(said) from None


def _start(archive: Archive, answer: Any, have: int) -> int:
    """Where the bytes of an answer belong; a file of another length is refused at once."""
    if answer.status == 206:
        span, _, total = answer.headers.get("Content-Range", "").partition("/")
        if total not in (str(archive.bytes), "*"):
            raise _Refused(f"serves a file of {total or 'unknown'} bytes, not {archive.bytes}")
        if span != f"bytes {have}-{archive.bytes - 1}":
            raise _Refused(f"answers with another range ({span})")
        return have
    length = answer.headers.get("Content-Length")
    if length not in (None, str(archive.bytes)):
        raise _Refused(f"serves a file of {length} bytes, not {archive.bytes}")
    return 0


def _chunk(answer: Any) -> bytes:
    try:
        return bytes(answer.read1(CHUNK))  # what has come, so that a trickle is seen as one
    except (http.client.HTTPException, OSError) as error:
        raise _Broken(f"broke off ({error or type(error).__name__})") from None


class _Pace:
    """Says how far a download is, and gives up a mirror that is too slow."""

    def __init__(self, task: _Task, start: int) -> None:
        self.task, self.start = task, start
        self.began = self.reported = self.judged = time.monotonic()
        self.judged_at = start

    def reached(self, size: int) -> None:
        task, now = self.task, time.monotonic()
        whole = task.archive.bytes
        if now - self.reported >= task.patience.report or size == whole:
            self.reported = now
            rate = (size - self.start) / max(now - self.began, 1e-6)
            task.note(
                f"{task.archive.file} from {task.host}: {size / 1e6:.1f} of {whole / 1e6:.1f} MB,"
                f" {rate / 1e6:.2f} MB/s, {(whole - size) / max(rate, 1.0):.0f} s left"
            )
        if now - self.judged >= task.patience.window:
            rate = (size - self.judged_at) / (now - self.judged)
            if rate < task.floor:
                raise _Refused(f"gives only {rate / 1e3:.1f} kB/s")
            self.judged, self.judged_at = now, size


def md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

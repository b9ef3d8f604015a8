"""Names as people have them: of the two parts of a data set, and of files, shown in one line."""

import unicodedata
from collections.abc import Iterable

from ...errors import UserError

# what a part is called, in any case of letters: the first that is there; those of a group mean one
TRAIN = (("train", "training"),)
TEST = (("validation", "valid", "val"), ("test",))
PARTS = {"train": TRAIN, "test": TEST}
UNSHOWN = ("Cc", "Cs", "Zl", "Zp")  # control characters, bytes that are no UTF-8, line breaks


def meant(there: Iterable[str], group: tuple[str, ...], where: str) -> str | None:
    """The name of a group that is there, if one is; of two nobody knows which is meant."""
    found = sorted(name for name in there if name.casefold() in group)
    if len(found) > 1:
        raise UserError(
            f"{where} has {' and '.join(found)}, which mean the same: leave one of them there."
        )
    return found[0] if found else None


def shown(name: str) -> str:
    """A name in one line of UTF-8: a line break as \\n, a byte that is no letter as \\xe9."""
    if name.isprintable():
        return name
    return "".join(_escaped(c) if unicodedata.category(c) in UNSHOWN else c for c in name)


def _escaped(character: str) -> str:
    if unicodedata.category(character) == "Cs":
        return character.encode("utf-8", "surrogateescape").decode("ascii", "backslashreplace")
    return character.encode("unicode_escape").decode("ascii")


def no_class(where: str, label: str) -> str:
    """What is wrong with a class's name, as a sentence; nothing where it can be written."""
    if shown(label) == label:
        return ""
    return f"{shown(where)} names a class in letters that are not UTF-8 or break a line: rename it."

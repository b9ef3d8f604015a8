"""What an entry of the index is, and the places that entries speak of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A section, equation, figure, table or checkable sentence of the paper."""

    name: str  # as it is cited: Sec. 3.4, Eqn (1), Table 6; a sentence stands in its own words
    about: str
    page: str  # within docs/companion, with an anchor
    code: tuple[str, ...] = ()  # file:symbol
    tests: tuple[str, ...] = ()  # file::function
    reason: str = ""  # why there is no code


MODELS, DATA = "src/deepres/models/", "src/deepres/data/"
RESNET, SPEC = f"{MODELS}resnet.py", "src/deepres/spec.py"
UNIT = "tests/unit/"
STUDIES = "src/deepres/studies/"

COUNTS = (f"{UNIT}test_count.py::test_multiply_adds_of_table_1",)

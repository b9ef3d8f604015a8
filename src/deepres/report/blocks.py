"""What a page says, before it is HTML or Markdown: a list of blocks, each a plain value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Heading:
    """Of a section, or of a part of one."""

    text: str
    level: Literal[1, 2, 3] = 2


@dataclass(frozen=True)
class Text:
    """A paragraph: plain, soft, or a note that must not be overlooked."""

    text: str
    kind: Literal["", "soft", "note"] = ""


@dataclass(frozen=True)
class Code:
    """What is typed."""

    text: str


@dataclass(frozen=True)
class Table:
    """Names in the first column, then numbers or words; a verdict is coloured where HTML is."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset({0})  # columns that are words, not numbers


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Figure:
    """A chart as inline SVG within its figure, and the name of its file beside a Markdown page."""

    title: str
    svg: str


@dataclass(frozen=True)
class Charts:
    """Charts side by side where there is room."""

    figures: Sequence[Figure]


@dataclass(frozen=True)
class Raw:
    """Markdown that stands as it is: headings, lists, emphasis, code."""

    markdown: str


Block = Heading | Text | Code | Table | Facts | Charts | Raw
VERDICTS = ("holds", "fails", "within noise")

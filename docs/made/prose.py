"""The rule on numbers: what may stand in a sentence as digits, and what must be glued.

Read the source of a page, take away what is not prose (code, formulas, addresses, comments,
directives, roles). Of what is left, a run of digits may only be

1. a citation of an item that the paper has: Sec. 3.4, Eqn (1), Table 6, Fig. 5, Tables 7 to 14;
2. part of a name, glued to letters: ResNet-56, conv2_x, CIFAR-10, v1.5;
3. a shape n x n that occurs in a network of the paper: 3x3, 224x224;
4. the n of Sec. 4.2: 2n layers, 6n+2;
5. a year behind the word "in", the bounds .5 and .95 that give COCO's measures their names,
   a numbered list's own numbers.

Numbers in words (two layers) are not looked at: they count what stands on the page itself.
"""

import re
from functools import cache
from pathlib import Path

from deepres.models.table import column
from deepres.models.zoo import NAMES, arch

from .items import ITEMS

FRONT = re.compile(r"\A---\n.*?\n---\n", re.S)
FENCE = re.compile(
    r"^(?P<ticks>`{3,}|:{3,})(?P<head>[^\n]*)\n(?P<body>.*?)^(?P=ticks)[ \t]*$", re.S | re.M
)
PROSE_DIRECTIVES = ("note", "admonition", "tip", "important", "container")
OPTION = re.compile(r"^:[\w-]+:.*$", re.M)
NOT_PROSE = re.compile(
    r"<!--.*?-->"  # comments
    r"|\{[\w-]+\}`[^`]+`"  # roles: what is glued, tested, referred to
    r"|(?P<t>`+)(?![\d.,\s%]+(?P=t)).+?(?P=t)"  # code, but for bare numbers
    r"|\$\$.+?\$\$|\$(?![\d.,\s\\%]+\$)[^$\n]+\$"  # formulas, but for bare numbers
    r"|(?<=\])\([^)\s]+\)"  # where a link goes
    r"|<https?://[^>]+>"
    r"|<[a-zA-Z/][^>]*>"  # markup
    r"|^\([\w-]+\)=$",  # anchors
    re.S | re.M,
)
# A list of numbers follows a plural alone: after "Table 6 and", digits count something else.
CITATION = re.compile(
    r"(?:Sec(?P<s1>s?)\. (?P<sec>\d(?:\.\d)?)|Eqn(?P<s2>s?) \((?P<eqn>\d)\)"
    r"|Fig(?P<s3>s?)\. (?P<fig>\d)|Table(?P<s4>s?) (?P<table>\d+))"
    r"(?P<more>(?:(?<=s\. \d)|(?<=s\. \d\.\d)|(?<=s \d)|(?<=s \d\d)|(?<=s \(\d\)))"
    r"(?: ?(?:,|and|to|or) (?:Eqn )?\(?\d+(?:\.\d)?\)?(?![\d.]*\s?%))*|)"
)
# Glued to letters, whole, and no share of anything; a fraction is a version's alone.
NAME = re.compile(
    r"(?:\bv\d+(?:\.\d+)?"
    r"|[A-Za-z][A-Za-z_']*[-_]?(?:v\d+(?:\.\d+)?|\d+(?!\d*\.\d)(?![\d.]*\s?%)))"
    r"[A-Za-z_]*(?:-[A-Za-z][\w.]*)*"
)
SHAPE = re.compile(r"\b(\d+)x(\d+)\b")
RULE = re.compile(r"\b\dn(?:\+\d)?\b")
BOUND = re.compile(r"(?<!\d)\.(?:5|95)\b")
YEAR = re.compile(r"\b[Ii]n 20[12]\d\b")
LIST = re.compile(r"^\s*\d\. ", re.M)
DIGITS = re.compile(r"\d[\d.,]*")


def prose(text: str) -> str:
    """What a reader reads as sentences, tables and headings."""
    text = FRONT.sub("", text)
    while (fence := FENCE.search(text)) is not None:
        directive = re.match(r"\s*\{([\w-]+)\}(.*)", fence["head"])
        keeps = directive is not None and directive[1] in PROSE_DIRECTIVES
        title = directive[2] if directive and keeps else ""
        caption = _caption(directive[1], fence["body"]) if directive else ""
        inner = OPTION.sub("", fence["body"]) if keeps else caption
        text = text[: fence.start()] + title + "\n" + inner + text[fence.end() :]
    return NOT_PROSE.sub(" ", text)


def _caption(directive: str, body: str) -> str:
    """A picture's or an excerpt's words are prose too."""
    captions = re.findall(r"^:caption:(.*)$", body, re.M)
    return "\n".join([*captions, OPTION.sub("", body) if directive == "picture" else ""])


@cache
def shapes() -> frozenset[str]:
    """Every n x n that Table 1 or Sec. 4.2 has, from the networks themselves."""
    text = "\n".join(column(name, arch(name)) for name in NAMES)
    edges = {f"{arch(name).input_size}x{arch(name).input_size}" for name in NAMES}
    return frozenset(re.findall(r"\d+x\d+", text)) | edges


def cited(text: str) -> list[str]:
    """The items that a text cites, each in its own spelling, ranges item by item."""
    found = []
    for match in CITATION.finditer(text):
        kind = next(k for k in ("sec", "eqn", "fig", "table") if match[k])
        numbers = [match[kind]]
        for word, number in re.findall(
            r"(,|and|to|or) (?:Eqn )?\(?(\d+(?:\.\d)?)\)?", match["more"]
        ):
            if word == "to":
                numbers += [str(n) for n in range(int(numbers[-1]) + 1, int(number))]
            numbers.append(number)
        found += [SPELLED[kind].format(n) for n in numbers]
    return found


SPELLED = {"sec": "Sec. {}", "eqn": "Eqn ({})", "fig": "Fig. {}", "table": "Table {}"}


def loose(text: str) -> list[str]:
    """Digits in prose that nothing allows, each with the words around it."""
    left = prose(text)
    known = {item.name for item in ITEMS}
    left = CITATION.sub(lambda m: " " if set(cited(m[0])) <= known else m[0], left)
    left = SHAPE.sub(lambda m: " " if m[0] in shapes() else m[0], left)
    for allowed in (RULE, BOUND, YEAR, LIST, NAME):
        left = allowed.sub(" ", left)
    return [
        " ".join(left[max(0, m.start() - 40) : m.end() + 20].split()) for m in DIGITS.finditer(left)
    ]


def ruled(name: str) -> bool:
    """Whether the rule holds for a page: the landing page's and the companion's."""
    return name == "index" or name.startswith("companion/")


def pages(docs: Path) -> list[Path]:
    """The pages that the rule holds for. How-tos are held to what their commands print instead."""
    every = sorted(docs.rglob("*.md"))
    return [page for page in every if ruled(page.relative_to(docs).with_suffix("").as_posix())]

"""Links of the built pages: what lies within them is there; what lies outside may be asked for."""

import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

TIMEOUT = 10  # seconds


@dataclass
class Page(HTMLParser):
    """What a page points at, and what can be pointed at within it."""

    targets: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            # an svg's <image> and <use> are not fetched by address here
            elif name in ("href", "src") and value and not value.startswith("data:"):
                self.targets.append(value)


def read(file: Path) -> Page:
    """A page's links and anchors."""
    page = Page()
    page.feed(file.read_text())
    return page


def broken(folder: Path) -> list[str]:
    """Every link within the site that leads nowhere, a sentence each."""
    pages = {file: read(file) for file in sorted(folder.rglob("*.html"))}
    wrong = []
    for file, page in pages.items():
        for target in page.targets:
            if urlparse(target).scheme or target.startswith("//"):
                continue
            address, anchor = urldefrag(target)
            address = address.partition("?")[0]  # what a browser keeps apart from its cache
            there = (file.parent / unquote(address)).resolve() if address else file
            if there.is_dir():
                there = there / "index.html"
            if not there.exists():
                wrong.append(f"{file.relative_to(folder)}: {target} is not there")
            elif anchor and there in pages and unquote(anchor) not in pages[there].anchors:
                wrong.append(f"{file.relative_to(folder)}: {target} has no such anchor")
    return wrong


def outside(folder: Path) -> list[str]:
    """Every address that the pages point at beyond themselves."""
    pages = (read(file) for file in sorted(folder.rglob("*.html")))
    found = {target for page in pages for target in page.targets if urlparse(target).scheme}
    return sorted(a for a in found if a.startswith("http"))


def unanswered(addresses: Iterable[str]) -> list[str]:
    """Those that do not answer, and how."""
    wrong = []
    for address in addresses:
        request = urllib.request.Request(address, headers={"User-Agent": "deepres docs"})
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT).close()
        except (urllib.error.URLError, TimeoutError) as error:
            wrong.append(f"{address}: {error}")
    return wrong

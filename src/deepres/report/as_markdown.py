"""The same blocks as Markdown, its charts as SVG files beside it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape

from .blocks import Block, Charts, Code, Facts, Heading, Table, Text
from .page import STYLE

COLOURS = {"--s5": ("#a3244f", "#f08fb0"), "--s6": ("#2b6d78", "#7cc4cf")}


def markdown(blocks: Iterable[Block], stem: str) -> tuple[str, dict[str, str]]:
    """The page, and the files that it shows, by name."""
    files: dict[str, str] = {}
    parts = [_markdown(block, stem, files) for block in blocks]
    return "\n\n".join(part for part in parts if part) + "\n", files


def _markdown(block: Block, stem: str, files: dict[str, str]) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Text):
        return f"> {block.text}" if block.kind == "note" else block.text
    if isinstance(block, Code):
        return f"```console\n{block.text}\n```"
    if isinstance(block, Table):
        return "\n".join(table(block))
    if isinstance(block, Facts):
        return "\n".join(table(Table(["", ""], block.rows, frozenset({0, 1}))))
    if isinstance(block, Charts):
        return "\n\n".join(_figure(one.title, one.svg, stem, files) for one in block.figures)
    return block.markdown.strip()


def table(block: Table) -> Iterator[str]:
    """Pipes; a bar within a cell is written as one."""
    yield _line(block.head)
    yield _line(["---" if n in block.words else "---:" for n in range(len(block.head))])
    for row in block.rows:
        yield _line(row)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _figure(title: str, svg: str, stem: str, files: dict[str, str]) -> str:
    name = f"{stem}-{len(files) + 1}.svg"
    files[name] = standing_alone(svg)
    return f"![{title}]({name})"


LINE, SWATCH, LEFT, GAP = 22, 26, 58, 18


def standing_alone(figure: str) -> str:
    """The chart of a figure as a file of its own: with its title, its legend and its colours."""
    found = re.search(r'<svg viewBox="0 0 (\d+) (\d+)"[^>]*>(.*?)</svg>', figure, re.S)
    caption = re.search(r"<figcaption>(.*?)</figcaption>", figure, re.S)
    assert found and caption
    width, height, drawn = int(found[1]), int(found[2]), found[3]
    legend, lines = _legend(figure, width, height + LINE)
    size = f"0 0 {width} {height + LINE * (1 + lines) + 8}"
    title = f'<text x="{LEFT}" y="16" class="title">{caption[1]}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img"'
        f' aria-label="{unescape(caption[1])}">\n<style>{_style()}</style>\n'
        f'<rect width="100%" height="100%" fill="var(--paper)"/>\n{title}\n'
        f'<g transform="translate(0 {LINE})">{drawn}</g>\n{legend}\n</svg>\n'
    )


def _legend(figure: str, width: int, top: int) -> tuple[str, int]:
    """The entries of a figure's legend, in lines below it."""
    entries = re.findall(r"<li><svg[^>]*>(.*?)</svg>(.*?)</li>", figure, re.S)
    x, line, drawn = LEFT, 0, []
    for sample, name in entries:
        long = SWATCH + 6 + round(7.2 * len(unescape(name)))
        if x + long > width and x > LEFT:
            x, line = LEFT, line + 1
        y = top + line * LINE + 4
        drawn.append(
            f'<g transform="translate({x} {y})">{sample}</g>'
            f'<text x="{x + SWATCH + 6}" y="{y + 10}">{name}</text>'
        )
        x += long + GAP
    return "".join(drawn), line + 1 if entries else 0


def _style() -> str:
    """The page's colours, light and dark, and the letters of its charts."""
    light, dark = (_variables(part) for part in STYLE.split("@media", 2)[:2])
    light |= {name: pair[0] for name, pair in COLOURS.items()}
    dark |= {name: pair[1] for name, pair in COLOURS.items()}
    return (
        f"svg{{{_told(light)}}}@media(prefers-color-scheme:dark){{svg{{{_told(dark)}}}}}"
        "text{fill:var(--soft);font:13px system-ui,sans-serif}"
        ".title{fill:var(--ink);font-weight:600;font-size:15px}"
        ".band{opacity:.16}.hot{fill:transparent}.hot:hover{fill:currentColor}"
    )


def _variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"(--(?:paper|ink|soft|line|s\d)): (#\w+)", css))


def _told(variables: Mapping[str, str]) -> str:
    return ";".join(f"{name}:{value}" for name, value in variables.items())

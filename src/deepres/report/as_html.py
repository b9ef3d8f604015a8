"""Blocks as one HTML file: nothing fetched, good on a phone, on paper and in the dark."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from .blocks import VERDICTS, Block, Charts, Code, Facts, Heading, Raw, Table, Text
from .page import facts, page, paragraph

STYLE = """
:root { --s5: #a3244f; --s6: #2b6d78; }
@media (prefers-color-scheme: dark) { :root { --s5: #f08fb0; --s6: #7cc4cf; } }
.charts { align-items: start; } .charts > :only-child { max-width: 40rem; }
.study .wide { margin: .75rem 0; }
.band { opacity: .16; } .hot { fill: transparent; } .hot:hover { fill: currentColor; }
.study table td:first-child { white-space: nowrap; }
.study table.words td { white-space: normal; }
.study table.words td.verdict { white-space: nowrap; }
.study pre { background: var(--panel); padding: .6rem .8rem; border-radius: .35rem;
  overflow-x: auto; margin: .75rem 0; }
.study pre code { background: none; padding: 0; white-space: pre; overflow-wrap: normal; }
.study thead th { white-space: normal; vertical-align: bottom; }
.study .facts, .study .facts tbody { display: grid; column-gap: 2.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); }
.study .facts tbody { grid-column: 1 / -1; }
.study .facts tr { display: grid; grid-template-columns: 9rem 1fr;
  border-bottom: 1px solid var(--line); }
.study .facts td, .study .facts th { border: 0; width: auto; }
.study li { max-width: 46rem; margin: .3rem 0; } .study ul.list { padding-left: 1.2rem; }
@media (max-width: 30rem) { .study .facts th { white-space: normal; }
  .claims thead { display: none; }
  .claims tr { display: grid; grid-template-columns: 1fr auto; padding: .3rem 0;
    border-bottom: 1px solid var(--line); }
  .claims td { border: 0; padding: .1rem .2rem; font-weight: 500; }
  .claims td:nth-child(2) { grid-row: 2; grid-column: 1 / -1; font-weight: 400;
    color: var(--soft); font-size: .85rem; }
  .many, .many tbody { display: block; } .many thead { display: none; }
  .many tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line); }
  .study .many td { white-space: normal; }
  .many td { display: flex; justify-content: space-between; gap: 1rem; border: 0;
    padding: .05rem .2rem; }
  .many td:first-child { font-weight: 600; } .many td:empty { display: none; }
  .many td:not(:first-child)::before { content: attr(data-head); color: var(--soft);
    font-size: .85rem; text-align: left; } }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #f4f4f4; }
  body { font-size: 10.5pt; } main { padding: 0; } h2, h3 { break-after: avoid; }
  .charts { grid-template-columns: 1fr 1fr; } figure, tr { break-inside: avoid; }
  .wide { overflow: visible; } table { font-size: 8.5pt; } .study pre { white-space: pre-wrap; } }
"""

PHONE = 4  # columns that a phone shows side by side


def html(title: str, blocks: Iterable[Block]) -> str:
    """The whole file."""
    body = [f"<style>{STYLE}</style>", '<div class="study">', *map(_html, blocks), "</div>"]
    return page(title, body)


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return paragraph(block.text, block.kind)
    if isinstance(block, Code):
        return f"<pre><code>{escape(block.text)}</code></pre>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Facts):
        return facts(block.rows)
    if isinstance(block, Charts):
        return f'<div class="charts">{"".join(one.svg for one in block.figures)}</div>'
    return "\n".join(_markdown(block))


def _table(block: Table) -> str:
    head = "".join(
        f'<th scope="col"{_kind(n, block)}>{escape(text)}</th>' for n, text in enumerate(block.head)
    )
    body = "".join(f"<tr>{''.join(_cells(row, block))}</tr>" for row in block.rows)
    return (
        f'<div class="wide"><table{_class(block)}><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _class(block: Table) -> str:
    """Of claims, of words, or of so many columns that a phone shows each row as a list."""
    if block.head[-1] == "verdict":
        return ' class="words claims"'
    if block.words > {0}:
        return ' class="words"'
    return ' class="many"' if len(block.head) > PHONE else ""


def _cells(row: Sequence[str], block: Table) -> Iterator[str]:
    many = len(block.head) > PHONE
    for n, text in enumerate(row):
        if text in VERDICTS:
            yield f'<td class="verdict {text.split()[0]}">{text}</td>'
        else:
            head = f' data-head="{escape(block.head[n])}"' if many else ""
            yield f"<td{_kind(n, block)}{head}>{escape(text)}</td>"


def _kind(column: int, block: Table) -> str:
    return "" if column in block.words else ' class="number"'


def _markdown(block: Raw) -> Iterator[str]:
    """The little Markdown that our own documents use."""
    listed = False
    for line in block.markdown.splitlines():
        if line.startswith("- ") != listed:
            listed = not listed
            yield '<ul class="list">' if listed else "</ul>"
        if line.startswith("- "):
            yield f"<li>{_inline(line[2:])}</li>"
        elif match := re.match(r"(#+) (.*)", line):
            level = min(len(match[1]), 4)
            yield f"<h{level}>{_inline(match[2])}</h{level}>"
        elif line.strip():
            yield f"<p>{_inline(line)}</p>"
    if listed:
        yield "</ul>"


def _inline(text: str) -> str:
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\*([^*]+)\*", r"<i>\1</i>", text)

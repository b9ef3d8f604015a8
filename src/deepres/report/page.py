"""A page in one file: its frame, its style for light and dark and for small screens, its parts."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c2330; --soft: #5d6878;
  --line: #d8dde5; --panel: #f5f7fa; --accent: #1f5fa8; --heat: 31, 95, 168; --bad: 178, 52, 24;
  --s1: #1f5fa8; --s2: #b5500b; --s3: #2c7a3f; --s4: #7c3aa0; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181f; --ink: #e6eaf0; --soft: #9aa6b8; --line: #323b49; --panel: #1c222c;
    --accent: #7fb4f0; --heat: 110, 170, 240; --bad: 240, 120, 80;
    --s1: #7fb4f0; --s2: #f0a05a; --s3: #7fcf95; --s4: #c99af0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
p { margin: .5rem 0; max-width: 46rem; }
.soft { color: var(--soft); }
.note { border-left: 3px solid var(--s2); padding: .35rem .75rem; background: var(--panel); }
.cards { display: grid; gap: .75rem; margin: 1.25rem 0;
  grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem;
  padding: .7rem .9rem; }
.card b { display: block; font-size: 1.45rem; font-weight: 600; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.card span { color: var(--soft); font-size: .85rem; display: block; line-height: 1.35; }
.card.main { border-color: var(--accent); } .card.main b { color: var(--accent); }
.charts { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; margin-bottom: .25rem; }
svg { display: block; width: 100%; height: auto; overflow: hidden; }
svg text { fill: var(--soft); font: 13px system-ui, sans-serif;
  font-variant-numeric: tabular-nums; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .85rem; color: var(--soft);
  margin: .35rem 0 0; padding: 0; list-style: none; }
.legend svg { display: inline-block; width: 1.6rem; height: .6rem; vertical-align: middle;
  margin-right: .35rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
td small, thead small { display: block; color: var(--soft); font-weight: 400; }
td.text { overflow-wrap: anywhere; }
.facts th { font-weight: 500; color: var(--soft); white-space: nowrap; width: 1%; }
.matrix td, .matrix th { padding: .2rem .15rem; text-align: center; min-width: 1.9rem; border: 0;
  font-size: .8rem; }
.matrix th.row { text-align: right; padding-right: .5rem; font-weight: 500; }
.matrix thead th { height: 1px; vertical-align: bottom; }
.matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 500; }
.pictures { display: grid; gap: .9rem .75rem;
  grid-template-columns: repeat(auto-fill, minmax(6.2rem, 1fr)); }
.pictures img { width: 100%; image-rendering: pixelated; border-radius: .3rem; display: block;
  border: 1px solid var(--line); }
.pictures figcaption { font-size: .8rem; font-weight: 400; line-height: 1.3; margin-top: .25rem; }
code { font: .85em ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere;
  background: var(--panel); padding: .1em .3em; border-radius: .25em; }
.verdict { font-weight: 600; white-space: nowrap; color: var(--soft); }
.verdict.holds { color: var(--s3); } .verdict.fails { color: rgb(var(--bad)); }
.two { display: grid; gap: 0 2.5rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
h3 { font-size: .95rem; margin: .75rem 0 .25rem; }
.pictures small { color: var(--soft); }
@media (max-width: 30rem) { svg text { font-size: 17px; }
  main { padding: 1rem .9rem 3rem; } h1 { font-size: 1.3rem; }
  th, td { padding: .25rem .4rem; } thead th, thead th.number { white-space: normal; }
  .cards { grid-template-columns: 1fr 1fr; gap: .5rem; }
  .card { padding: .55rem .65rem; } .card b { font-size: 1.25rem; } }
@media print { .card, .note { break-inside: avoid; } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """The whole file."""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
        f"<main>\n{chr(10).join(body)}\n</main>\n</html>\n"
    )


def heading(text: str) -> str:
    """Of a section."""
    return f"<h2>{escape(text)}</h2>"


def subheading(text: str) -> str:
    """Of a part of a section."""
    return f"<h3>{escape(text)}</h3>"


def columns(*parts: Iterable[str]) -> Iterator[str]:
    """Side by side where there is room."""
    yield '<div class="two">'
    for part in parts:
        yield f"<div>{''.join(part)}</div>"
    yield "</div>"


def paragraph(text: str, kind: str = "") -> str:
    """Running text, escaped."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def cards(numbers: Sequence[tuple[str, str, str]]) -> str:
    """Large numbers, each with a name and a line below; the first one matters most."""
    return (
        '<div class="cards">'
        + "".join(
            f'<div class="card{" main" if n == 0 else ""}"><span>{escape(name)}</span>'
            f"<b>{escape(value)}</b><span>{escape(more)}</span></div>"
            for n, (name, value, more) in enumerate(numbers)
        )
        + "</div>"
    )


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and values."""
    return (
        '<table class="facts">'
        + "".join(
            f'<tr><th scope="row">{escape(name)}</th><td class="text">{escape(value)}</td></tr>'
            for name, value in rows
        )
        + "</table>"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    kinds = [""] + [' class="number"'] * (len(head) - 1)
    top = "".join(
        f'<th scope="col"{kind}>{escape(text)}</th>' for kind, text in zip(kinds, head, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{k}>{escape(text)}</td>" for k, text in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    inner = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inner}</table></div>'

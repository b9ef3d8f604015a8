"""One PDF of the whole: the pages joined in their order, printed by a headless Chromium."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PRINTED = """
@page { size: A4; margin: 18mm 16mm; }
body { background: #fff; font-size: 10.5pt; max-width: none; }
.cover { height: 200mm; display: grid; align-content: center; break-after: page; }
.cover h1 { font-size: 30pt; break-before: avoid; } .cover p { font-size: 13pt; color: #5d6878; }
article { max-width: none; } section > h1:first-child { break-before: page; }
.highlight pre { white-space: pre-wrap; font-size: 7.6pt; }
.headerlink, .copybtn { display: none; } a { color: inherit; }
.items td, .items code { font-size: 7pt; overflow-wrap: anywhere; }
table.docutils { font-size: 9pt; box-shadow: none; }
.picture .canvas { max-width: 24rem; }
"""


def browser() -> str | None:
    """The first Chromium that is installed."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def order(site: Path) -> list[str]:
    """The pages as the sidebar has them."""
    entry = r'<li class="toctree-l1[^"]*"><a class="reference internal" href="([^"#]+)\.html"'
    return re.findall(entry, (site / "index.html").read_text())


def joined(site: Path) -> str:
    """The articles of all pages in one, light, its links within itself."""
    head = re.search(r"<head>.*?</head>", (site / "index.html").read_text(), re.S)
    articles = [_article(site, name) for name in order(site)]
    assert head is not None
    cover = (
        '<div class="cover"><h1>The residual-network paper, as a program</h1><p>A companion to'
        " <em>Deep Residual Learning for Image Recognition</em> by He, Zhang, Ren and Sun: every"
        " picture drawn from the running networks, every number glued.</p></div>"
    )
    style = f"<style>{PRINTED}</style>"
    light = '<body data-theme="light">'
    return f"<!doctype html><html>{head[0]}{style}{light}{cover}{''.join(articles)}</body></html>"


def _article(site: Path, name: str) -> str:
    text = (site / f"{name}.html").read_text()
    found = re.search(r'<article role="main"[^>]*>(.*?)</article>', text, re.S)
    assert found is not None, name
    folder = f"{Path(name).parent.as_posix()}/".removeprefix("./")

    def moved(match: re.Match[str]) -> str:
        way, address = match[1], match[2]
        if re.match(r"[a-z]+:|#|//", address):
            return match[0]
        return f'{way}="{(site / folder / address).resolve().as_uri()}"'

    pictures = re.sub(r'\b(src)="([^"]+)"', moved, found[1])
    return f"<article>{_within(pictures)}</article>"


def _within(text: str) -> str:
    """Links between pages lose their address: on paper the words remain."""
    return re.sub(
        r'<a class="[^"]*internal[^"]*" href="[^#"][^"]*">(.*?)</a>', r"\1", text, flags=re.S
    )


def written(site: Path, file: Path) -> bool:
    """Prints the PDF; False where there is no browser to print it."""
    found = browser()
    if found is None:
        return False
    page = site / "whole.html"
    page.write_text(joined(site))
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                found,
                *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update"),
                *("--disable-sync", f"--user-data-dir={profile}", "--no-pdf-header-footer"),
                f"--print-to-pdf={file}",
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )
    page.unlink()
    return True

"""Documents that print what a command or a result says: make it anew, name what is stale.

In Markdown, a comment `<!-- deepres count resnet20 -->` above a fenced block says which command
prints it, and `<!-- table checkpoints -->` that what follows up to `<!-- end -->` is a table made
here. `python -m tests.freshness --write` brings them up to date.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- deepres (.+?) -->\n```\w*\n)(.*?)(```)", re.S)

TABLE = re.compile(r"(<!-- table (\w+) -->\n)(.*?)(<!-- end -->)", re.S)


def printed(words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words.split()], capture_output=True, text=True, cwd=ROOT
    )
    if done.returncode:
        sys.exit(f"deepres {words} failed:\n{done.stderr}")
    return done.stdout.rstrip() + "\n"


def families() -> str:
    """Every family that can be read, as `--source` names it."""
    from deepres.convert.families import FAMILIES

    rows = dict.fromkeys(f"| `{family.name}` | {family.about} |" for family in FAMILIES)
    return "\n".join(["| `--source` | whose |", "|---|---|", *rows]) + "\n"


def checkpoints() -> str:
    """Rows of committed results: what their authors print beside what was counted here."""
    lines = (ROOT / "results" / "checkpoints.jsonl").read_text().splitlines()
    rows = ["| checkpoint | network | its page says | top-1 error here | top-5 error here |"]
    rows.append("|---|---|---|---|---|")
    for result in map(json.loads, lines):
        top1, top5 = (
            f"{result[f'{n}_error']:.2f} % ({result[f'{n}_errors']}/{result['seen']})"
            for n in ("top1", "top5")
        )
        names = f"| `{result['file']}` | `{result['network']}` | {result['claimed']} "
        rows.append(f"{names}| {top1} | {top5} |")
    return "\n".join(rows) + "\n"


TABLES = {"checkpoints": checkpoints, "families": families}


def main() -> None:
    stale = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        text = page.read_text()
        fresh = BLOCK.sub(lambda m: m[1] + printed(m[2]) + m[4], text)
        fresh = TABLE.sub(lambda m: m[1] + TABLES[m[2]]() + m[4], fresh)
        if fresh == text:
            continue
        stale.append(str(page.relative_to(ROOT)))
        if "--write" in sys.argv:
            page.write_text(fresh)
    if stale and "--write" not in sys.argv:
        sys.exit(f"stale: {', '.join(stale)}. `python -m tests.freshness --write` mends them.")


if __name__ == "__main__":
    main()

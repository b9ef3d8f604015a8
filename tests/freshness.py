"""Documents that print what a command prints: run the command, compare, name what is stale.

In Markdown, a comment `<!-- deepres count resnet20 -->` above a fenced block says where the block
comes from. `python -m tests.freshness --write` brings the blocks up to date.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- deepres (.+?) -->\n```\w*\n)(.*?)(```)", re.S)


def printed(words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words.split()], capture_output=True, text=True, cwd=ROOT
    )
    if done.returncode:
        sys.exit(f"deepres {words} failed:\n{done.stderr}")
    return done.stdout.rstrip() + "\n"


def main() -> None:
    stale = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        text = page.read_text()
        fresh = BLOCK.sub(lambda m: m[1] + printed(m[2]) + m[4], text)
        if fresh == text:
            continue
        stale.append(str(page.relative_to(ROOT)))
        if "--write" in sys.argv:
            page.write_text(fresh)
    if stale and "--write" not in sys.argv:
        sys.exit(f"stale: {', '.join(stale)}. `python -m tests.freshness --write` mends them.")


if __name__ == "__main__":
    main()

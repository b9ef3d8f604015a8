"""`python -m docs.made`: builds the pages, checks them and prints the PDF; what `make docs` calls.

`--external` asks every address outside whether it answers; without it, and without a network, that
is left out and said.
"""

import os
import subprocess
import sys
from pathlib import Path

from . import links, pdf

DOCS = Path(__file__).parents[1]
BUILD = DOCS.parent / "build" / "docs"


def main() -> None:
    """Exits with a sentence for each thing that is wrong."""
    site, file = BUILD / "html", BUILD / "deepres.pdf"
    environment = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"} | dict(os.environ)
    words = ["-m", "sphinx", "-q", "-E", "-a", "-W", "--keep-going", "-b", "html"]
    if subprocess.run([sys.executable, *words, str(DOCS), str(site)], env=environment).returncode:
        sys.exit("The pages do not build without warnings.")
    wrong = links.broken(site)
    addresses = links.outside(site)
    if "--external" in sys.argv:
        wrong += links.unanswered(addresses)
    else:
        say(f"{len(addresses)} addresses outside were not asked: --external does.")
    if wrong:
        sys.exit("\n".join(wrong))
    say(f"The pages are in {site / 'index.html'}")
    if pdf.written(site, file):
        say(f"and as one PDF in {file}")
    else:
        say("No PDF: it takes Chromium, which is not installed.")


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

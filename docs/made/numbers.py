"""`python -m docs.made.numbers`: the rule on numbers and the index of items, without a build."""

import sys
from pathlib import Path

from .founded import unfounded
from .prose import loose, pages


def main() -> None:
    """Names every number that is not glued and every item without foundation."""
    docs = Path(__file__).parents[1]
    wrong = [f"{page.name}: {found}" for page in pages(docs) for found in loose(page.read_text())]
    wrong += unfounded()
    if wrong:
        sys.exit("\n".join(wrong))
    sys.stdout.write("the pages keep the rule on numbers\n")


if __name__ == "__main__":
    main()

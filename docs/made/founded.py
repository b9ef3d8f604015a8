"""Whether the index is whole: nothing forgotten, what it points at is there, reasons are given."""

import ast
from functools import cache
from pathlib import Path

from .item import Item
from .items import ITEMS

ROOT = Path(__file__).parents[2]

# What the paper has: an index that forgets an item is found out.
EXPECTED = frozenset(
    [
        "Abstract",
        *(
            f"Sec. {s}"
            for s in ("1", "2", "3", "3.1", "3.2", "3.3", "3.4", "4", "4.1", "4.2", "4.3")
        ),
        *(f"Appendix {letter}" for letter in "ABC"),
        *(f"Eqn ({n})" for n in (1, 2)),
        *(f"Fig. {n}" for n in range(1, 8)),
        *(f"Table {n}" for n in range(1, 15)),
    ]
)
CHECKABLE = 14  # sentences that a run can check


@cache
def symbols(file: Path) -> frozenset[str]:
    """Names that a file defines, a class's functions as Class.function; nothing is run."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        found |= _names(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for part in node.body for name in _names(part)}
    return frozenset(found)


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    return {target.id for target in targets if isinstance(target, ast.Name)}


def there(reference: str, root: Path = ROOT) -> bool:
    """Whether `file:symbol` or `file::test` is in the repository."""
    file, _, symbol = reference.replace("::", ":").partition(":")
    return (root / file).exists() and symbol in symbols(root / file)


def unfounded(items: tuple[Item, ...] = ITEMS, root: Path = ROOT) -> list[str]:
    """What is wrong with the index, a sentence each."""
    wrong = [f"{name} is missing" for name in sorted(EXPECTED - {item.name for item in items})]
    for item in items:
        if not item.code and not item.reason:
            wrong.append(f"{item.name} has neither code nor a reason")
        if item.code and not item.tests:
            wrong.append(f"{item.name} has code and no test")
        for reference in (*item.code, *item.tests):
            if not there(reference, root):
                wrong.append(f"{item.name}: {reference} is not there")
        page = root / "docs" / "companion" / f"{item.page.partition('#')[0]}.md"
        if not page.exists():
            wrong.append(f"{item.name}: there is no page {item.page}")
    return wrong

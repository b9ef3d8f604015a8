"""The part of Sphinx that is ours: roles for numbers and tests, directives for pictures and tables.

A number that cannot be found, a picture that does not exist, a test that is not there: each is a
warning, and warnings are errors.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from . import prose
from .founded import there, unfounded
from .item import Item
from .items import EQUATIONS, FIGURES, ITEMS, SECTIONS, TABLES
from .pictures import PICTURES
from .results import NOT_YET
from .sentences import SENTENCES
from .tables import TABLES as RESULT_TABLES
from .values import ROLES, source_of

LOGGER = logging.getLogger(__name__)


class Number(SphinxRole):
    """A number that was looked up while the page was built."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            value = ROLES[self.name](self.text)
        except (KeyError, AttributeError, IndexError, ValueError, StopIteration) as error:
            message = self.inliner.reporter.warning(
                f"{self.name}: {self.text!r} is no number that is known ({error!r})",
                line=self.lineno,
            )
            return [nodes.problematic(self.rawtext, self.rawtext)], [message]
        kind = "number absent" if value == NOT_YET else "number"
        html = f'<span class="{kind}" title="{source_of(self.name, self.text)}">{value}</span>'
        return [nodes.raw("", html, format="html")], []


class Test(SphinxRole):
    """A test, by file and function, that is really there."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if not there(self.text):
            message = self.inliner.reporter.warning(
                f"there is no test {self.text}", line=self.lineno
            )
            return [nodes.problematic(self.rawtext, self.rawtext)], [message]
        return [nodes.literal(self.text, self.text.removeprefix("tests/"), classes=["test"])], []


class Drawn(SphinxDirective):
    """A picture by name; what stands within is its caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> Sequence[nodes.Node]:
        if self.arguments[0] not in PICTURES:
            raise self.error(f"there is no picture {self.arguments[0]!r}")
        made = PICTURES[self.arguments[0]]()
        figure = nodes.container(classes=["picture", self.arguments[0]])
        # a chart is labelled with its title alone: its words stand beside it, unseen
        words = "" if made.svg.startswith("<svg") else f'<p class="unseen">{escape(made.alt)}</p>'
        figure += nodes.raw("", f'<div class="canvas">{made.svg}{words}</div>', format="html")
        caption = nodes.container(classes=["caption"])
        self.state.nested_parse(self.content, self.content_offset, caption)
        figure += caption
        return [figure]


class Glued(SphinxDirective):
    """A result table by name."""

    required_arguments = 1

    def run(self) -> Sequence[nodes.Node]:
        if self.arguments[0] not in RESULT_TABLES:
            raise self.error(f"there is no table {self.arguments[0]!r}")
        head, rows = RESULT_TABLES[self.arguments[0]]()
        return [html_table(head, rows)]


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> nodes.Node:
    """A table whose first column is text; wide ones scroll on a small screen."""
    top = "".join(f'<th scope="col">{text}</th>' for text in head)
    body = "".join(f"<tr>{''.join(cell(text) for text in row)}</tr>" for row in rows)
    return nodes.raw(
        "",
        f'<div class="table-wrapper glued"><table class="docutils"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>",
        format="html",
    )


def cell(text: str) -> str:
    """One cell; what was not run is soft."""
    kind = ' class="absent"' if text == NOT_YET else ""
    return f"<td{kind}>{text}</td>"


class Index(SphinxDirective):
    """Every item of the paper: its page, its code, its test."""

    def run(self) -> Sequence[nodes.Node]:
        told: list[nodes.Node] = []
        for title, items in (
            ("Sections", SECTIONS),
            ("Equations", EQUATIONS),
            ("Figures", FIGURES),
            ("Tables", TABLES),
            ("Sentences that a run can check", SENTENCES),
        ):
            told.append(nodes.rubric("", title))
            told.append(self.table(items))
        return told

    def table(self, items: Sequence[Item]) -> nodes.Node:
        head = ("item", "what", "code, or why there is none", "test")
        rows = [
            (
                f'<a href="{address(item.page)}">{item.name}</a>',
                item.about,
                "<br>".join(f"<code>{short(c)}</code>" for c in item.code) or item.reason,
                "<br>".join(f"<code>{short(t)}</code>" for t in item.tests) or "–",
            )
            for item in items
        ]
        made = html_table(head, rows)
        return nodes.container("", made, classes=["items"])


def address(page: str) -> str:
    """Of a companion page, seen from another one."""
    name, _, anchor = page.partition("#")
    return f"{name}.html" + (f"#{anchor}" if anchor else "")


def short(reference: str) -> str:
    """A reference that may be broken at its parts."""
    short = reference.removeprefix("src/deepres/").removeprefix("tests/unit/")
    return short.replace("/", "/<wbr>").replace(":", ":<wbr>", 1)


def ruled(app: Sphinx, name: str, source: list[str]) -> None:
    """A page with a number that is not glued is a warning, and a warning is an error."""
    if prose.ruled(name):
        for found in prose.loose(source[0]):
            LOGGER.warning("a number that is not glued: %s", found, location=name)


def founded(app: Sphinx) -> None:
    """So is an item of the paper that has neither code nor a reason."""
    for sentence in unfounded():
        LOGGER.warning("the index: %s", sentence)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tells Sphinx of them."""
    for role in ROLES:
        app.add_role(role, Number())
    app.add_role("test", Test())
    directives: dict[str, type[Directive]] = {
        "picture": Drawn,
        "glued": Glued,
        "paper-items": Index,
    }
    for name, directive in directives.items():
        app.add_directive(name, directive)
    app.connect("builder-inited", founded)
    app.connect("source-read", ruled)
    assert len({item.name for item in ITEMS}) == len(ITEMS)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

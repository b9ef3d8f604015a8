"""Pictures as inline SVG: a few shapes in the page's own colours, so that they turn dark with it.

A picture is drawn some 360 units wide, the width of a phone, and grows from there: its letters can
be read on the smallest screen. Colours are the variables of `site.css`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import Literal

WIDTH = 360
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Picture:
    """A finished picture: its drawing, and in words what it shows."""

    svg: str
    alt: str


@dataclass
class Canvas:
    """Shapes that add up to a drawing."""

    height: float
    width: float = WIDTH
    parts: list[str] = field(default_factory=list)

    def box(
        self, x: float, y: float, w: float, h: float, colour: str = "panel", *, kind: str = ""
    ) -> None:
        """A filled rectangle; `kind` is a class of `site.css` (outline, ghost, layer)."""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="3"'
            f' fill="var(--{colour})" class="{kind}"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        anchor: Anchor = "middle",
        kind: str = "",
    ) -> None:
        """Words; `kind` is a class: strong, soft, small, code."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">'
            f"{escape(words)}</text>"
        )

    def path(self, way: str, colour: str = "soft", kind: str = "") -> None:
        """A line along an SVG path; `kind`: arrow, dashed, thick, thin."""
        arrow = ' marker-end="url(#arrow)"' if "arrow" in kind else ""
        self.parts.append(
            f'<path d="{way}" fill="none" stroke="var(--{colour})" class="{kind}"{arrow}/>'
        )

    def dot(self, x: float, y: float, r: float, colour: str, said: str = "") -> None:
        """A dot, with words for whoever points at it."""
        title = f"<title>{escape(said)}</title>" if said else ""
        self.parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="var(--{colour})">{title}</circle>'
        )

    def raw(self, markup: str) -> None:
        """Markup as it is: an image."""
        self.parts.append(markup)

    def done(self, alt: str) -> Picture:
        """The picture, with what it says in words."""
        arrow = (
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8"'
            ' markerHeight="8" markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
            '<path d="M0 0L8 4L0 8z" fill="var(--soft)"/></marker></defs>'
        )
        svg = (
            f'<svg class="drawn" viewBox="0 0 {self.width:g} {self.height:g}" role="img"'
            f' aria-label="{escape(alt)}">{arrow}{"".join(self.parts)}</svg>'
        )
        return Picture(svg, alt)


def listed(words: Iterable[object]) -> str:
    """a, b and c."""
    told = [str(word) for word in words]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"

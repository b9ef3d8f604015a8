"""Table 1, counted: a study that trains nothing."""

from collections.abc import Sequence
from typing import Any

from ..models.count import count
from ..models.named import named
from ..studies.study import Study
from .as_markdown import table
from .blocks import Block, Code, Heading, Table, Text


def counted(study: Study) -> list[dict[str, Any]]:
    """Each network run without memory, its multiply-adds counted."""
    told = []
    for row in study.rows:
        found = count(named(row.network, None, device="meta"), study.size)
        told.append(
            {
                "name": row.name,
                "network": row.network,
                "layers": found.layers,
                "parameters": found.parameters,
                "multiply_adds": found.multiply_adds,
                "paper": row.paper.note if row.paper else None,
            }
        )
    return told


def counted_blocks(study: Study, rows: Sequence[dict[str, Any]]) -> list[Block]:
    """The page."""
    return [
        Heading(study.title, 1),
        *(Text(text) for text in study.text),
        Code(f"deepres run {study.name}"),
        Heading("Counted here, printed there"),
        counted_table(rows),
        Text("`deepres show resnet50` prints a column of the table, stage by stage.", "soft"),
    ]


def counted_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Ours beside the paper's."""
    return Table(
        ["network", "layers", "parameters", "multiply-adds", "paper prints"],
        [
            (
                row["network"],
                str(row["layers"]),
                f"{row['parameters']:,}",
                f"{row['multiply_adds'] / 1e9:.3f}e9",
                row["paper"] or "-",
            )
            for row in rows
        ],
    )


def counted_text(study: Study, rows: Sequence[dict[str, Any]]) -> str:
    """For a terminal."""
    return "\n".join([study.title, "", *table(counted_table(rows))])

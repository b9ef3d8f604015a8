"""A study's results as rows of plain numbers for scripts, and as text for a terminal."""

from typing import Any

from ..studies.rows import Results
from ..studies.study import told_scale
from ..studies.told import Told
from .as_markdown import table
from .blocks import Text
from .tables import claims_table, main_tables


def rows_of(found: Results) -> list[dict[str, Any]]:
    """What `--json` prints: percent, and points of difference."""
    return [_row(found, row) for row in found.rows]


def _row(found: Results, row: Told) -> dict[str, Any]:
    against, paper = found.against_baseline(row), row.row.paper
    return {
        "name": row.row.name,
        "network": row.row.network,
        "scale": found.scale,
        "steps": told_scale(row.outcomes[0].run) if row.outcomes else None,
        "measure": row.row.measure,
        "n": len(row.errors),
        "seeds_declared": row.seeds,
        "mean": row.mean,
        "std": row.deviation,
        "best": row.best,
        "binomial": row.binomial,
        "errors": row.errors,
        "top5_errors": row.top5_errors,
        "training_errors": row.values("clean training error"),
        "paper": None
        if paper is None
        else {"error": paper.error, "spread": paper.spread, "note": paper.note},
        "difference": row.difference if found.comparable else None,
        "difference_from_baseline": against.difference if against else None,
        "smallest_difference": against.smallest if against else None,
        "keys": [one.key for one in row.outcomes],
    }


def ensembles_of(found: Results) -> list[dict[str, Any]]:
    """Networks whose scores were averaged: how many, and their error."""
    return [
        {
            "networks": len(one.members),
            "seen": one.test.seen,
            "top1_error": one.test.top1_error,
            "top5_error": one.test.top5_error,
            "keys": one.members,
        }
        for one in found.ensembles()
    ]


def text_of(found: Results) -> str:
    """The tables, as pipes and dashes: they read well in a terminal too."""
    lines = [f"{found.study.title} ({found.scale} scale, {found.data.name})"]
    for block in (*main_tables(found), *claims_table(found)):
        if isinstance(block, Text):
            lines += ["", block.text]
        else:
            lines += ["", *table(block)]
    return "\n".join(lines)

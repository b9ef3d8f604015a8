"""Fig. 7 of any weights: how strongly the layers of trained networks respond."""

import statistics
from collections.abc import Mapping, Sequence

from ..studies.study import Study
from .blocks import Block, Heading, Table, Text
from .panels import response_charts


def weights_blocks(study: Study, told: Mapping[str, Sequence[float]], pictures: str) -> list[Block]:
    """The figure, a table of means, and what was measured."""
    return [
        Heading(study.title, 1),
        *(Text(text) for text in study.text),
        Text(f"Measured on the first 1,000 pictures of {pictures}, clean.", "soft"),
        response_charts(told),
        Heading("Means over layers"),
        Table(
            ["network", "3x3 layers", "mean deviation", "smallest", "largest"],
            [
                (
                    name,
                    str(len(values)),
                    f"{statistics.fmean(values):.3f}",
                    f"{min(values):.3f}",
                    f"{max(values):.3f}",
                )
                for name, values in told.items()
            ],
        ),
    ]

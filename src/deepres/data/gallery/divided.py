"""A folder of pictures that nobody has divided: some of each class are set aside to test with."""

import numpy as np

from ...errors import UserError
from ...randomness import stream
from .scan import Scan

TESTED = 0.2  # of each class


def divided(whole: Scan) -> tuple[Scan, Scan]:
    """One draw for every run: a fifth of each class, at least one picture, is tested with."""
    of = np.array(whole.of)
    tested = np.zeros(len(of), bool)
    for label in whole.classes:
        mine = np.flatnonzero(of == label)
        if len(mine) < 2:
            raise UserError(f"{whole.where}: class {label} has 1 picture, too few to split.")
        count = max(1, round(TESTED * len(mine)))
        tested[stream(0, f"folder split {label}").permutation(mine)[:count]] = True
    return whole.part(~tested), whole.part(tested)

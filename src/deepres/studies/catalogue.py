"""All studies by name: a tuple to read, nothing registers itself."""

import difflib

from ..errors import UserError
from . import (
    cifar_plain_and_residual,
    existence,
    fast,
    figure1,
    figure4,
    figure6,
    figure7,
    table1,
    table1_on_cifar,
    table2,
    table2_on_imagenette,
    table3,
    table4,
    table5,
    table6,
)
from .ablations import (
    decay,
    images,
    last_gamma,
    momentum,
    padding,
    replicas,
    shortcuts,
    statistics,
    warm_up,
)
from .study import Study

MODULES = (
    *(table1, table2, table3, table4, table5, table6),
    *(figure1, figure4, figure6, figure7, existence),
    *(cifar_plain_and_residual, table1_on_cifar, table2_on_imagenette, fast),
    *(replicas, momentum, images, padding, statistics, decay, last_gamma, warm_up, shortcuts),
)
STUDIES: dict[str, Study] = {module.STUDY.name: module.STUDY for module in MODULES}


def study(name: str) -> Study:
    """A study by its name."""
    if name in STUDIES:
        return STUDIES[name]
    near = difflib.get_close_matches(name, STUDIES, n=2, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else " `deepres list` shows them."
    raise UserError(f"There is no study {name!r}.{hint}")

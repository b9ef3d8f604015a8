"""The precision that a command is asked for: of a study's runs, on a processor that may lack it."""

from typing import TYPE_CHECKING

from ..errors import UserError
from . import note

if TYPE_CHECKING:
    from ..studies.study import Study


def in_named(study: "Study", precision: str) -> "Study":
    """The study of runs in this precision; as it is declared they are in fp32."""
    from ..studies.study import in_precision

    if precision == "fp32":
        return study
    if precision not in ("bf16", "fp16"):
        raise UserError(f"--precision {precision}: runs are in fp32, bf16 or fp16.")
    if study.kind == "counted":
        raise UserError(f"--precision {precision} is of trainings: {study.name} trains nothing.")
    return in_precision(study, precision)  # type: ignore[arg-type]


def precision_of(study: "Study") -> str:
    """Of all its runs."""
    return study.rows[0].recipe.precision


def page_name(study: "Study") -> str:
    """Of its page's file: those of two precisions lie side by side."""
    precision = precision_of(study)
    return f"{study.name}.html" if precision == "fp32" else f"{study.name}-{precision}.html"


def warn_of(precision: str) -> None:
    """Half precision where the processor has no units for it: slower, and still other numbers."""
    from ..accel.precision import bf16_gain

    if precision == "bf16" and (gain := bf16_gain()) < 1:
        note(
            "--precision bf16: this processor has no units for it and multiplies"
            f" {1 / gain:.1f} times slower than in fp32, which is the paper's."
        )
    if precision == "fp16":
        note("--precision fp16 is for GPUs that lack bf16; a processor computes in it slowly.")

"""What is said of a finished run: fields for scripts, lines for people."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..runs.folder import Folder
    from ..runs.result import Result
    from ..spec import Run


def answer(folder: "Folder", run: "Run", result: "Result") -> dict[str, Any]:
    """The fields that scripts rely on, and counts beside the percentages."""
    fields: dict[str, Any] = {
        "out": str(folder.path.resolve()),
        "key": result.key,
        "precision": run.recipe.precision,
        "steps": result.steps,
        "seconds": result.seconds,
        "images_per_second": result.images_per_second,
        "train_error": result.trained_on.top1_error,
        "top1_error": result.test.top1_error,
        "top5_error": result.test.top5_error,
        "seen": result.test.seen,
        "top1_errors": result.test.top1,
        "top5_errors": result.test.top5,
        "train_error_while_training": result.while_training.top1_error,
        "top1_error_running_statistics": result.test_running.top1_error,
        "weights": str(folder.weights.resolve()),
        "report": str(folder.report.resolve()),
    }
    if result.held_out is not None:
        fields["held_out_error"] = result.held_out.top1_error
    return fields


def told(folder: "Folder", run: "Run", result: "Result") -> str:
    """The same for people."""
    from .known import minutes_and_seconds

    test, running, clean = result.test, result.test_running, result.trained_on
    half = "" if run.recipe.precision == "fp32" else f" ({run.recipe.precision})"
    lines = [
        f"{run.name}{half}: {result.steps:,} steps in {minutes_and_seconds(result.seconds)},"
        f" {result.images_per_second:,.0f} images/s",
        f"top-1 error {test}",
        f"top-5 error {test.top5_error:.2f} % ({test.top5}/{test.seen})",
        f"  with running statistics: top-1 error {running}",
        f"training error {clean}, clean; {result.while_training} in the last steps, augmented",
    ]
    if result.held_out is not None:
        lines.insert(4, f"held-out error {result.held_out}")
    return "\n".join([*lines, f"weights {folder.weights}", f"report {folder.report}"])

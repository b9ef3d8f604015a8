"""Weights that come with the package, found by looking. No torch: `deepres list` is quick."""

from pathlib import Path

FOLDER = Path(__file__).parent.parent / "bundled"


def names() -> list[str]:
    """What they are called: folders with weights in them, and .safetensors files."""
    return sorted(path.name.removesuffix(".safetensors") for path in FOLDER.glob("*") if _is(path))


def located(name: str) -> Path | None:
    """The folder or file of that name; None where none is bundled."""
    if name not in names():
        return None
    folder = FOLDER / name
    return folder if folder.is_dir() else FOLDER / f"{name}.safetensors"


def _is(path: Path) -> bool:
    if path.is_dir():
        return (path / "weights.safetensors").is_file()
    return path.suffix == ".safetensors"

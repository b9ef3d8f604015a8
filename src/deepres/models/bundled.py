"""Weights that come with the package, found by looking. No torch: `deepres list` is quick."""

from pathlib import Path

from ..card import Card, decode

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


def told(name: str) -> str:
    """What bundled weights are: network, data, schedule and error."""
    card = _card(name)
    parts, numbers, made = [card.network], card.numbers, card.provenance
    if "steps" in made:
        full = f" in place of {made['scaled_from_steps']:,}" if "scaled_from_steps" in made else ""
        how = f" of --recipe {made['recipe']}" if "recipe" in made else ""
        parts.append(f"{made['data']}, {made['steps']:,} steps{full}{how}")
    if "top1_errors" in numbers:
        parts.append(
            f"top-1 error {numbers['top1_error']:.2f} %"
            f" ({numbers['top1_errors']:.0f}/{numbers['seen']:.0f})"
        )
    return "; ".join(parts)


def _card(name: str) -> Card:
    where = located(name)
    assert where is not None
    return decode(
        (where / "card.json" if where.is_dir() else where.with_suffix(".json")).read_bytes()
    )


def _is(path: Path) -> bool:
    if path.is_dir():
        return (path / "weights.safetensors").is_file()
    return path.suffix == ".safetensors"

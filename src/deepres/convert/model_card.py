"""The README.md that a hub shows for a network: what our card knows, in words."""

import json
from collections.abc import Iterator

from ..card import Card
from ..spec import Arch

STRIDE = {"first": "its first 1x1, as the authors released it", "3x3": "its 3x3 (v1.5)"}

# Prefixes of a run's numbers, and the pictures they are of.
PICTURES = {
    "": "test",
    "running_": "test, running statistics",
    "train_": "trained on",
    "held_": "held out",
}


def model_card(card: Card, arch: Arch) -> str:
    """Markdown with the hub's front matter."""
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: image-classification",
        "tags: [vision, image-classification, resnet, 'arxiv:1512.03385']",
        *_index(card),
        "---",
        "",
        f"# {card.network}",
        "",
        "A network of *Deep Residual Learning for Image Recognition* (arXiv 1512.03385), written"
        " by deepres.",
        "",
        *_network(card, arch),
        *_results(card),
        *_origin(card),
        "",
        "```python",
        "from transformers import AutoImageProcessor, ResNetForImageClassification",
        "",
        'processor = AutoImageProcessor.from_pretrained("THIS_FOLDER")',
        'network = ResNetForImageClassification.from_pretrained("THIS_FOLDER").eval()',
        "```",
    ]
    return "\n".join(lines) + "\n"


def _network(card: Card, arch: Arch) -> Iterator[str]:
    how = card.preprocessing
    yield (
        f"- {arch.layers} layers, {arch.block} blocks {arch.depths}, shortcuts of option"
        f" {arch.shortcut}"
    )
    if arch.block == "bottleneck":
        yield f"- a bottleneck halves its map at {STRIDE[arch.stride_at]}"
    yield f"- {arch.classes} classes" + ("" if card.classes else ", which have no names here")
    yield (
        f"- pictures: shorter side {how.resize} ({how.interpolation}), centre {how.size} x"
        f" {how.size}, {how.colour} from 0 to {how.maximum}, mean {_row(how.mean)}, deviation"
        f" {_row(how.std)}"
    )
    yield f"- read from: {card.source}"
    yield from (f"- assumed: {sentence}" for sentence in card.guessed)


def _index(card: Card) -> Iterator[str]:
    """The hub's own form of a test result, where a run left one."""
    data, error = card.provenance.get("data"), card.numbers.get("top1_error")
    if data is None or error is None:
        return
    yield "model-index:"
    yield f"- name: {card.network}"
    yield "  results:"
    yield "  - task: {type: image-classification}"
    yield f"    dataset: {{name: {json.dumps(str(data))}, type: {json.dumps(str(data))}}}"
    yield f"    metrics: [{{type: accuracy, value: {100 - error:.2f}}}]"


def _results(card: Card) -> Iterator[str]:
    """Errors with their counts; numbers of other kinds as they are."""
    rows, told = list[str](), set[str]()
    for prefix, name in PICTURES.items():
        keys = [f"{prefix}{key}" for key in ("top1_error", "top1_errors", "seen")]
        if all(key in card.numbers for key in keys):
            error, count, seen = (card.numbers[key] for key in keys)
            rows.append(f"| {name} | {error:.2f} % | {count:,.0f} of {seen:,.0f} |")
            told.update(keys)
    if rows:
        yield from (
            "",
            "## Errors",
            "",
            "| pictures | top-1 error | wrong |",
            "|---|---|---|",
            *rows,
        )
    others = sorted(card.numbers.keys() - told)
    yield from ["", *(f"- {name}: {card.numbers[name]:g}" for name in others)] if others else []


def _origin(card: Card) -> Iterator[str]:
    """The run that it comes from, or the file."""
    if card.provenance:
        yield from ("", "## Where it comes from", "")
        yield from (
            f"- {name.replace('_', ' ')}: {card.provenance[name]}"
            for name in sorted(card.provenance)
        )


def _row(values: tuple[float, float, float]) -> str:
    return " ".join(f"{value:g}" for value in values)

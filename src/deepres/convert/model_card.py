"""The README.md that a hub shows for a network: what our card knows, in words."""

from ..card import Card
from ..spec import Arch

STRIDE = {"first": "its first 1x1, as the authors released it", "3x3": "its 3x3 (v1.5)"}


def model_card(card: Card, arch: Arch) -> str:
    """Markdown with the hub's front matter."""
    how = card.preprocessing
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: image-classification",
        "tags: [vision, image-classification, resnet, 'arxiv:1512.03385']",
        "---",
        "",
        f"# {card.network}",
        "",
        "A network of *Deep Residual Learning for Image Recognition* (arXiv 1512.03385), written"
        " by deepres.",
        "",
        f"- {arch.layers} layers, {arch.block} blocks {arch.depths}, shortcuts of option"
        f" {arch.shortcut}",
    ]
    if arch.block == "bottleneck":
        lines.append(f"- a bottleneck halves its map at {STRIDE[arch.stride_at]}")
    lines += [
        f"- {arch.classes} classes" + ("" if card.classes else ", which have no names here"),
        f"- pictures: shorter side {how.resize} ({how.interpolation}), centre {how.size} x"
        f" {how.size}, {how.colour} from 0 to {how.maximum}, mean {_row(how.mean)}, deviation"
        f" {_row(how.std)}",
        f"- read from: {card.source}",
        *(f"- assumed: {sentence}" for sentence in card.guessed),
        *(f"- {name}: {number:g}" for name, number in sorted(card.numbers.items())),
        "",
        "```python",
        "from transformers import AutoImageProcessor, ResNetForImageClassification",
        "",
        'processor = AutoImageProcessor.from_pretrained("THIS_FOLDER")',
        'network = ResNetForImageClassification.from_pretrained("THIS_FOLDER").eval()',
        "```",
    ]
    return "\n".join(lines) + "\n"


def _row(values: tuple[float, float, float]) -> str:
    return " ".join(f"{value:g}" for value in values)

"""What goes into an exported file: a normalised tensor, or the bytes of RGB pictures."""

from typing import Literal

import torch
from msgspec import structs
from torch import Tensor, nn

from ..accel.fuse import fused
from ..card import Card, Preprocessing
from ..models.pixels import factor_and_shift, normalised
from ..models.predict import carded
from ..models.resnet import ResNet

Takes = Literal["normalised", "rgb"]
TAKES: dict[Takes, str] = {
    "normalised": "float32 N x 3 x {0} x {0}, normalised as the card says",
    "rgb": "uint8 N x {0} x {0} x 3, RGB as it is decoded",
}
FORWARDED = Preprocessing(size=1, resize=1, maximum=255, mean=(0, 0, 0), std=(1, 1, 1))


def known(text: str | None) -> Takes | None:
    """What a word asks for; None where there is nothing of that name."""
    return next((one for one in TAKES if one == text), None)


def usual(network: ResNet) -> Takes:
    """What its file takes unless told: a mean image cannot be left to those who run the file."""
    return "rgb" if carded(network).preprocessing.mean_image else "normalised"


class FromBytes(nn.Module):
    """The network with the normalisation of its card before it, as constants."""

    factor: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, how: Preprocessing, mean_image: Tensor | None) -> None:
        super().__init__()
        self.network, self.blue_first = network, how.colour == "BGR"
        factor, shift = factor_and_shift(how, mean_image)
        self.register_buffer("factor", factor)
        self.register_buffer("shift", shift)

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures.permute(0, 3, 1, 2).float()
        if self.blue_first:
            x = x.flip(1)
        return self.network(x * self.factor + self.shift)


def traceable(network: ResNet, takes: Takes) -> tuple[nn.Module, Tensor]:
    """What is exported, batch normalisation folded, and an example of its input."""
    made = fused(network).requires_grad_(False)
    made.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    how = carded(network).preprocessing
    if takes == "rgb":
        example = torch.zeros(2, how.size, how.size, 3, dtype=torch.uint8)
        return FromBytes(made, how, network.mean_image).eval(), example
    return made.eval(), torch.zeros(2, 3, how.size, how.size)


def given(pixels: Tensor, network: ResNet, takes: Takes) -> Tensor:
    """Pictures, N x size x size x 3 uint8, as the file takes them."""
    if takes == "rgb":
        return pixels.contiguous()
    return normalised(pixels, carded(network).preprocessing, network.mean_image).contiguous()


def card_of_file(card: Card, takes: Takes) -> Card:
    """The card of a loaded file: what normalises within needs plain pixels from outside."""
    if takes == "normalised":
        return card
    how = structs.replace(
        FORWARDED,
        size=card.preprocessing.size,
        resize=card.preprocessing.resize,
        interpolation=card.preprocessing.interpolation,
    )
    return structs.replace(card, preprocessing=how)

"""What choosing an engine asks about a network, or about an exported file of one."""

import msgspec
import torch
from torch import Tensor

from ..errors import UserError
from ..models.count import multiply_adds
from ..models.pixels import normalised
from ..models.predict import carded
from ..models.resnet import ResNet
from .engines import TYPES, Engine, File

SIZES = (1, 8, 64)  # batches that are told apart
MUCH = 4e10  # multiply-adds of a batch, above which a smaller one tells as much
WIDE = 8 * 256**2  # the same in pixels, for files: their multiply-adds cannot be counted
Subject = ResNet | Engine


def file_of(network: Subject) -> File:
    """The file behind an exported network; a network and what is made of it have none."""
    if isinstance(network, ResNet) or network.file is None:
        raise ValueError("only what was loaded from an exported file has one")
    return network.file


def precision_of(network: Subject, asked: str) -> str:
    """What is to be computed in: a file was exported in one precision, and fp32 asks for it."""
    if isinstance(network, ResNet):
        if asked not in TYPES:
            raise UserError(f"--precision {asked}: choose fp32 or bf16.")
        return asked
    file = file_of(network)
    if asked not in ("fp32", file.precision):
        raise UserError(
            f"--precision {asked} is for networks: {file.path} was exported in {file.precision}."
        )
    return file.precision


def timed_with(network: Subject, batch: float) -> int:
    """The size of batch that tells how one of this size will do."""
    size = edge(network)
    if isinstance(network, ResNet):
        work, much = multiply_adds(network, size), MUCH
    else:
        work, much = size * size, WIDE
    fitting = [size for size in SIZES if size == 1 or size * work <= much]
    return next((size for size in fitting if batch <= size), fitting[-1])


def edge(network: Subject) -> int:
    """Of its pictures, as its card says, or its kind."""
    if isinstance(network, ResNet) and network.card is None:
        return network.arch.input_size
    return carded(network).preprocessing.size


def pictures_like(network: Subject, batch: int) -> Tensor:
    """Noise of the size that the network takes; for a file, of pixels."""
    size, generator = edge(network), torch.Generator().manual_seed(0)
    if isinstance(network, ResNet):
        x = torch.randn(batch, 3, size, size, generator=generator)
    else:
        shape = (batch, size, size, 3)
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        x = normalised(pixels, carded(network).preprocessing, network.mean_image)
    return x.contiguous(memory_format=torch.channels_last)


def facts(network: Subject, batch: int, precision: str) -> list[object]:
    """What a measurement depends on, beside the machine: the shape of a network, all of a file."""
    if isinstance(network, ResNet):
        return [msgspec.to_builtins(network.arch), edge(network), batch, precision]
    return [file_of(network).digest(), batch, precision]

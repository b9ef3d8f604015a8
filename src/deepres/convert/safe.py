"""safetensors files of others, their header checked before anything is believed."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..errors import UserError


def read(path: Path) -> dict[str, Tensor]:
    """Every tensor of the file."""
    try:
        return load_file(path)
    except SafetensorError as error:
        raise UserError(f"{path} is not a whole safetensors file ({error}).") from None

"""Training pictures that lie on a device from the start: windows are cut where the pixels are."""

import numpy as np
import torch
from torch import Tensor

from ...data.augment import Normalisation
from ...data.images import Images
from ...spec import Recipe
from .drawn import CHOSEN, DOWN, MIRRORED, PLACE, RIGHT


class Resident:
    """All pictures, padded, as bytes; their labels; the means that are subtracted."""

    def __init__(
        self, images: Images, how: Normalisation, recipe: Recipe, device: torch.device
    ) -> None:
        shift = recipe.shift
        border = ((0, 0), (shift, shift), (shift, shift), (0, 0))
        self.edge = images.pixels.shape[1]
        self.pixels = torch.from_numpy(np.pad(images.pixels, border)).to(device)
        self.labels = torch.from_numpy(images.labels).to(device)
        self.means, self.scale = how.means.to(device), how.scale.to(device)
        self.line = torch.arange(self.edge, device=device)

    def batch(self, draws: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures that one step drew, as `augment.drawn` gives them: N x 3 x H x W."""
        chosen, down, right = (draws[field].long() for field in (CHOSEN, DOWN, RIGHT))
        padded = self.pixels.shape[1]
        rows = (chosen * padded + down)[:, None] + self.line  # N x H, in the whole array
        mirrored = draws[MIRRORED].bool()[:, None]
        columns = right[:, None] + torch.where(mirrored, self.line.flip(0), self.line)
        where = rows[:, :, None] * padded + columns[:, None, :]
        pixels = self.pixels.view(-1, 3)[where]  # N x H x W x 3
        means = self.means.index_select(0, draws[PLACE])
        x = torch.sub(pixels.flatten(1), means).mul_(self.scale).view(pixels.shape)
        return x.permute(0, 3, 1, 2), self.labels[chosen]

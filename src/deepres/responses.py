"""How strongly the layers of a network respond (Fig. 7): deviations behind batch normalisation."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass
class Spread:
    """The deviation of all values that came by: counted, never kept."""

    count: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, values: Tensor) -> None:
        """Takes in one batch's."""
        exact = values.double()
        self.count += values.numel()
        self.sums[0] += float(exact.sum())
        self.sums[1] += float(exact.square().sum())

    @property
    def deviation(self) -> float:
        """Over all of them."""
        mean = self.sums[0] / self.count
        return max(0.0, self.sums[1] / self.count - mean**2) ** 0.5


def normalised_3x3(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The batch normalisation behind each 3x3 convolution, first layer first, by its name."""
    found: list[tuple[str, nn.Module]] = []
    before = None
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            before = module
        elif isinstance(module, nn.BatchNorm2d):
            if before is not None and before.kernel_size == (3, 3):
                found.append((name, module))
            before = None
    return found


@torch.inference_mode()
def deviations(network: nn.Module, batches: Iterable[Tensor]) -> list[float]:
    """A deviation for each 3x3 layer, over pictures, places and channels, in evaluation mode.

    What is measured is what batch normalisation gives, before ReLU or the addition.
    """
    training = network.training
    with _listening(network) as spreads:
        for images in batches:
            network.eval()(images)
    network.train(training)
    return [spread.deviation for spread in spreads]


@contextmanager
def _listening(network: nn.Module) -> Iterator[list[Spread]]:
    spreads, hooks = [], []
    for _, module in normalised_3x3(network):
        spread = Spread()
        spreads.append(spread)

        def heard(_: nn.Module, __: tuple[Tensor], out: Tensor, into: Spread = spread) -> None:
            into.add(out)

        hooks.append(module.register_forward_hook(heard))
    try:
        yield spreads
    finally:
        for hook in hooks:
            hook.remove()

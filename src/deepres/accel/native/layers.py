"""A network's step with our own kernels in place of torch's, where they fit."""

from torch import Tensor, nn

from ...data.batches import Batch
from ...train import State, Step
from ..replaced import Pass, replaced
from .winograd import convolved, fits, takes


def fitting(network: nn.Module) -> list[nn.Conv2d]:
    """The layers that our kernels can compute."""
    return [m for m in network.modules() if isinstance(m, nn.Conv2d) and fits(m)]


def natively(step: Step) -> Step:
    """The same step by our kernels, what is computed again on the way back as well."""

    def by_kernels(state: State, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
        with replaced(fitting(state.network), _convolution):
            return step(state, batch, rate)

    return by_kernels


def _convolution(layer: nn.Conv2d, before: Pass) -> Pass:
    return lambda x: convolved(x, layer.weight) if takes(x) else before(x)

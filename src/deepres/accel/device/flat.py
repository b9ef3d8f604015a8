"""A state whose tensors lie one after the other: what is done to all of them is one operation.

Parameters, velocities and statistics keep their names and become views, so that a state is saved,
restored and looked at as ever, and goes on anywhere.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...errors import UserError
from ...population import normalisations
from ...train import State


class Flat:
    """One tensor each of weights, velocities, running means, variances and counts."""

    @torch.no_grad()
    def __init__(self, state: State) -> None:
        optimiser, network = state.optimiser, state.network
        names = sorted(optimiser.parameters, key=lambda name: _small(optimiser.parameters[name]))
        parameters = [optimiser.parameters[name] for name in names]
        self.half_until = sum(p.numel() for p in parameters if not _small(p))
        self.shapes = [p.shape for p in parameters]
        self.weights = _laid([p.data for p in parameters])
        self.velocity = _laid([optimiser.velocity[name] for name in names])
        self.gradients = torch.zeros_like(self.weights)
        for name, p, w, v in zip(
            names, parameters, self.views(self.weights), self.views(self.velocity), strict=True
        ):
            p.data = w
            optimiser.velocity[name] = v
        self.kept, self.average = optimiser.kept, self.weights[:0]
        if optimiser.average:
            self.average = _laid([optimiser.average[name] for name in names])
            optimiser.average.update(zip(names, self.views(self.average), strict=True))
        self.parameters = parameters
        self.decay = _spread([optimiser.decay[name] for name in names], parameters)
        self.share = _spread([optimiser.share[name] for name in names], parameters)
        self.update, self.momentum = optimiser.update, optimiser.momentum
        self._statistics(network)

    def _statistics(self, network: nn.Module) -> None:
        layers = list(normalisations(network).values())
        momenta = {layer.momentum for layer in layers}
        if len(momenta) > 1 or None in momenta:
            raise UserError("Layers that normalise with different momenta do not train as a graph.")
        self.layers, self.keep = layers, layers[0].momentum or 0.0
        self.means = torch.cat([_there(layer.running_mean) for layer in layers])
        self.variances = torch.cat([_there(layer.running_var) for layer in layers])
        self.counts = torch.stack([_there(layer.num_batches_tracked) for layer in layers])
        sizes = [layer.num_features for layer in layers]
        for at, (layer, mean, variance) in enumerate(
            zip(
                layers,
                torch.split(self.means, sizes),
                torch.split(self.variances, sizes),
                strict=True,
            )
        ):
            layer.running_mean, layer.running_var = mean, variance
            layer.num_batches_tracked = self.counts[at]

    def views(self, whole: Tensor) -> list[Tensor]:
        """A flat tensor, or its head, as the parameters' shapes; convolutions lie channels last."""
        found, at = [], 0
        for shape in self.shapes:
            if at == len(whole):
                break
            found.append(_view(whole[at : at + shape.numel()], shape))
            at += shape.numel()
        return found

    def changed(self) -> list[Tensor]:
        """All that a step changes for good."""
        held = [self.weights, self.velocity, self.average]
        return [*held, self.means, self.variances, self.counts]

    def gather(self, gradients: Sequence[Tensor]) -> None:
        """Every parameter's gradient into its place, whatever its precision."""
        rows = [_row(g) for g in gradients]
        large = sum(not _small(p) for p in self.parameters)
        for part, into in (
            (rows[:large], slice(self.half_until)),
            (rows[large:], slice(self.half_until, None)),
        ):
            if part:
                self.gradients[into].copy_(torch.cat(part))

    def step(self, rate: Tensor) -> None:
        """Gradient, decay, momentum: what `Momentum.step` does to each, to all at once."""
        if isinstance(self.decay, float):
            g = self.gradients.add_(self.weights, alpha=self.decay)
        else:
            g = self.gradients.addcmul_(self.weights, self.decay)
        self.update(self.weights, g, self.velocity, rate * self.share, self.momentum)
        if len(self.average):
            self.average.lerp_(self.weights, 1 - self.kept)

    def follow(self, means: Tensor, variances: Tensor) -> None:
        """The running statistics move once for each replica, in turn: replicas x features."""
        for mean, variance in zip(means, variances, strict=True):
            self.means.mul_(1 - self.keep).add_(mean, alpha=self.keep)
            self.variances.mul_(1 - self.keep).add_(variance, alpha=self.keep)
        self.counts.add_(len(means))


def _small(p: Tensor) -> bool:
    """Kept in full precision: vectors, and the classifier; convolutions are not."""
    return p.ndim < 4


def _there(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor


def _row(tensor: Tensor) -> Tensor:
    """As it lies: a convolution's weights by output, height, width, input."""
    return (tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor).reshape(-1)


def _laid(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([_row(tensor) for tensor in tensors])


def _view(part: Tensor, shape: torch.Size) -> Tensor:
    if len(shape) != 4:
        return part.view(shape)
    outputs, inputs, height, width = shape
    return part.view(outputs, height, width, inputs).permute(0, 3, 1, 2)


def _spread(values: Sequence[float], parameters: Sequence[Tensor]) -> float | Tensor:
    """One number where all are alike, else one for each weight."""
    if len(set(values)) == 1:
        return values[0]
    return torch.cat([torch.full_like(_row(p), v) for v, p in zip(values, parameters, strict=True)])

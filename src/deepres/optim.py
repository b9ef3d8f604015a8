"""Gradient descent with momentum as the paper's Caffe does it; later forms are named choices.

There is no scheduler: the rate comes in with every step.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .spec import Recipe

Rate = float | Tensor  # a tensor where a compiled step would freeze a number


def caffe(w: Tensor, g: Tensor, v: Tensor, rate: Rate, momentum: float) -> None:
    """v <- m v + r g; w <- w - v: after a drop the velocity still moves at the old rate."""
    v.mul_(momentum).add_(g * rate)
    w.sub_(v)


def torch_form(w: Tensor, g: Tensor, v: Tensor, rate: Rate, momentum: float) -> None:
    """v <- m v + g; w <- w - r v: a drop slows the velocity at once."""
    v.mul_(momentum).add_(g)
    w.sub_(v * rate)


def nesterov(w: Tensor, g: Tensor, v: Tensor, rate: Rate, momentum: float) -> None:
    """torch's form, looking one step ahead: w <- w - r (g + m v)."""
    v.mul_(momentum).add_(g)
    w.sub_((g + momentum * v) * rate)


NEW = "fc."  # the classifier, which fine-tuning draws anew
FORMS: dict[str, Callable[[Tensor, Tensor, Tensor, Rate, float], None]] = {
    "caffe": caffe,
    "torch": torch_form,
    "nesterov": nesterov,
}


class Momentum:
    """A velocity for every parameter that learns, under the parameter's name."""

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        learning = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self.parameters = learning
        self.velocity = {name: torch.zeros_like(p) for name, p in learning.items()}
        spared = recipe.decay_on == "weights"
        # what is tested, where a recipe averages: `average` of it stays at each step
        self.average = (
            {name: p.detach().clone() for name, p in learning.items()} if recipe.average else {}
        )
        self.kept = recipe.average
        self.decay = {
            name: 0.0 if spared and p.ndim < 2 else recipe.decay for name, p in learning.items()
        }
        self.share = {
            name: 1.0 if name.startswith(NEW) else recipe.old_rate for name in learning
        }  # of the rate
        self.momentum, self.update = recipe.momentum, FORMS[recipe.momentum_form]

    @torch.no_grad()
    def step(self, rate: Rate) -> None:
        """Moves every parameter that has a gradient: g + decay w, as Caffe adds it up."""
        for name, w in self.parameters.items():
            if w.grad is not None:
                g = w.grad.add(w, alpha=self.decay[name])
                self.update(w, g, self.velocity[name], rate * self.share[name], self.momentum)
        for name, average in self.average.items():
            average.lerp_(self.parameters[name], 1 - self.kept)

    @torch.no_grad()
    def take_average(self) -> None:
        """The parameters become their averages, where a recipe averages: for tests, at the end."""
        for name, average in self.average.items():
            self.parameters[name].copy_(average)

    def forget_gradients(self) -> None:
        """So that the next backward pass writes rather than adds."""
        for w in self.parameters.values():
            w.grad = None

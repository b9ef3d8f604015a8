"""One training step on fixed tensors: forward, backward and update, launched as one graph.

The numbers of `train.eager` to rounding. The rate comes in a tensor; loss and errors are counted
on the device, and nobody waits for them but whoever reads them.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.batches import Batch
from ...errors import UserError
from ...models.resnet import ResNet
from ...spec import Recipe
from ...train import State, mistakes
from .captured import captured
from .feed import Placed
from .flat import Flat
from .network import fits, logits
from .normalised import Formulas, Normalised, Ways

PRODUCTS = {"bf16": torch.bfloat16}  # fp16 asks each step whether it overflowed
AHEAD = 32  # steps that the device may lag behind: further, and nobody knew how fast it is


@dataclass
class Graph:
    """What a step works on, and how it is launched; made for one state, at its first step."""

    state: State
    flat: Flat
    recipe: Recipe
    ways: Ways
    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        network = self.state.network
        assert isinstance(network, ResNet)
        flat, recipe = self.flat, self.recipe
        full = flat.weights.dtype
        self.product = PRODUCTS.get(recipe.precision, full)
        self.rate = torch.zeros((), dtype=full, device=flat.weights.device)
        self.told = torch.zeros(2, dtype=torch.float64, device=flat.weights.device)
        self.half = flat.weights[: flat.half_until].to(self.product)
        self.leaves = flat.views(self.half) if self.product != full else []
        self.leaves = [leaf.requires_grad_() for leaf in self.leaves]
        self.leaves += flat.parameters[len(self.leaves) :]
        place = {id(p): leaf for p, leaf in zip(flat.parameters, self.leaves, strict=True)}
        self.weight_of = {m: place[id(m.weight)] for m in network.modules() if _learns(m)}
        sizes = [layer.num_features for layer in flat.layers]
        self.means = torch.zeros(recipe.replicas, sum(sizes), dtype=full, device=self.rate.device)
        self.variances = torch.zeros_like(self.means)
        parts = zip(
            torch.split(self.means, sizes, 1), torch.split(self.variances, sizes, 1), strict=True
        )
        self.seen = dict(zip(flat.layers, parts, strict=True))

    def work(self) -> None:
        """Forward, backward, update, counts."""
        with torch.no_grad():
            if self.product != self.flat.weights.dtype:
                self.half.copy_(self.flat.weights[: self.flat.half_until])
            x = self.images.to(self.product)
        answers = logits(self.state.network, x, self._convolve, self._normalise)  # type: ignore[arg-type]
        loss = F.cross_entropy(answers, self.labels, label_smoothing=self.recipe.smoothing)
        gradients = torch.autograd.grad(loss, self.leaves)
        with torch.no_grad():
            self.flat.gather(gradients)
            self.flat.step(self.rate)
            self.flat.follow(self.means, self.variances)
            self.told[0].copy_(loss.detach())
            self.told[1].copy_(mistakes(answers.detach(), self.labels))

    def _convolve(self, layer: nn.Module, x: Tensor) -> Tensor:
        assert isinstance(layer, nn.Conv2d) and not isinstance(layer.padding, str)
        return F.conv2d(x, self.weight_of[layer], None, layer.stride, layer.padding)

    def _normalise(self, layer: nn.Module, x: Tensor, add: Tensor | None) -> Tensor:
        assert isinstance(layer, nn.BatchNorm2d)
        return Normalised.apply(  # type: ignore[no-untyped-call]
            x, layer.weight, layer.bias, add, self.ways, layer.eps, self.seen[layer]
        )


def _learns(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d)


class OnDevice:
    """A step for `fit`; the graph behind it is made when it first sees a state."""

    def __init__(self, recipe: Recipe, ways: Ways | None = None) -> None:
        self.recipe, self.ways = recipe, ways or Formulas()
        self.graph: Graph | None = None
        self.at_rate = -1.0
        self.launch: Callable[[], None]
        self.under_way: deque[torch.cuda.Event] = deque()

    def __call__(self, state: State, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
        if self.graph is None or self.graph.state is not state:
            self.begin(state, batch)
        assert self.graph is not None
        if batch.images is not self.graph.images:
            self.graph.images.copy_(batch.images)
            self.graph.labels.copy_(batch.labels)
        if rate != self.at_rate:
            self.graph.rate.fill_(rate)
            self.at_rate = rate
        self.launch()
        self._not_too_far_ahead()
        told = self.graph.told.clone()
        return told[0], told[1]

    def begin(self, state: State, batch: Batch) -> None:
        if not fits(state.network) or self.recipe.precision == "fp16":
            raise UserError("This run does not train as a graph: --engine eager trains it.")
        images, labels = batch.images, batch.labels
        if not isinstance(batch, Placed):
            images, labels = images.clone(), labels.clone()
        self.graph = Graph(state, Flat(state), self.recipe, self.ways, images, labels)
        self.at_rate = -1.0
        changes = [*self.graph.flat.changed(), self.graph.told]
        self.launch = captured(self.graph.work, images.device, changes)

    def _not_too_far_ahead(self) -> None:
        """Waits for the step of a while ago: the host would only fill a queue, and time itself."""
        if not self.graph or not self.graph.images.is_cuda:
            return
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record()
        self.under_way.append(event)
        if len(self.under_way) > AHEAD:
            self.under_way.popleft().synchronize()

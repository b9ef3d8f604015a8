"""The training loop: a generator over steps, so that whoever wants to log, save or stop reads on.

Three curves are never confused: `Progress.wrong` is counted during training, on augmented
pictures by a network in training mode; clean training error and held-out error are tallies.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional as F

from .data.batches import Batch
from .errors import Failed, UserError
from .optim import Momentum, Rate
from .randomness import stream_seed
from .spec import Event, Recipe

# Gradients of fp16 vanish below 6e-8 and overflow above 65,504: the loss is multiplied by a scale
# that is halved at an overflow and doubled after so many steps without one, as is usual.
FIRST_SCALE, STEADY = 65_536.0, 2_000
WINDOW = 100  # steps over which a warm-up by error takes its mean (Sec. 4.2)


class Facts(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a state that is no tensor, for JSON."""

    step: int = 0
    events: tuple[Event, ...] = ()
    # errors of each of the last steps while a warm-up watches them, of windows for a plateau
    recent: tuple[int, ...] = ()
    scale: float = 1.0  # of the loss, in fp16
    steady: int = 0  # steps without an overflow since the scale last changed


@dataclass
class State:
    """All that a checkpoint holds: network, velocity, step, events."""

    network: nn.Module
    optimiser: Momentum
    step: int = 0
    events: tuple[Event, ...] = ()
    recent: list[int] = field(default_factory=list)
    scale: float = 1.0
    steady: int = 0
    seed: int | None = None  # of what the network itself draws, if it may: somebody's own module

    def settle(self, replica: int) -> None:
        """What the network draws (dropout) is counted too: by the step and the replica."""
        if self.seed is not None:
            which = f", replica {replica}" if replica else ""
            torch.manual_seed(stream_seed(self.seed, f"module{which}", self.step) >> 1)

    def facts(self) -> Facts:
        """What is no tensor."""
        return Facts(self.step, self.events, tuple(self.recent), self.scale, self.steady)

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor under its own name: `network.fc.weight`, `velocity.fc.weight`."""
        named = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        named |= {f"velocity.{name}": v for name, v in self.optimiser.velocity.items()}
        return named | {f"average.{name}": a for name, a in self.optimiser.average.items()}

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor], facts: Facts) -> None:
        """Becomes the state that these were taken from; a name too many or too few is refused."""
        here = self.tensors()
        if wrong := sorted(here.keys() ^ tensors.keys()):
            raise UserError(f"The state is of another network: {wrong[0]} is in only one of them.")
        for name, tensor in here.items():
            tensor.copy_(tensors[name])
        self.step, self.events, self.recent = facts.step, facts.events, list(facts.recent)
        self.scale, self.steady = facts.scale, facts.steady


@dataclass(frozen=True)
class Progress:
    """What one step reports; its tensors stay on the device until someone reads them."""

    step: int  # finished ones, this one among them
    rate: float
    loss: Tensor
    wrong: Tensor  # of the batch's pictures, as they were in training


Step = Callable[[State, Batch, float], tuple[Tensor, Tensor]]
Forward = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]
Update = Callable[[State, Rate], None]  # from gradients to new weights


def begun(network: nn.Module, recipe: Recipe) -> State:
    """A state at step 0, its velocity at rest."""
    scale = FIRST_SCALE if recipe.precision == "fp16" else 1.0
    return State(network, Momentum(network, recipe), scale=scale)


def exact(
    network: nn.Module, images: Tensor, labels: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Mean loss and logits in the network's own precision."""
    logits = network(images)
    return F.cross_entropy(logits, labels, label_smoothing=smoothing), logits


def in_bf16(
    network: nn.Module, images: Tensor, labels: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Products in bfloat16; weights, statistics, loss and updates stay as they are."""
    return _lowered(network, images, labels, smoothing, torch.bfloat16)


def in_fp16(
    network: nn.Module, images: Tensor, labels: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Products in half precision; weights, statistics, loss and updates stay as they are."""
    return _lowered(network, images, labels, smoothing, torch.float16)


def _lowered(
    network: nn.Module, images: Tensor, labels: Tensor, smoothing: float, products: torch.dtype
) -> tuple[Tensor, Tensor]:
    with torch.autocast(images.device.type, products):
        logits = network(images)
    return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing), logits


def moved(state: State, rate: Rate) -> None:
    """The update by gradients as they are."""
    state.optimiser.step(rate)


def scaled_back(state: State, rate: Rate) -> None:
    """The update by gradients of a scaled loss; where they overflowed, none: the step is skipped.

    Whether they did is asked of all of them once the replicas are added up, so that it is the
    same on every rank.
    """
    gradients = [w.grad for w in state.optimiser.parameters.values() if w.grad is not None]
    if not torch.stack([g.isfinite().all() for g in gradients]).all():
        state.events += (("overflow", state.step + 1),)
        state.scale, state.steady = state.scale / 2, 0
        if state.scale < 1:
            raise Failed(
                f"Gradients are not finite at step {state.step + 1:,}, however the loss is scaled:"
                " training diverged. A lower --lr, or --warmup error, may hold it."
            )
        return
    torch._foreach_div_(gradients, state.scale)
    state.optimiser.step(rate)
    state.steady += 1
    if state.steady == STEADY:
        state.scale, state.steady = 2 * state.scale, 0


def eager(
    state: State, batch: Batch, rate: Rate, forward: Forward = exact, update: Update = moved
) -> tuple[Tensor, Tensor]:
    """One step as it is defined: the replicas in turn, gradients averaged, one update.

    Returns the mean loss and the number of wrong answers. Each share is normalised by its own
    statistics, and each moves the running ones, as two devices would that take turns.
    """
    losses, wrong = [], []
    for replica, (images, labels) in enumerate(batch.shares()):
        state.settle(replica)
        loss, logits = forward(state.network, images, labels)
        torch.autograd.backward(loss / batch.replicas * state.scale)
        losses.append(loss.detach())
        wrong.append(mistakes(logits.detach(), labels))
    update(state, rate)
    state.optimiser.forget_gradients()
    return torch.stack(losses).mean(), torch.stack(wrong).sum()


def mistakes(logits: Tensor, labels: Tensor) -> Tensor:
    """How many are answered wrongly, left on the device."""
    return (logits.argmax(1) != labels).sum()


def fit(
    state: State, recipe: Recipe, batches: Iterable[Batch], step: Step = eager
) -> Iterator[Progress]:
    """Trains on each batch in turn; `batches` start at the state's step."""
    state.network.train()
    for batch in batches:
        if not state.network.training:  # a reader of this stream has tested it in between
            state.network.train()
        rate = recipe.rate(state.step, state.events)
        loss, wrong = step(state, batch, rate)
        state.step += 1
        notice(state, recipe, wrong)
        yield Progress(state.step, rate, loss, wrong)


def notice(state: State, recipe: Recipe, wrong: Tensor) -> None:
    """Turns what was answered wrongly into events: the end of a warm-up, then plateaus."""
    if recipe.warm_up == "error" and not any(what == "warm-up ended" for what, _ in state.events):
        _notice_warm(state, recipe, wrong)
    elif recipe.drops == "plateau":
        _notice_plateau(state, recipe, wrong)


def _notice_plateau(state: State, recipe: Recipe, wrong: Tensor) -> None:
    """Adds up windows since the last drop, `recent` ending in the one under way (Sec. 3.4)."""
    how, found = recipe.plateau, [at for what, at in state.events if what == "plateau"]
    if len(found) >= how.drops:
        return
    ended = [at for what, at in state.events if what == "warm-up ended"]
    done = state.step - max([*found, *ended, 0])
    if done % how.window == 1 or how.window == 1:
        state.recent.append(0)
    state.recent[-1] += int(wrong)
    if done % how.window or len(state.recent) <= how.patience:
        return
    best = min(state.recent[: -how.patience])
    gain = 100 * (best - min(state.recent[-how.patience :])) / (how.window * recipe.batch)
    if gain < how.gain:
        state.events += (("plateau", state.step),)
        state.recent = []


def _notice_warm(state: State, recipe: Recipe, wrong: Tensor) -> None:
    """Ends a warm-up by error once 100 steps have less than 80 % errors in the mean (Sec. 4.2).

    One batch alone would end it early: its error has a deviation of 3.5 points.
    """
    state.recent = [*state.recent, int(wrong)][-WINDOW:]
    if len(state.recent) == WINDOW and 10 * sum(state.recent) < 8 * WINDOW * recipe.batch:
        state.events += (("warm-up ended", state.step),)
        state.recent = []

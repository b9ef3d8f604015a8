"""How the weights of a network start, measured on its layers before anything has trained."""

from math import sqrt

import torch
from msgspec import Struct
from torch import Tensor, nn

from .layout import Layout
from .record import Node
from .words import among

# A sample deviation of n normal weights scatters by 1 / sqrt(2n) of its value: six of those are
# exceeded by chance once in 5e8 layers.
SIGMAS = 6
SAMPLE = 10_000  # weights of a layer that tell the form of a distribution
RULES = {
    "fan_in": "normal with sqrt(2 / fan_in)",
    "fan_out": "normal with sqrt(2 / fan_out)",
    "glorot": "with Glorot's (Xavier's) sqrt(2 / (fan_in + fan_out))",
    "torch": "as torch leaves them, kaiming_uniform(a=sqrt(5))",
}


class Start(Struct, frozen=True):
    """What the convolutions, normalisations and the classifier start from."""

    fits: dict[str, frozenset[str]]  # the rules that each convolution's weight fits
    uniform: bool
    spreads: dict[str, float]  # deviation over sqrt(2 / fan_in)
    gammas: dict[str, float]  # means of those that are not 1
    zero_last: list[str]  # gammas that are 0 at the end of a branch
    betas: list[str]  # those that are not 0
    classifier: float  # deviation times sqrt(fan_in)
    classifier_bias: bool  # not 0


@torch.no_grad()
def start_of(network: nn.Module, layout: Layout) -> Start:
    """Measures a network as it was built; call it before weights are changed."""
    tensors = dict(network.named_parameters())
    blocks = [layout.stem, *layout.blocks]
    shortcuts = [block.shortcut for block in blocks if block.shortcut]
    layers = [n for b in blocks for n in b.layers] + [n for s in shortcuts for n in s.layers]
    convolutions = _weights([node for node in layers if node.kind == "conv"], tensors)
    norms = [n for b in blocks for n in b.normalisations]
    norms += [n for s in shortcuts for n in s.normalisations]
    gammas = _unusual(norms, "weight", tensors, 1.0)
    ends = [b.normalisations[-1].weights.get("weight") for b in blocks if b.normalisations]
    heads = [node for node in layout.head if node.kind == "linear"]
    classifier = list(_weights(heads[-1:], tensors).values())
    biases = [tensors[n.weights["bias"]] for n in heads[-1:] if n.weights.get("bias") in tensors]
    return Start(
        fits={name: _fits(weight) for name, weight in convolutions.items()},
        uniform=_uniform(list(convolutions.values())),
        spreads={name: _spread(weight) for name, weight in convolutions.items()},
        gammas=gammas,
        zero_last=[name for name in ends if name is not None and gammas.get(name) == 0],
        betas=list(_unusual(norms, "bias", tensors, 0.0)),
        classifier=float(classifier[0].std()) * sqrt(classifier[0][0].numel()) if classifier else 0,
        classifier_bias=any(bool((bias != 0).any()) for bias in biases),
    )


def starts(theirs: Start, paper: Start) -> list[str]:
    """Sentences on how training starts elsewhere than in the paper."""
    found = []
    label, rest = _label(theirs), _exceptions(theirs)
    expected = _label(paper)
    middle = sorted(theirs.spreads.values())[len(theirs.spreads) // 2 :][:1]
    if label not in (expected, RULES["fan_out"]):
        times = f"{middle[0]:.2f} times the paper's deviation" if middle else ""
        found.append(f"its convolutions start {label}, {times}; the paper's start {expected}")
    if rest:
        found.append(
            f"{among(rest)} {'start' if len(rest) > 1 else 'starts'} otherwise, with"
            f" {theirs.spreads[rest[0]]:.2f} times the paper's deviation"
        )
    if theirs.zero_last and not paper.zero_last:
        found.append(
            f"the last gamma of {len(theirs.zero_last)} blocks starts at 0, so that each begins as"
            " the identity: later work's choice, the paper's gammas start at 1"
        )
    others = {name: mean for name, mean in theirs.gammas.items() if name not in theirs.zero_last}
    if others and not paper.gammas:
        names, mean = list(others), next(iter(others.values()))
        do = "do" if len(names) > 1 else "does"
        found.append(
            f"{among(names)} {do} not start at 1, as the paper's gammas do, but at {mean:.3g}"
        )
    if theirs.betas and not paper.betas:
        do = "do" if len(theirs.betas) > 1 else "does"
        found.append(f"{among(theirs.betas)} {do} not start at 0, as the paper's betas do")
    return found


def start_remarks(theirs: Start, paper: Start) -> list[str]:
    """What the paper leaves open: which fan, and the classifier."""
    found = []
    if _label(theirs) == RULES["fan_out"]:
        found.append(
            "its convolutions start normal with sqrt(2 / fan_out), torchvision's choice; the work"
            " that Sec. 3.4 cites allows either fan, ours is fan_in"
        )
    if abs(theirs.classifier - paper.classifier) > 0.1 or theirs.classifier_bias:
        bias = " and biases that are not 0" if theirs.classifier_bias else ""
        found.append(
            f"its classifier starts with deviation {theirs.classifier:.2f} / sqrt(fan_in){bias};"
            f" the paper does not say, ours is {paper.classifier:.2f} / sqrt(fan_in) with biases 0"
        )
    return found


def _rule(start: Start) -> str | None:
    """The rule that most convolutions fit, if it is most of them; fan_in where several do."""
    votes = {rule: sum(rule in fits for fits in start.fits.values()) for rule in RULES}
    most = max(votes, key=lambda rule: votes[rule])
    return most if 2 * votes[most] > len(start.fits) else None


def _label(start: Start) -> str:
    rule = _rule(start)
    if not start.fits:
        return RULES["fan_in"]
    if rule is None:
        return "by no rule that is known here"
    return f"uniform, not {RULES[rule]}" if start.uniform and rule != "torch" else RULES[rule]


def _exceptions(start: Start) -> list[str]:
    """Convolutions that do not start by the rule of the others."""
    rule = _rule(start)
    return [name for name, fits in start.fits.items() if rule is not None and rule not in fits]


def _fits(weight: Tensor) -> frozenset[str]:
    """The rules that a weight's mean and deviation fit, within `SIGMAS` for their number."""
    fan_in, fan_out = weight[0].numel(), weight.shape[0] * weight[0, 0].numel()
    deviation, mean = float(weight.double().std()), float(weight.double().mean())
    if abs(mean) > SIGMAS * deviation / sqrt(weight.numel()):
        return frozenset()
    expected = {
        "fan_in": sqrt(2 / fan_in),
        "fan_out": sqrt(2 / fan_out),
        "glorot": sqrt(2 / (fan_in + fan_out)),
        "torch": sqrt(1 / (3 * fan_in)),
    }
    bound = SIGMAS / sqrt(2 * weight.numel())
    return frozenset(r for r, value in expected.items() if abs(deviation / value - 1) <= bound)


def _spread(weight: Tensor) -> float:
    return float(weight.double().std()) / sqrt(2 / weight[0].numel())


def _uniform(weights: list[Tensor]) -> bool:
    """By the fourth moment of all weights, each layer's scaled alike: 1.8 uniform, 3 normal."""
    some = [weight.flatten()[:SAMPLE].double() for weight in weights]
    scaled = [sample / sample.std() for sample in some if sample.std() > 0]
    return bool(scaled) and float(torch.cat(scaled).pow(4).mean()) < 2.2


def _weights(layers: list[Node], tensors: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    names = [layer.weights.get("weight", "") for layer in layers]
    return {name: tensors[name] for name in names if name in tensors}


def _unusual(
    norms: list[Node], role: str, tensors: dict[str, nn.Parameter], usual: float
) -> dict[str, float]:
    """Gammas or betas that do not start as they usually do, with their means."""
    names = [node.weights[role] for node in norms if node.weights.get(role) in tensors]
    return {n: float(tensors[n].mean()) for n in names if not bool((tensors[n] == usual).all())}

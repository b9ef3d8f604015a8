"""The left and middle panels of Fig. 6 in miniature: plain and residual networks on digits.

A toy, in a few minutes: degradation in training that grows with depth. The paper's plain-56
converges on CIFAR-10 to a somewhat higher error; here, in 500 steps, deep plain networks have not
converged, and that is what is said.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..models.zoo import arch
from ..runs.result import Result
from ..spec import DIGITS, Data, Run, scaled
from ..tally import Tally
from .claims import Finding, Inequality, judged
from .inequalities import VANISHED

DEPTHS = (20, 32, 44, 56)
KINDS = ("plain", "resnet")
LOOKS = 6  # on the way, for the curves: each costs a hundredth of the training
TRAINING_MARGIN = 5.0  # points of training error that one seed must show: 65 of 1,297 pictures
TEST_MARGIN = 3.0  # points of test error: 15 of 500 pictures, over twice their deviation


def runs(data: Data, seeds: int, steps: int) -> list[Run]:
    """Eight networks a seed, the deepest first so that processes end together."""
    return [
        scaled(
            Run(
                name=f"{kind}{depth}-{data.name}" + (f"-seed{seed}" if seed else ""),
                arch=arch(f"{kind}{depth}", 10),
                data=data,
                recipe=DIGITS,
                seed=seed,
            ),
            steps,
        )
        for seed in range(seeds)
        for depth in reversed(DEPTHS)
        for kind in KINDS
    ]


@dataclass(frozen=True)
class Row:
    """What came of one network, a value for each seed."""

    name: str  # plain-20
    steps: int
    trained_on: tuple[Tally, ...]  # clean
    test: tuple[Tally, ...]

    @property
    def training_errors(self) -> list[float]:
        """Percent."""
        return [errors.top1_error for errors in self.trained_on]

    @property
    def test_errors(self) -> list[float]:
        """Percent."""
        return [errors.top1_error for errors in self.test]


def rows(results: Mapping[Run, Result]) -> dict[str, Row]:
    """A row for each network, in the paper's order."""
    told = {}
    for kind in ("plain", "residual"):
        for name in (f"{kind}-{depth}" for depth in DEPTHS):
            mine = [result for run, result in results.items() if name_of(run) == name]
            errors = tuple(r.trained_on for r in mine), tuple(r.test for r in mine)
            told[name] = Row(name, mine[0].steps, *errors)
    return told


def ends() -> tuple[str, str, str, str]:
    """The shallowest and the deepest of both kinds, whose gradients are shown."""
    return tuple(f"{kind}-{d}" for kind in ("plain", "residual") for d in (DEPTHS[0], DEPTHS[-1]))  # type: ignore[return-value]


def name_of(run: Run) -> str:
    """plain-20 or residual-20, whatever the seed."""
    assert run.arch is not None
    return f"{'plain' if run.arch.shortcut == 'none' else 'residual'}-{run.arch.layers}"


def claims(table: Mapping[str, Row]) -> list[Finding]:
    """The paper's inequalities, as far as digits can check them: those on training.

    That deeper residual networks test better is none of them: of 500 digits they all get 97 % or
    so, and the deepest has the least time to settle. `seen` tells what was found.
    """
    made = [_trains_worse(table, f"plain-{b}", f"plain-{a}") for a, b in pairwise(DEPTHS)]
    made += [_trains_worse(table, f"plain-{n}", f"residual-{n}") for n in DEPTHS[1:]]
    return judged(made)


def _trains_worse(table: Mapping[str, Row], worse: str, better: str) -> Inequality:
    return Inequality(
        f"{worse} trains worse than {better}",
        "training error",
        table[worse].training_errors,
        table[better].training_errors,
        TRAINING_MARGIN,
    )


def mean(values: Sequence[float]) -> str:
    """Percent, with the deviation over seeds where there are several."""
    text = f"{statistics.fmean(values):.2f}"
    return f"{text} ± {statistics.stdev(values):.2f} %" if len(values) > 1 else f"{text} %"


def seen(table: Mapping[str, Row]) -> list[str]:
    """What was seen, in words that follow from the numbers."""
    plain = [statistics.fmean(table[f"plain-{d}"].training_errors) for d in DEPTHS]
    residual = [statistics.fmean(table[f"residual-{d}"].training_errors) for d in DEPTHS]
    told = " / ".join(f"{value:.1f}" for value in plain)
    layers = " / ".join(map(str, DEPTHS))
    if all(deep - shallow >= TRAINING_MARGIN for shallow, deep in pairwise(plain)):
        first = f"The deeper the plain network, the worse it trained: {told} % of the training"
        first += (
            f" pictures are still wrong after {table['plain-20'].steps} steps at {layers} layers."
        )
    else:
        first = f"Plain networks of {layers} layers end with {told} % training error: not each"
        first += " deeper one clearly above the one before."
    worst = max(residual)
    if worst < min(TRAINING_MARGIN, max(plain)):
        second = f"The same networks with shortcuts all learn them: at most {worst:.2f} % are"
        second += " wrong, at every depth."
    else:
        second = f"With shortcuts the worst of the four ends at {worst:.1f} %."
    return [first, second, tested(table)]


def tested(table: Mapping[str, Row]) -> str:
    """What depth did to the errors of residual networks on test pictures."""
    errors = [statistics.fmean(table[f"residual-{d}"].test_errors) for d in DEPTHS]
    told = " / ".join(f"{value:.1f}" for value in errors)
    text = f"Of the test pictures they get {told} % wrong: "
    if errors[0] - errors[-1] >= TEST_MARGIN:
        return f"{text}depth helped, as it does in the paper on CIFAR-10."
    return (
        f"{text}so few digits and steps do not show what CIFAR-10 shows in the paper, that deeper"
        " residual networks test better."
    )


@dataclass(frozen=True)
class Existence:
    """A shallow plain network and the deeper one made of it by adding identities."""

    shallow: int
    deep: int
    training_errors: tuple[int, int]  # of the shallow one, of the deep one
    test_errors: tuple[int, int]
    largest_difference: float  # of logits, over all pictures
    seen: tuple[int, int]  # training and test pictures

    @property
    def same(self) -> bool:
        """Whether the two are one function, to 1e-5."""
        counts = (self.training_errors, self.test_errors)
        return all(a == b for a, b in counts) and self.largest_difference < 1e-5


def existence_claim(found: Existence) -> Finding:
    """The paper's constructive argument, carried out."""
    return Finding(
        f"a plain-{found.deep} as good as plain-{found.shallow} exists",
        f"plain-{found.shallow} with identity layers added: {apart(found)}",
        "holds" if found.same else "fails",
    )


def apart(found: Existence) -> str:
    """How far the two networks' outputs lie apart."""
    if found.largest_difference == 0:
        return "their outputs are equal to the last bit"
    return f"their outputs differ by at most {found.largest_difference:.1e}"


def existence_said(found: Existence, trained: Row) -> str:
    """The construction beside what descent found."""
    train, test = found.training_errors, found.test_errors
    text = (
        f"Identity layers were added to the trained plain-{found.shallow} up to {found.deep}"
        f" layers. Of {found.seen[0]:,} training pictures that plain-{found.deep} gets"
        f" {train[1]:,} wrong and of {found.seen[1]} test pictures {test[1]}, plain-{found.shallow}"
        f" {train[0]:,} and {test[0]}; {apart(found)}."
    )
    text += f" Trained from the start, {trained.name} ended at {mean(trained.training_errors)}"
    gap = statistics.fmean(trained.training_errors) - 100 * train[0] / found.seen[0]
    if gap < TRAINING_MARGIN:
        return f"{text} training error."
    return f"{text} training error: descent did not find, in these steps, what is there."


@dataclass(frozen=True)
class Gradients:
    """Norms of a network's gradients by layer, from the first to the last convolution."""

    name: str
    first: tuple[float, ...]  # at the start
    last: tuple[float, ...]  # after training


def gradients_said(found: Sequence[Gradients]) -> str:
    """Whether gradients vanish on their way down, by the numbers."""
    fading = [g.name for g in found if min(down(g.first), down(g.last)) < VANISHED]
    growing = [(g.name, down(g.first)) for g in found if down(g.first) > 1 / VANISHED]
    if fading:
        text = f"Gradients fade on their way down in {' and '.join(fading)}"
    else:
        text = "Gradients vanish in none of these networks, as Sec. 4.1 says"
    for name, factor in growing:
        text += f"; at the start of {name} they even grow on their way down, {factor:,.0f} times"
    return f"{text}."


def down(norms: Sequence[float]) -> float:
    """The first layer's gradient in multiples of the last convolution's."""
    return norms[0] / norms[-1]


CAUTION = (
    "It is a toy, and a short one. On CIFAR-10 the paper's plain-56 converges, to a somewhat higher"
    " training error than plain-20's; here the deep plain networks have not converged when the"
    " steps are over. What is shown is the degradation of training with depth in equal time, not"
    " the paper's numbers."
)

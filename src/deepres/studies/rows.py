"""From finished runs to a study's rows and verdicts: all seeds that are there, never a choice."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from ..runs.declare import ANY_SIZE
from ..spec import Data
from .claims import NOT_RUN, Finding, Inequality, judged
from .outcome import Ensemble, Outcome
from .student import Welch, against, welch
from .study import CLASSES, SCALES, Claim, Measure, Scale, Study, anonymous, runs_of
from .told import Told

CERTAIN = 5  # binomial standard errors, beneath which single runs decide nothing
FAR = 10.0  # points, the same of any schedule but the paper's: its seeds lie a point apart and more


@dataclass(frozen=True)
class Results:
    """A study with what is known of it at one scale on one data set."""

    study: Study
    scale: Scale
    data: Data
    classes: int
    rows: tuple[Told, ...]
    left_out: int = 0  # runs of other pictures under the same name

    @property
    def runs(self) -> int:
        """Finished ones, each once, though rows may share them."""
        return len({one.key for row in self.rows for one in row.outcomes})

    @property
    def comparable(self) -> bool:
        """Whether the paper's numbers may stand beside these."""
        return self.scale == "paper" and self.as_declared and not self.study.own

    @property
    def as_declared(self) -> bool:
        """Whether the data are the study's own: of pictures, a folder of so many classes."""
        if self.data.name in ANY_SIZE:
            return self.classes == CLASSES[self.study.data] and self.study.size != 32
        return self.data.name == self.study.data

    def row(self, name: str) -> Told:
        """By its name."""
        return next(row for row in self.rows if row.row.name == name)

    def findings(self) -> list[Finding]:
        """What became of each claim; that of identities first.

        Smoke runs show that everything works: they decide nothing.
        """
        told = [
            Inequality(
                claim.claim,
                claim.measure,
                self._side(claim.larger, claim.measure),
                self._side(claim.smaller, claim.measure),
                self._margin(claim),
            )
            for claim in self.study.claims
        ]
        found = judged(told)
        if self.scale == "smoke":
            found = [replace(one, verdict="within noise") for one in found]
        if not self.comparable:
            claims = zip(found, self.study.claims, strict=True)
            found = [one.elsewhere() if claim.holds_a_number else one for one, claim in claims]
        return [*self._deeper(), *found]

    def _margin(self, claim: Claim) -> float:
        """How far apart single runs must lie: the claim's margin, and what few pictures leave."""
        if "error" not in claim.measure:
            return claim.margin
        chance = math.hypot(*(self.row(name).chance(claim.measure) for name in claim.named))
        return max(claim.margin if self.comparable else FAR, CERTAIN * chance)

    def ensembles(self) -> list[Ensemble]:
        """Of the study's networks, each set of members once."""
        told = {
            tuple(one.members): one
            for row in self.rows
            for o in row.outcomes
            for one in o.ensembles
        }
        return list(told.values())

    def _side(self, side: str | float, measure: Measure) -> list[float] | float:
        return side if isinstance(side, float) else self.row(side).values(measure)

    def _deeper(self) -> list[Finding]:
        """The paper's constructive argument: not a test, an equality."""
        if not self.study.deeper:
            return []
        first = self.rows[0]
        told = []
        for layers in self.study.deeper:
            found = [d for one in first.outcomes for d in one.deeper if d.layers == layers]
            claim = f"a plain-{layers} with the very outputs of {first.row.name} exists"
            if not found:
                told.append(Finding(claim, NOT_RUN, "within noise"))
                continue
            apart = max(one.largest_difference for one in found)
            equal = all(one.test[0] == one.test[1] for one in found)
            words = f"logits differ by at most {apart:.1e} (n = {len(found)}); test errors"
            words += " are the same" if equal else " are not the same"
            told.append(Finding(claim, words, "holds" if equal and apart <= 1e-5 else "fails"))
        return told

    def against_baseline(self, row: Told) -> Welch | None:
        """A row's difference from the baseline, where both have two seeds or more.

        Two measures of the very same runs are compared run by run.
        """
        if not self.study.baseline or row.row.name == self.study.baseline:
            return None
        base = self.row(self.study.baseline)
        if min(len(row.errors), len(base.errors)) < 2:
            return None
        if row.outcomes == base.outcomes:
            pairs = zip(row.errors, base.errors, strict=True)
            return against([mine - theirs for mine, theirs in pairs], 0.0)
        return welch(row.errors, base.errors)


def results(
    study: Study, outcomes: Sequence[Outcome], scale: Scale, data: Data, classes: int
) -> Results:
    """A study's rows at a scale, filled with the runs that belong to them."""
    alike: dict[str, list[Outcome]] = {}
    for one in sorted(outcomes, key=lambda one: (one.run.seed, one.key)):
        alike.setdefault(anonymous(one.run), []).append(one)
    bare = structs.replace(data, train="", test="")
    wanted = {
        row.name: alike.get(anonymous(runs_of(study, row, scale, bare, classes, [0])[0]), [])
        for row in study.rows
    }
    digests = Counter(_digests(one) for found in wanted.values() for one in found)
    usual = (data.train, data.test) if data.train else None
    mine = usual or (digests.most_common(1)[0][0] if digests else None)
    rows = tuple(
        Told(
            row,
            scale,
            1 if scale == "smoke" else row.seeds,
            tuple(one for one in wanted[row.name] if _digests(one) == mine),
        )
        for row in study.rows
    )
    left = sum(n for digest, n in digests.items() if digest != mine)
    return Results(study, scale, data, classes, rows, left)


def _digests(one: Outcome) -> tuple[str, str]:
    return one.run.data.train, one.run.data.test


def largest(
    study: Study, outcomes: Sequence[Outcome], scale: Scale | None = None, data: str | None = None
) -> Results:
    """The results at the largest scale that is there, on the study's own data where they are.

    With no run at all: the declaration at paper scale.
    """
    classes = dict(CLASSES)
    for one in outcomes:
        if one.run.arch is not None:
            classes.setdefault(one.run.data.name, one.run.arch.classes)
    there = dict.fromkeys(one.run.data.name for one in outcomes)
    names = [data] if data else sorted(there, key=lambda name: name != study.data)
    for each in [scale] if scale else reversed(SCALES):
        for name in names:
            found = results(study, outcomes, each, Data(name=name), classes.get(name, 10))
            if found.runs:
                return found
    name = data or study.data
    return results(study, [], scale or "paper", Data(name=name), classes.get(name, 10))

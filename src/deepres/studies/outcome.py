"""What is known of runs, wherever it is kept: in their folders, or in committed lines of results.

A line of `results/*.jsonl` is one finished run: what was run, the final counts, its curves in so
many bins, and where it was computed. It holds what pages need, and neither paths nor commands.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from ..errors import UserError
from ..runs import log
from ..runs.disk import write_whole
from ..runs.folder import Folder, read
from ..runs.log import Evaluated, Found, Report
from ..runs.provenance import Provenance
from ..spec import Plan, Run
from ..tally import Tally

BINS = 100  # of a curve, at most

Value = TypeVar("Value")
Point = tuple[int, float]  # a step, and percent


class Deeper(Struct, frozen=True, kw_only=True):
    """A trained network with identities added: how far it is from the one it was made of."""

    layers: int
    largest_difference: float  # of logits, over all test pictures
    test: tuple[Tally, Tally]  # of the shallow one, of the deep one


class Ensemble(Struct, frozen=True, kw_only=True):
    """Several trained networks whose scores are averaged."""

    members: tuple[str, ...]  # keys of their runs
    test: Tally


class Outcome(Struct, frozen=True, kw_only=True):
    """A finished run: its numbers, its curves, where it comes from."""

    key: str
    run: Run
    seconds: float
    images_per_second: float
    while_training: Tally
    trained_on: Tally
    test: Tally
    test_running: Tally
    held_out: Tally | None = None
    training: tuple[Point, ...] = ()  # error as it was: augmented, training mode, in bins
    clean: tuple[Point, ...] = ()  # of the first images trained on, population statistics
    watched: tuple[Point, ...] = ()  # test error on the way: it chose nothing
    events: tuple[tuple[int, str], ...] = ()
    responses: tuple[float, ...] = ()  # Fig. 7: a deviation for each 3x3 layer
    gradients: tuple[float, ...] = ()  # norms, a convolution each, first layer first
    deeper: tuple[Deeper, ...] = ()
    views: dict[str, Tally] = {}  # the test by more than one view: ten, multi-scale
    ensembles: tuple[Ensemble, ...] = ()  # that this run is the last member of
    versions: dict[str, str] = {}
    machine: dict[str, str | int | float] = {}
    commit: str | None = None
    plan: Plan | None = None


class Lines:
    """The lines of curves, gathered from a log."""

    def __init__(self, items: Iterable[log.Line]) -> None:
        lines = list(items)
        self.reports = [line for line in lines if isinstance(line, Report)]
        self.looks = [line for line in lines if isinstance(line, Evaluated)]
        self.events = [line for line in lines if isinstance(line, Found)]

    def training(self, bins: int = BINS) -> tuple[Point, ...]:
        """Errors as they were, the reports joined to so many bins at most."""
        together = -(-len(self.reports) // bins) or 1
        parts = [self.reports[at : at + together] for at in range(0, len(self.reports), together)]
        return tuple(
            (part[-1].step, _rounded(100 * sum(r.wrong for r in part) / sum(r.seen for r in part)))
            for part in parts
        )

    def looked(self, pictures: str, *, watching: bool) -> tuple[Point, ...]:
        """Errors of one kind of look at population statistics, by step."""
        found = {
            look.step: _rounded(look.top1_error)
            for look in self.looks
            if look.pictures == pictures and look.watching == watching and look.statistics_images
        }
        return tuple(sorted(found.items()))


def _rounded(percent: float) -> float:
    return round(percent, 3)


def outcome_of(folder: Folder) -> Outcome | None:
    """What came of the run in a folder, if it is finished."""
    result = folder.finished()
    if result is None:
        return None
    run = read(folder.run, Run)
    lines = Lines(log.read(folder.log)) if folder.log.exists() else Lines(())
    made = read(folder.provenance, Provenance) if folder.provenance.exists() else None
    return Outcome(
        key=run.key,
        run=run,
        seconds=round(result.seconds, 1),
        images_per_second=round(result.images_per_second, 1),
        while_training=result.while_training,
        trained_on=result.trained_on,
        test=result.test,
        test_running=result.test_running,
        held_out=result.held_out,
        training=lines.training(),
        clean=lines.looked("trained on", watching=False),
        watched=lines.looked("test", watching=True),
        events=tuple((event.step, event.event) for event in lines.events),
        responses=_there(folder.path / "responses.json", tuple[float, ...], ()),
        gradients=_there(folder.path / "gradients.json", tuple[float, ...], ()),
        deeper=_there(folder.path / "deeper.json", tuple[Deeper, ...], ()),
        views=_there(folder.path / "views.json", dict[str, Tally], {}),
        ensembles=_there(folder.path / "ensembles.json", tuple[Ensemble, ...], ()),
        versions=made.versions if made else {},
        machine=made.machine if made else {},
        commit=made.commit if made else None,
        plan=made.plan if made else None,
    )


def _there(path: Path, kind: type[Value], otherwise: Value) -> Value:
    """What was measured afterwards, if it was."""
    if not path.exists():
        return otherwise
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.DecodeError as error:
        raise UserError(f"{path} cannot be read: {error}.") from None


def folders(directory: Path) -> dict[str, Folder]:
    """The run folders within a directory by their key, whatever they are called.

    Of two that hold the same run the finished one counts, then the one that is further on.
    """
    found: dict[str, Folder] = {}
    for path in sorted(directory.glob("*/run.json")):
        folder = Folder(path.parent)
        key = read(path, Run).key
        if key not in found or _further(folder) > _further(found[key]):
            found[key] = folder
    return found


def _further(folder: Folder) -> tuple[bool, str]:
    states = sorted(path.stem for path in folder.state.glob("*.json") if path.stem.isdigit())
    return folder.result.exists(), states[-1] if states else ""


def gathered(places: Sequence[Path]) -> list[Outcome]:
    """Every finished run in directories of run folders and in files of lines, each once."""
    found: dict[str, Outcome] = {}
    for place in places:
        for outcome in _within(place):
            found.setdefault(outcome.key, outcome)
    return list(found.values())


def _within(place: Path) -> Iterator[Outcome]:
    if place.is_dir():
        for folder in folders(place).values():
            if (outcome := outcome_of(folder)) is not None:
                yield outcome
    elif place.exists():
        yield from read_lines(place)


def read_lines(path: Path) -> Iterator[Outcome]:
    """The finished runs of a file; a line that is none is named."""
    for number, text in enumerate(path.read_bytes().splitlines(), 1):
        if not text.strip():
            continue
        try:
            found = msgspec.json.decode(text, type=Outcome)
            _check(found)
        except (msgspec.DecodeError, ValueError) as error:
            raise UserError(f"{path}, line {number}, is no finished run: {error}.") from None
        yield found


def _check(found: Outcome) -> None:
    """A ValueError where its numbers cannot be, or are said to be of another run."""
    if found.key != found.run.key:
        raise ValueError(f"its key is {found.key}, that of its run {found.run.key}")
    tallies = [found.while_training, found.trained_on, found.test, found.test_running]
    for one in (*tallies, *([found.held_out] if found.held_out else []), *found.views.values()):
        if not (0 <= one.top5 <= one.top1 <= one.seen and one.seen > 0):
            raise ValueError(f"{one.top1} and {one.top5} wrong of {one.seen} cannot be")


def add_lines(path: Path, outcomes: Iterable[Outcome]) -> int:
    """Puts finished runs into a file, each key once, in the order of their keys; how many."""
    kept = {one.key: one for one in read_lines(path)} if path.exists() else {}
    new = {one.key: one for one in outcomes}
    told = sorted((kept | new).values(), key=lambda one: (one.run.name, one.run.seed, one.key))
    write_whole(path, b"".join(msgspec.json.encode(one) + b"\n" for one in told))
    return len(new)

"""One process at work on a run: from the last good state to the last step.

Whatever ends the process, the next one goes on from a state that is whole and computes the same
numbers again.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import torch

from ..data.augment import Normalisation
from ..data.batches import normalisation
from ..data.gallery.reading import WorkerEnded
from ..errors import Failed
from ..ranks import Lost
from ..spec import Recipe
from ..train import Facts, Progress, State, fit
from . import states
from .disk import sync
from .folder import Folder
from .log import Found, Item, Line, Log, Moment, Report
from .looks import look
from .states import Saved, Stretch
from .work import Work, stretch_of

COST_AT_MOST = 0.01  # of the time, for saving states


@dataclass
class Session:
    """What will be lost when the process ends, and how it is saved."""

    work: Work
    folder: Folder
    state: State
    began: float  # of time.perf_counter
    before: float = 0.0  # seconds that earlier sessions spent
    stretch: Stretch = field(default_factory=Stretch)
    pending: list[tuple[Progress, float]] = field(default_factory=list)  # not read off the device
    saved_at: float = 0.0
    saving: float = 0.0  # seconds that the last saving took
    good: int = 0  # step of the last good state

    def __post_init__(self) -> None:
        self.logged = Log(self.folder.log)
        self.how: Normalisation = normalisation(self.work.pictures.train, self.work.run.recipe)
        self.saved_at = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Spent on the run until now, by all sessions."""
        return self.before + time.perf_counter() - self.began

    def log(self, line: Line) -> None:
        """Writes a line, if this is the rank that keeps the folder."""
        if self.work.ranks.first:
            self.logged.write(line)

    def resume(self) -> Iterator[str]:
        """Goes to the last good state, and says what it found."""
        if self.work.ranks.first:
            yield from self._restored()
        self._shared()

    def _shared(self) -> None:
        """Every rank becomes the first one's state, wherever that came from."""
        ranks = self.work.ranks
        said = ranks.told(msgspec.json.encode(self.state.facts()))
        if ranks.count > 1:
            tensors = {name: ranks.given(t) for name, t in self.state.tensors().items()}
            self.state.restore(tensors, msgspec.json.decode(said, type=Facts))

    def _restored(self) -> Iterator[str]:
        for path in states.found(self.folder.state):
            try:
                tensors, saved = states.read(path)
            except states.Damaged as error:
                aside = states.set_aside(path)
                yield f"The state {path} is damaged ({error}): set aside as {aside.name}."
                continue
            self.state.restore(tensors, saved.facts)
            self.stretch, self.before, self.good = saved.stretch, saved.seconds, saved.facts.step
            if missing := self.logged.cut(saved.lines):
                yield f"{self.logged.path} lacks {missing} lines: its curves have a gap."
            yield f"Going on after step {self.state.step:,} of {self.work.run.recipe.steps:,}."
            return
        self.logged.cut(0)

    def train(self, stop: Callable[[], bool]) -> Iterator[Item]:
        """All steps that are left; ends early, its state saved, once `stop` says so."""
        try:
            yield from self._steps(stop)
        except WorkerEnded:  # the last step is whole: what it came to is not lost
            if self.state.step > self.good:
                self.save()
            raise

    def _steps(self, stop: Callable[[], bool]) -> Iterator[Item]:
        run = self.work.run
        stream = self.work.stream(self.work.pictures.train, run.recipe, run.seed, self.state.step)
        late: list[float] = []
        for progress, seconds in timed(fit(self.state, run.recipe, stream, self.work.step)):
            self.pending.append((progress, seconds))
            late = [*late[-29:], seconds]
            yield Moment(progress.step, progress.rate, statistics.median(late))
            for line in self._lines(progress):
                self.log(line)
                yield line
            stopped = self.work.ranks.any(stop())
            if stopped or progress.step == run.recipe.steps or self._due():
                self.save()
            if stopped:
                self.work.ranks.any(stopped)  # nobody leaves before the state is on the disk
                return

    def _lines(self, progress: Progress) -> Iterator[Line]:
        """What is worth a line after this step."""
        for what, at in self.state.events:
            if at == progress.step:
                yield Found(step=at, event=what)
        curve, last = self.work.curve, progress.step == self.work.run.recipe.steps
        if progress.step % stretch_of(self.work.run.recipe) == 0 or last:
            yield self._report(progress)
        if curve.every and progress.step % curve.every == 0 and not last:
            yield from look(self.work, self.state, self.how, lambda: self.seconds)

    def _report(self, progress: Progress) -> Report:
        self._settle()
        recipe, stretch = self.work.run.recipe, self.stretch
        self.stretch = Stretch()
        return Report(
            step=progress.step,
            epoch=progress.step * recipe.batch / len(self.work.pictures.train),
            rate=progress.rate,
            loss=statistics.fmean(stretch.losses),
            wrong=sum(stretch.wrong),
            seen=recipe.batch * len(stretch.wrong),
            images_per_second=recipe.batch / statistics.median(stretch.seconds),
            seconds=self.seconds,
        )

    def _settle(self) -> None:
        """Reads what the steps since the last time left on the device."""
        for (progress, seconds), (loss, wrong) in zip(
            self.pending, _read([progress for progress, _ in self.pending]), strict=True
        ):
            if not abs(loss) < float("inf"):
                raise Failed(
                    f"The loss became {loss} at step {progress.step:,}, at rate {progress.rate:g}:"
                    " training diverged. A lower --lr, or --warmup error, may hold it."
                )
            self.stretch.losses.append(loss)
            self.stretch.wrong.append(int(wrong))
            self.stretch.seconds.append(seconds)
        self.pending = []

    def _due(self) -> bool:
        waited = time.perf_counter() - self.saved_at
        return waited >= max(self.work.save_every, self.saving / COST_AT_MOST)

    def save(self) -> None:
        """Puts the state on the disk, the log before it."""
        start = time.perf_counter()
        self._settle()
        if not self.work.ranks.first:
            return
        sync(self.logged.path)
        saved = Saved(
            key=self.work.run.key,
            plan=self.work.plan,
            facts=self.state.facts(),
            stretch=self.stretch,
            lines=self.logged.lines,
            seconds=self.seconds,
        )
        states.write(self.folder.state, self.state, saved)
        self.good = self.state.step
        self.saved_at = time.perf_counter()
        self.saving = self.saved_at - start

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """What goes wrong inside becomes one sentence that says what is left."""
        try:
            with enough_memory(self.work.run.recipe):
                yield
        except Lost as error:
            raise Lost(f"{error} {self._left()}") from error
        except Failed as error:
            raise Failed(f"{error} {self._left()}") from error
        except OSError as error:
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise Failed(f"{what}. {self._left()}") from error

    def _left(self) -> str:
        if not self.work.ranks.first:
            return f"What was saved is in {self.folder.state}: the same command goes on from there."
        if not self.good:
            return "No state had been saved yet."
        return f"The last good state, of step {self.good:,}, is in {self.folder.state}."


def _read(steps: list[Progress]) -> list[tuple[float, float]]:
    """Losses and counts of errors, in one journey from the device."""
    if not steps:
        return []
    losses, wrong = ([getattr(step, name) for step in steps] for name in ("loss", "wrong"))
    return list(zip(torch.stack(losses).tolist(), torch.stack(wrong).tolist(), strict=True))


def timed(steps: Iterable[Progress]) -> Iterator[tuple[Progress, float]]:
    """Each step with the seconds it took; what its readers do in between is not counted."""
    stream = iter(steps)
    start = time.perf_counter()
    for progress in stream:
        yield progress, time.perf_counter() - start
        start = time.perf_counter()


@contextmanager
def enough_memory(recipe: Recipe) -> Iterator[None]:
    """Memory that runs short inside is told in one sentence."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise Failed(
            f"There is not enough memory for batches of {recipe.batch}: a smaller --batch needs"
            " less."
        ) from error


def out_of_memory(error: BaseException) -> bool:
    """Whether memory was short; torch says so in words on the CPU."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        words in str(error) for words in ("not enough memory", "can't allocate memory")
    )

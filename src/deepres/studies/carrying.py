"""A study carried out: what is finished stays, what was stopped goes on, what is missing begins."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..runs.folder import Folder
from ..spec import Data, Run
from .outcome import folders
from .runner import Ended, Message, Task, folder_of
from .study import Row, Scale, Study, runs_of, seeds_of

# Who carries tasks out: processes of this machine, threads beside a GPU, or a cluster.
Carry = Callable[[Sequence[Task]], Generator[tuple[Task, Message], None, None]]


@dataclass(frozen=True)
class Wanted:
    """A run of a study and where it is or will be."""

    row: Row
    run: Run
    folder: Path

    @property
    def finished(self) -> bool:
        """Whether its result is there."""
        return Folder(self.folder).result.exists()


def wanted(
    study: Study,
    rows: Sequence[Row],
    scale: Scale,
    data: Data,
    classes: int,
    directory: Path,
    seeds: int | None = None,
) -> list[Wanted]:
    """Every run once. A folder is found by the run's key, whatever it is called."""
    there = folders(directory)
    found: dict[str, Wanted] = {}
    for row in rows:
        for run in runs_of(study, row, scale, data, classes, range(seeds_of(row, scale, seeds))):
            path = there[run.key].path if run.key in there else folder_of(run, directory)
            found.setdefault(run.key, Wanted(row, run, path))
    return list(found.values())


def tasks(of: Sequence[Wanted], source: str, scale: Scale, threads: int) -> list[Task]:
    """What is left to do, the cheapest first, so that something is there to see early."""
    by_key = {one.run.key: one for one in of}
    left = [
        Task(
            run=one.run,
            source=source,
            folder=str(one.folder),
            looks=None,
            threads=threads,
            label=one.row.name + (f", seed {one.run.seed}" if one.run.seed else ""),
            start=str(by_key[one.run.grown_from.key].folder) if one.run.grown_from else "",
            plan="fixed" if scale == "smoke" else "chosen",
        )
        for one in of
        if not one.finished
    ]
    return sorted(left, key=lambda task: (task.run.seed, task.layers))


def carried(all_: Sequence[Task], carry: Carry) -> Generator[tuple[Task, Message], None, None]:
    """All tasks, those that are grown from another's network after the others."""
    first = [task for task in all_ if not task.start]
    grown = [task for task in all_ if task.start]
    for part in (first, grown):
        ready = [task for task in part if _can_begin(task)]
        for task in part:
            if task not in ready:
                yield task, Ended(f"it begins with {task.start}, which is not finished.", False)
        if ready:
            with closing(carry(ready)) as stream:
                yield from stream


def _can_begin(task: Task) -> bool:
    return not task.start or Folder(Path(task.start)).result.exists()

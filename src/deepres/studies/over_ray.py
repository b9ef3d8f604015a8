"""Tasks carried out over a Ray cluster, local or remote, their states in a shared folder.

A task that dies with its machine is begun again by Ray and goes on from its last state. Threads
are the plan's, so that the bits are those of a run without Ray. What happens is read from the
logs, which lie in the shared folder as everything else does.
"""

import os
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import msgspec

from ..errors import Failed, UserError
from ..runs import log
from .runner import PATIENCE, Done, Ended, Message, Said, Task

RETRIES = 3
POLL = 0.5  # seconds between two looks at the logs


def over_ray(
    tasks: Sequence[Task], jobs: int | None = None
) -> Generator[tuple[Task, Message], None, None]:
    """Every task to its end or to its failure, as `runner.attempted` does it here.

    The cluster is the one that RAY_ADDRESS names, else one of this machine's own, which ends with
    this generator. Ray writes to standard output, which is not its to write to.
    """
    with redirect_stdout(sys.stderr):
        yield from _over_ray(tasks, jobs)


def _over_ray(
    tasks: Sequence[Task], jobs: int | None
) -> Generator[tuple[Task, Message], None, None]:
    ray = _ray()
    mine = not ray.is_initialized()
    threads = max((task.threads for task in tasks), default=1)
    if mine:
        ray.init(
            address=os.environ.get("RAY_ADDRESS"),
            num_cpus=None if "RAY_ADDRESS" in os.environ else threads * (jobs or 1),
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
        )
    _fits(ray, threads)
    stopping = _stopping(tasks)
    stopping.unlink(missing_ok=True)
    carry = ray.remote(max_retries=RETRIES, retry_exceptions=False)(_carry)
    place = str(Path.cwd()), str(stopping), os.environ.get("DEEPRES_DATA")
    left, waiting = list(tasks), dict[Any, Task]()
    readers = {task.folder: _Tail(Path(task.folder) / "log.jsonl") for task in tasks}
    try:
        while left or waiting:
            while left and len(waiting) < (jobs or len(tasks)):
                task = left.pop(0)
                begun = carry.options(num_cpus=task.threads)
                waiting[begun.remote(msgspec.json.encode(task), *place)] = task
            ready, _ = ray.wait(list(waiting), timeout=POLL)
            for task in list(waiting.values()):
                yield from ((task, line) for line in readers[task.folder].new())
            for reference in ready:
                task = waiting.pop(reference)
                yield task, _ended(ray, reference)
    finally:
        _stop(ray, list(waiting), stopping)
        if mine:
            ray.shutdown()


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UserError(
            "--on ray takes Ray, which is an extra: `pip install 'deepres[ray]'`."
        ) from None
    return ray


def _fits(ray: Any, threads: int) -> None:
    """Refuses what no machine could ever begin: Ray would wait for one without a word."""
    most = max((one["Resources"].get("CPU", 0) for one in ray.nodes() if one["Alive"]), default=0)
    if most < threads:
        raise UserError(
            f"No machine of the cluster gives {threads} cores, which each run here is to have:"
            " more --jobs share this machine's cores among them, and need fewer each."
        )


def _stopping(tasks: Sequence[Task]) -> Path:
    """A file in the shared folder whose being there says that all must stop."""
    shared = Path(tasks[0].folder).parent if tasks else Path()
    shared.mkdir(parents=True, exist_ok=True)
    return shared / f".stop-{os.getpid()}"


def _carry(encoded: bytes, here: str, stopping: str, data: str | None) -> bytes:
    """One task, within a process of Ray's: paths mean what they mean where it was asked for."""
    from .worker import ended_by, told, work_on

    task = msgspec.json.decode(encoded, type=Task)
    stop = Path(stopping)
    if data is not None:
        os.environ["DEEPRES_DATA"] = data
    try:
        os.chdir(here)
        for _ in told(work_on(task, stop.exists)):
            pass
    except (UserError, Failed, OSError) as error:
        return msgspec.json.encode(ended_by(error))
    return msgspec.json.encode(Done() if not stop.exists() else Said("stopped"))


def _ended(ray: Any, reference: Any) -> Message:
    """What came of a task; one whose process died too often failed."""
    try:
        return msgspec.json.decode(ray.get(reference), type=Done | Ended | Said)
    except ray.exceptions.RayError as error:
        return Ended(f"A training process of Ray ended: {str(error).splitlines()[0]}", False)


def _stop(ray: Any, left: list[Any], stopping: Path) -> None:
    """Lets every process save its state, as SIGTERM does without Ray."""
    if left:
        stopping.touch()
        ray.wait(left, num_returns=len(left), timeout=PATIENCE)
        for reference in left:
            ray.cancel(reference, force=True)
        time.sleep(POLL)
        stopping.unlink(missing_ok=True)


class _Tail:
    """What is new in a log since the last look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = path.stat().st_size if path.exists() else 0

    def new(self) -> Iterator[log.Line]:
        """Whole lines; a log that was cut off, because its run went on, is followed from there."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            self.seen = min(self.seen, file.seek(0, os.SEEK_END))
            file.seek(self.seen)
            for text in file:
                if not text.endswith(b"\n"):
                    return
                self.seen += len(text)
                yield msgspec.json.decode(text, type=log.Line)

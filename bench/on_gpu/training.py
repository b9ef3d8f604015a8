"""The paper's runs in slices: what matters most first, side by side, ended in time, packed."""

import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from msgspec import structs

from deepres.runs.folder import Folder
from deepres.runs.log import Report
from deepres.runs.pictures import gathered
from deepres.spec import Data, Plan, Run, scaled
from deepres.studies.catalogue import STUDIES
from deepres.studies.on_device import on_device, planned_for
from deepres.studies.outcome import add_lines, outcome_of
from deepres.studies.runner import Done, Ended, Message, Said, Task
from deepres.studies.study import in_precision, runs_of

PIECE, PIECES = 15 << 20, 4  # of an archive, and how many a call puts out: 64 MiB go at once
SPARE = 25.0  # seconds before the end at which the runs are told to stop
OUT_OF_FOLDER = ("run.json", "provenance.json", "log.jsonl", "result.json", "card.json")
KINDS = ("residual", "plain")
# What matters most first. Deep ones begin early: nothing shortens their chain of kernels.
FIRST = (
    *(("residual-20", 0), ("plain-20", 0), ("plain-56", 0), ("residual-56", 0)),
    *(("residual-110", 0), ("residual-110", 1)),
    *(("residual-32", 0), ("residual-44", 0), ("plain-32", 0), ("plain-44", 0)),
    *(("residual-110", 2), ("residual-110", 3), ("residual-110", 4), ("residual-1202", 0)),
    *((f"{kind}-{n}", seed) for seed in (1, 2) for n in (20, 56, 32, 44) for kind in KINDS),
)
MORE = tuple((f"{kind}-{n}", seed) for seed in (3, 4) for n in (20, 56, 32, 44) for kind in KINDS)
MORE += (("plain-110", 0),)
AFTER = ("existence", *(name for name in STUDIES if name.startswith("ablation-")))
PLAN = (  # study, row, seed; what two studies share is run once
    *(("figure6", row, seed) for row, seed in FIRST[:4]),
    *(("fast", row, seed) for row in ("residual-20", "residual-56") for seed in range(3)),
    *(("figure6", row, seed) for row, seed in FIRST[4:]),
    *((name, row.name, n) for name in AFTER for n in range(3) for row in STUDIES[name].rows),
    *(("figure6", row, seed) for row, seed in MORE),
)
LOOKS = {"resnet1202": 8}  # at test pictures on the way; 32 otherwise, for Fig. 6


@dataclass(frozen=True)
class Slice:
    """What a call was asked for."""

    device: torch.device
    out: Path
    runs: Path
    carry: Path | None
    source: str
    minutes: float
    jobs: int
    precision: str
    only: tuple[str, ...]
    layers: str
    steps: int


def train(asked: Slice) -> int:
    """Goes on with the plan until the time is over, and packs what is finished."""
    began = time.monotonic()
    deadline = began + 60 * asked.minutes - SPARE
    unpack(asked)
    pictures, data = gathered(asked.source)
    print(f"{data.name}: {len(pictures.train):,} + {len(pictures.test):,}, ", end="")
    print(f"{time.monotonic() - began:.0f} s")
    runs = list(declared(asked, data, len(pictures.train.classes)))
    left = [run for run in runs if not is_done(asked, run) and can_begin(asked, run)]
    done = sum(is_done(asked, run) for run in runs)
    print(f"{done} of {len(runs)} runs are done; {asked.jobs} side by side")
    if left:
        tasks = [task_of(asked, run) for run in left]
        planned, why = planned_for(tasks, pictures.train, asked.device)
        print("\n".join(why))
        carry_out(asked, [in_layers(task, asked.layers) for task in planned], deadline)
    pack(asked, runs)
    return 0


def declared(asked: Slice, data: Data, classes: int) -> Iterator[Run]:
    """The plan's runs, each once, at paper scale, in the asked precision."""
    seen: set[str] = set()
    for name, row_name, seed in PLAN:
        one = in_precision(STUDIES[name], asked.precision)  # type: ignore[arg-type]
        row = one.row(row_name)
        if asked.only and called(name, row_name) not in asked.only:
            continue
        (run,) = runs_of(one, row, "paper", data, classes, [seed])
        run = shortened(run, asked.steps) if asked.steps else run
        if run.key not in seen:
            seen.add(run.key)
            yield run


def called(study: str, row: str) -> str:
    """What `--only` calls it: a network of Fig. 6, or another study."""
    return STUDIES[study].row(row).network if study == "figure6" else study


def shortened(run: Run, steps: int) -> Run:
    """In so many steps, and what it is grown from too."""
    parent = shortened(run.grown_from, steps) if run.grown_from else None
    return structs.replace(scaled(run, steps), grown_from=parent)


def is_done(asked: Slice, run: Run) -> bool:
    return Folder(place(asked, run)).finished() is not None


def can_begin(asked: Slice, run: Run) -> bool:
    """Whether what it is grown from is there; a later slice finds it."""
    return run.grown_from is None or is_done(asked, run.grown_from)


def place(asked: Slice, run: Run) -> Path:
    return asked.runs / f"{run.name}-{run.key}"


def task_of(asked: Slice, run: Run) -> Task:
    network = run.name.partition("-")[0]
    return Task(
        run=run,
        source=asked.source,
        folder=str(place(asked, run)),
        looks=LOOKS.get(network, 32),
        threads=2,
        label=f"{network} seed {run.seed} ({run.key[:6]})",
        start=str(place(asked, run.grown_from)) if run.grown_from else "",
    )


def in_layers(task: Task, layers: str) -> Task:
    """The task with its fused layers computed as asked."""
    if layers == "auto" or not isinstance(task.plan, Plan):
        return task
    return structs.replace(task, plan=structs.replace(task.plan, layers=layers))


def carry_out(asked: Slice, tasks: list[Task], deadline: float) -> None:
    told: dict[str, float] = {}
    stream = on_device(tasks, asked.jobs, asked.device, lambda: time.monotonic() > deadline)
    for task, message in stream:
        now = time.monotonic()
        if not isinstance(message, Report):
            say(task, message)
        elif now - told.get(task.folder, 0) > 20:
            told[task.folder] = now
            print(
                f"{deadline - now:4.0f} s left  {task.label:18} step {message.step:6,}"
                f"  loss {message.loss:.3f}  error {message.training_error:.2f} %"
                f"  {message.images_per_second:,.0f} images/s"
            )


def say(task: Task, message: Message) -> None:
    """What is no report."""
    if isinstance(message, Done) and (result := Folder(Path(task.folder)).finished()):
        errors = f"test {result.test}, trained on {result.trained_on}"
        print(f"DONE {task.label}: {errors}, {result.seconds:.0f} s")
    elif isinstance(message, Ended):
        print(f"FAILED {task.label}: {message.why}")
    elif isinstance(message, Said):
        print(f"{task.label}: {message.text}")


def unpack(asked: Slice) -> None:
    """What earlier calls packed: finished runs, and states of the others; the newest of each."""
    for path in sorted(asked.carry.glob("*.tar.gz"), reverse=True) if asked.carry else []:
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            there = {name for name in map(folder_of, members) if is_begun(asked.runs / name)}
            wanted = [member for member in members if folder_of(member) not in there]
            archive.extractall(asked.runs, members=wanted, filter="data")


def folder_of(member: tarfile.TarInfo) -> str:
    return Path(member.name).parts[0]


def is_begun(folder: Path) -> bool:
    """Whether it holds work that an older archive would undo: logs are read up to a state."""
    return any(Folder(folder).state.glob("*.json")) or Folder(folder).result.exists()


def pack(asked: Slice, runs: list[Run]) -> None:
    """Lines of results, then archives: new weights first, then states while there is room."""
    folders = [Folder(place(asked, run)) for run in runs if place(asked, run).exists()]
    outcomes = [found for folder in folders if (found := outcome_of(folder)) is not None]
    add_lines(asked.out / "cifar10.jsonl", outcomes)
    print(f"{len(outcomes)} finished runs in {asked.out / 'cifar10.jsonl'}")
    done = asked.runs / "packed.txt"
    packed = set(done.read_text().split()) if done.exists() else set()
    pieces: list[list[Path]] = [[]]
    filled, names = 0, []
    for folder in sorted(folders, key=lambda folder: folder.finished() is None):
        finished = folder.finished() is not None
        if finished and folder.path.name in packed:
            continue
        files = [folder.path / name for name in OUT_OF_FOLDER]
        files += [folder.weights] if finished else newest_state(folder)
        files = [file for file in files if file.exists()]
        size = sum(file.stat().st_size for file in files)
        if size > PIECE or (filled + size > PIECE and len(pieces) == PIECES):
            print(f"left here: {folder.path.name} ({size / 1e6:.0f} MB)")
            continue
        if filled + size > PIECE:
            pieces.append([])
            filled = 0
        pieces[-1] += files
        filled += size
        names += [folder.path.name] if finished else []
    for number, files in enumerate(pieces):
        path = asked.out / f"runs-{time.strftime('%Y%m%d-%H%M%S')}-{number}.tar.gz"
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for file in files:
                archive.add(file, file.relative_to(asked.runs))
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    done.write_text("\n".join([*packed, *names]))


def newest_state(folder: Folder) -> list[Path]:
    from deepres.runs.states import found

    newest = next(found(folder.state), None)
    return [] if newest is None else [newest, newest.with_suffix(".safetensors")]

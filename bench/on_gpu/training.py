"""The paper's runs in slices: what matters most first, side by side, ended in time, packed."""

import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from msgspec import structs

from deepres.accel.device.fleet import job_of, side_by_side
from deepres.accel.device.placed import arithmetic
from deepres.accel.device.planned import planned
from deepres.models.zoo import arch
from deepres.runs.folder import Folder
from deepres.runs.log import Report
from deepres.runs.pictures import Pictures, gathered
from deepres.runs.result import Result
from deepres.runs.work import network_of
from deepres.spec import Data, Plan, Run, scaled
from deepres.studies.catalogue import study
from deepres.studies.outcome import add_lines, outcome_of
from deepres.studies.study import in_precision, runs_of

PIECE, PIECES = 15 << 20, 6  # of an archive, and how many of them a call puts out
SPARE = 25.0  # seconds before the end at which the runs are told to stop
OUT_OF_FOLDER = ("run.json", "provenance.json", "log.jsonl", "result.json", "card.json")
KINDS = ("resnet", "plain")
# What matters most first. Deep ones begin early: nothing shortens their chain of kernels.
PLAN = (
    *(("resnet20", 0), ("plain20", 0), ("plain56", 0), ("resnet56", 0)),
    *(("resnet110", 0), ("resnet110", 1)),
    *(("resnet32", 0), ("resnet44", 0), ("plain32", 0), ("plain44", 0)),
    *(("resnet110", 2), ("resnet110", 3), ("resnet110", 4), ("resnet1202", 0)),
    *((f"{kind}{n}", seed) for seed in (1, 2) for n in (20, 56, 32, 44) for kind in KINDS),
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
    arithmetic()
    unpack(asked)
    pictures, data = gathered(asked.source)
    print(f"{data.name}: {len(pictures.train):,} + {len(pictures.test):,}, ", end="")
    print(f"{time.monotonic() - began:.0f} s")
    runs = list(declared(asked, data, len(pictures.train.classes)))
    left = [run for run in runs if not Folder(place(asked, run)).finished()]
    print(f"{len(runs) - len(left)} of {len(runs)} runs are done; {asked.jobs} side by side")
    if left:
        carry_out(asked, left, pictures, deadline)
    pack(asked, runs)
    return 0


def declared(asked: Slice, data: Data, classes: int) -> Iterator[Run]:
    """The runs of Fig. 6's rows, at paper scale, in the asked precision."""
    figure = in_precision(study("figure6"), asked.precision)  # type: ignore[arg-type]
    for network, seed in PLAN:
        if asked.only and network not in asked.only:
            continue
        row = next(row for row in figure.rows if row.network == network)
        (run,) = runs_of(figure, row, "paper", data, classes, [seed])
        yield scaled(run, asked.steps) if asked.steps else run


def place(asked: Slice, run: Run) -> Path:
    return asked.runs / f"{run.name}-{run.key}"


def carry_out(asked: Slice, runs: list[Run], pictures: Pictures, deadline: float) -> None:
    plan = plan_of(asked, pictures)
    jobs = []
    for run in runs:
        looks = LOOKS.get(run.name.partition("-")[0], 32)
        job = job_of(run, plan, pictures, place(asked, run), looks, asked.source)
        jobs.append((f"{run.name.partition('-')[0]} seed {run.seed}", job))
    told: dict[str, float] = {}
    stream = side_by_side(jobs, asked.jobs, asked.device, lambda: time.monotonic() > deadline)
    for name, item in stream:
        now = time.monotonic()
        if isinstance(item, Report) and now - told.get(name, 0) > 20:
            told[name] = now
            print(
                f"{deadline - now:4.0f} s left  {name:18} step {item.step:6,}"
                f"  loss {item.loss:.3f}  error {item.training_error:.2f} %"
                f"  {item.images_per_second:,.0f} images/s"
            )
        elif isinstance(item, Result):
            errors = f"test {item.test}, trained on {item.trained_on}"
            print(f"DONE {name}: {errors}, {item.seconds:.0f} s")
        elif isinstance(item, Exception):
            print(f"FAILED {name}: {type(item).__name__}: {item}")
        elif isinstance(item, str):
            print(f"{name}: {item}")


def plan_of(asked: Slice, pictures: Pictures) -> Plan:
    """One plan for all of them: they differ in depth alone."""
    if asked.device.type == "cpu":
        return Plan(engine="graph")
    any_ = Run(name="any", arch=arch("resnet20", 10), data=Data(name=""))
    network = network_of(any_, pictures.train)
    plan, why = planned(network, any_.recipe, pictures.train, asked.device, threads=2)
    print(why)
    return plan if asked.layers == "auto" else structs.replace(plan, layers=asked.layers)


def unpack(asked: Slice) -> None:
    """What an earlier call packed: finished runs, and states of the others."""
    for path in sorted(asked.carry.glob("*.tar.gz")) if asked.carry else []:
        with tarfile.open(path) as archive:
            archive.extractall(asked.runs, filter="data")


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
        path = asked.out / f"runs-{time.strftime('%H%M%S')}-{number}.tar.gz"
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for file in files:
                archive.add(file, file.relative_to(asked.runs))
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    done.write_text("\n".join([*packed, *names]))


def newest_state(folder: Folder) -> list[Path]:
    from deepres.runs.states import found

    newest = next(found(folder.state), None)
    return [] if newest is None else [newest, newest.with_suffix(".safetensors")]

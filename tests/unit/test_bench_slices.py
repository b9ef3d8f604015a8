"""What `bench/gpu.py` carries from call to call: little enough, and the newest of each run."""

import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deepres.models.zoo import arch
from deepres.spec import Data, Run
from deepres.studies.catalogue import STUDIES
from deepres.studies.study import runs_of

sys.path.append(str(Path(__file__).parents[2] / "bench"))
from on_gpu import training

MEBIBYTE = 1 << 20


def asked(where: Path, carry: Path | None = None) -> training.Slice:
    (where / "out").mkdir(parents=True, exist_ok=True)
    return training.Slice(
        device=torch.device("cpu"),
        out=where / "out",
        runs=where / "runs",
        carry=carry,
        source="digits",
        minutes=1,
        jobs=1,
        precision="fp32",
        only=(),
        layers="auto",
        steps=0,
    )


def begun(given: training.Slice, number: int, state: bytes) -> Run:
    """A run with a state, which is what a test says it is."""
    run = Run(name=f"run{number}", arch=arch("resnet8", 10), data=Data(name="digits"), seed=number)
    folder = training.place(given, run)
    (folder / "state").mkdir(parents=True, exist_ok=True)
    (folder / "state" / "1.json").write_bytes(state)
    (folder / "log.jsonl").write_bytes(state)
    return run


@pytest.fixture(autouse=True)
def states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "newest_state", lambda folder: [folder.state / "1.json"])


def test_a_call_puts_out_no_more_than_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every archive below 16 MiB, all of them and the lines below 64: here a thousandth of it."""
    assert training.PIECE * 1.02 < 16 * MEBIBYTE
    assert training.PIECE * 1.02 * training.PIECES < 64 * MEBIBYTE
    monkeypatch.setattr(training, "PIECE", training.PIECE // 1000)
    given, generator = asked(tmp_path), torch.Generator().manual_seed(0)
    noise = torch.randint(256, (3_000,), generator=generator, dtype=torch.uint8).numpy().tobytes()
    runs = [begun(given, n, noise) for n in range(16)]
    training.pack(given, runs)
    files = list((tmp_path / "out").glob("*.tar.gz"))
    assert len(files) == training.PIECES == capsys.readouterr().out.count(".tar.gz")
    packed = set()
    for file in files:
        with tarfile.open(file) as archive:
            packed |= set(map(training.folder_of, archive.getmembers()))
    assert 0 < len(packed) < 16


def test_the_newest_archive_wins_and_work_that_is_here_stays(tmp_path: Path) -> None:
    first, carried = asked(tmp_path / "1"), tmp_path / "carried"
    carried.mkdir()
    for when, state in (("20261121-235900", b"old"), ("20261122-000100", b"new")):
        runs = [begun(first, n, state) for n in (0, 1)]
        training.pack(first, runs)
        for file in first.out.glob("*.tar.gz"):
            file.rename(carried / f"runs-{when}-0.tar.gz")
    second = asked(tmp_path / "2", carried)
    here = begun(second, 1, b"newer")
    training.unpack(second)
    assert (training.place(second, runs[0]) / "log.jsonl").read_bytes() == b"new"
    assert (training.place(second, here) / "log.jsonl").read_bytes() == b"newer"


def test_archives_are_named_so_that_they_sort_by_their_time(tmp_path: Path) -> None:
    given = asked(tmp_path)
    training.pack(given, [begun(given, 0, b"state")])
    (file,) = given.out.glob("*.tar.gz")
    assert len(file.name.split("-")[1]) == 8, "years, months and days come before hours"


def test_the_plan_is_every_study_that_a_gpu_is_wanted_for_each_run_once(tmp_path: Path) -> None:
    data = Data(name="cifar10")
    runs = list(training.declared(asked(tmp_path), data, 10))
    assert len({run.key for run in runs}) == len(runs)
    there = {run.key for run in runs}
    for name, seeds in (("table6", 5), ("fast", 3), ("existence", 3), ("ablation-momentum", 3)):
        study = STUDIES[name]
        for row in study.rows:
            wanted = runs_of(
                study, row, "paper", data, 10, range(min(seeds, 1 if "1202" in row.name else 5))
            )
            assert {run.key for run in wanted} <= there, (name, row.name)


def test_what_is_grown_waits_for_its_parent_and_begins_with_it(tmp_path: Path) -> None:
    given = replace(asked(tmp_path), only=("existence",), steps=6)
    runs = list(training.declared(given, Data(name="digits"), 10))
    (parent, grown) = (
        next(r for r in runs if (r.grown_from is not None) is w) for w in (False, True)
    )
    assert grown.grown_from.key == parent.key and not training.can_begin(given, grown)
    folder = training.place(given, parent)
    assert training.task_of(given, grown).start == str(folder)

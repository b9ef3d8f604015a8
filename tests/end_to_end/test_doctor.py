"""`deepres doctor`: it examines a sick machine too, and each ill comes with what mends it."""

import json
import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest
import torch

import deepres
from deepres.accel import waiting
from deepres.cli import doctor, packages
from deepres.cores import usable


@pytest.fixture
def told(command):
    """What the command tells, with JSON's problems also as text."""

    def run():
        status, out, err = command("doctor", "--json")
        assert (status, err) == (0, "")
        return json.loads(out)

    return run


@pytest.fixture
def without(monkeypatch):
    """A machine on which some packages are another version, or not there."""

    def change(**versions):
        def other(name):
            here = versions.get(name.replace("-", "_"), "as it is")
            if here is None:
                raise PackageNotFoundError(name)
            return version(name) if here == "as it is" else here

        monkeypatch.setattr(packages, "version", other)

    return change


def one(problems, words):
    """The problem that has these words."""
    found = [problem for problem in problems if words in problem]
    assert len(found) == 1, problems
    return found[0]


def test_what_is_here_is_told(told):
    answer = told()
    assert answer["versions"]["deepres"] == deepres.__version__
    assert answer["versions"]["python"] == platform.python_version()
    assert answer["versions"]["torch"] == torch.__version__
    assert answer["machine"]["cores_for_us"] == usable()
    assert answer["machine"]["instructions"] in answer["devices"]["cpu"]
    assert re.match(rf"{torch.get_num_threads()} threads?, ", answer["devices"]["cpu"])
    assert re.search(r"bf16 \d+\.\d times as fast as fp32", answer["devices"]["cpu"])
    assert answer["data"]["digits"] == "in the package"
    assert all(isinstance(problem, str) for problem in answer["problems"])


@pytest.mark.parametrize(("running", "waits"), [(1, "as OpenMP likes"), (1000, "PASSIVE")])
def test_threads_sleep_while_they_wait_where_others_compute(
    told, monkeypatch, tmp_path, running, waits
):
    load = tmp_path / "loadavg"
    load.write_text(f"0.10 0.20 0.30 {running}/2000 4321\n")
    monkeypatch.setattr(waiting, "LOAD", load)
    monkeypatch.delenv("OMP_WAIT_POLICY")
    assert told()["machine"]["threads_that_wait"] == waits
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert told()["machine"]["threads_that_wait"] == "ACTIVE"


def test_people_read_the_same(command, told):
    _, out, _ = command("doctor")
    assert f"torch              {torch.__version__}" in out
    assert "  digits             in the package" in out


def test_every_problem_ends_with_what_mends_it(told, without, monkeypatch, tmp_path):
    """All that can be wrong at once, but for what takes another machine."""
    without(pyarrow=None, tensorboard="1.0", onnx=None, onnxruntime=None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("DEEPRES_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(doctor, "COMPILERS", ("g++",))
    monkeypatch.setattr(doctor, "ROOM", 1e18)
    monkeypatch.setattr(doctor, "MEMORY", 1e18)
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0, 0))
    monkeypatch.setattr(doctor, "usable", lambda: 500)
    problems = told()["problems"]
    pip = re.escape(f"`{sys.executable} -m pip install ")
    arrow = one(problems, "pyarrow")
    assert re.fullmatch(rf'pyarrow is not installed, so CIFAR .*: {pip}"pyarrow>=\d+"`\.', arrow)
    board = one(problems, "tensorboard")
    assert board.startswith("tensorboard is too old (1.0), so `deepres train --tensorboard`")
    onnx = one(problems, "ONNX")
    assert re.search(rf'{pip}"onnx>=\S+" "onnxruntime>=\S+"`', onnx)
    assert "nowhere, which is no folder: `export DEEPRES_DATA=" in one(problems, "DEEPRES_DATA n")
    assert "`deepres data fetch cifar10` fetches it" in one(problems, "cifar10 is neither")
    assert "`apt install gcc`" in one(problems, "no C compiler")
    assert "`apt install g++`" in one(problems, "no C++ compiler")
    assert "make room, or name another `--out`" in one(problems, "GB left")
    assert "`top -o %MEM`" in one(problems, "GB of memory are free")
    assert "load 99.0 on 500 cores" not in str(problems)
    assert "of 500 cores" in one(problems, "Training takes")


def test_a_package_that_is_needed_and_missing_is_named_first(told, without):
    without(msgspec=None)
    assert told()["problems"][0].startswith("msgspec is not installed, and deepres needs it: `")


def test_a_torch_that_cannot_be_imported_is_the_only_thing_examined(told, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    answer = told()
    assert answer["problems"][0].startswith("torch cannot be imported (import of torch halted")
    assert "machine" not in answer


def test_a_compiler_that_does_not_run_is_said_to_be_one(tmp_path):
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert doctor.first_line(str(broken), "--version") == f"{broken}, which does not run"

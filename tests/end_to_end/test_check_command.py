"""`deepres check` and `count` on somebody's own network, as a shell sees them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deepres.cli import main

NETWORKS = Path(__file__).parents[1] / "unit"


@pytest.fixture
def here(monkeypatch):
    monkeypatch.chdir(NETWORKS)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def deepres(here, capsys, monkeypatch):
    """Runs a command in this process: status, standard output, standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["deepres", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


def test_a_faithful_network_from_a_shell():
    """The real command, from the folder of the file; what the file prints goes to stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "deepres", "check", "check_faithful:classes", "--against",
         "resnet20", "--json"],
        cwd=NETWORKS, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["same"] is True and answer["differences"] == []
    counts = {"layers": 20, "parameters": 269_722, "multiply_adds": 40_551_040}
    assert answer["yours"] == answer["paper"] == counts


def test_a_flawed_network_has_status_1(deepres):
    status, out, _ = deepres(
        "check", "check_flawed.py:stride_lost", "--against", "resnet8", "--json"
    )
    answer = json.loads(out)
    assert status == 1 and answer["same"] is False
    assert answer["differences"][0] == (
        "stage 3 starts with stride 1: its maps are 16x16, the paper's are 8x8"
    )


def test_the_page_fits_a_terminal(deepres):
    status, out, _ = deepres("check", "check_faithful:both_sides", "--against", "resnet20")
    lines = out.splitlines()
    assert status == 1
    assert lines[0] == "check_faithful:both_sides is not resnet20: 2 differences."
    assert lines[2] == "  1. This is resnet20-a-both to the letter, not resnet20."
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if "parameters" in line)
    assert row.split() == ["parameters", "269,722", "269,722"]
    status, out, _ = deepres("check", "check_faithful:both_sides", "--against", "resnet20-a-both")
    assert status == 0
    first = out.splitlines()[0]
    assert first == "check_faithful:both_sides is resnet20-a-both, as the paper has it."


FAULTS = {
    "nothing:Net": "there is no module nothing in",
    "check_faithful:Missing": "check_faithful has no Missing; it defines",
    "check_faithful:BasicBlock": "BasicBlock needs in_planes, planes: name a function",
    "own:grey": "own:grey does not take N x 3 x 32 x 32 pictures: it raised RuntimeError",
    "own:maps": "own:maps gives outputs of 4x10x32x32 for 4 pictures: N x classes is what",
    "own:nothing": "own:nothing returns a NoneType without tensors",
    "own:constant": "own:constant gives outputs that do not depend on the pictures",
    "own:text": "text() gave str, not an nn.Module",
    "own:fails": "fails() raised ZeroDivisionError: division by zero (",
}
OWN = """
import torch
from torch import nn
print("noise")
grey = lambda: nn.Sequential(nn.Conv2d(1, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
maps = lambda: nn.Conv2d(3, 10, 3, padding=1)
text = lambda: "network"
fails = lambda: 1 / 0
class nothing(nn.Module):
    def forward(self, x):
        print("noise")
class constant(nn.Module):
    def forward(self, x):
        return torch.zeros(len(x), 10)
"""


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_the_users_fault_has_status_2_and_a_sentence(deepres, name, tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(OWN)
    if name.startswith("own"):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delitem(sys.modules, "own", raising=False)
    status, out, err = deepres("check", name, "--against", "resnet20", "--json")
    assert status == 2 and out == ""
    last = err.splitlines()[-1]
    assert last.startswith("deepres: ") and FAULTS[name] in last and last.endswith(".")
    assert "Traceback" not in err


def test_an_unknown_network_is_said_before_anything_runs(deepres):
    status, out, err = deepres("check", "nothing:Net", "--against", "resnet21")
    assert status == 2 and out == ""
    assert "the nearest are 20 and 26" in err and "nothing" not in err


def test_count_takes_the_users_own(deepres):
    status, out, _ = deepres("count", "check_flawed:wide_18", "--size", 32, "--json")
    assert status == 0
    assert json.loads(out) == {
        "network": "check_flawed:wide_18",
        "layers": 18,
        "parameters": 11_173_962,
        "multiply_adds": 555_422_720,
        "size": 32,
    }
    status, out, _ = deepres("count", "check_faithful.py:Functional", "--size", 32)
    assert out == (
        "check_faithful.py:Functional: 20 layers, 269,722 parameters, 40,551,040 multiply-adds for"
        " one 32x32 picture\n"
    )


def test_count_says_why_a_network_does_not_take_a_size(deepres):
    status, _, err = deepres("count", "check_flawed:wide_18", "--size", 64)
    assert status == 2
    assert "check_flawed:wide_18 does not take N x 3 x 64 x 64 pictures: it raised" in err


def test_the_page_of_the_documentation_is_what_comes_out(deepres, tmp_path, monkeypatch):
    page = (NETWORKS.parents[1] / "docs" / "how-to" / "check.md").read_text()
    (tmp_path / "mynet.py").write_text(page.split("```python\n")[1].split("```")[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mynet", raising=False)
    status, out, _ = deepres("check", "mynet.py:ResNet20", "--against", "resnet20")
    assert status == 1
    printed, expected = (
        re.sub(r"by 0\.\d+ of", "by 0.N of", text)  # the last digit is the machine's
        for text in (out, page.split("```text\n")[1].split("```")[0])
    )
    assert printed == expected

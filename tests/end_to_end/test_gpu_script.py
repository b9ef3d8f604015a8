"""`bench/gpu.py` on the processor: its checks hold, its slices end, resume and are packed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


def ran(*words: object, ok: tuple[int, ...] = (0,)) -> str:
    command = [sys.executable, str(ROOT / "bench" / "gpu.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode in ok, done.stderr
    return done.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so_and_ends():
    assert "There is no GPU here" in ran()


@pytest.mark.slow
def test_its_checks_hold_on_the_processor():
    said = ran("check", "--device", "cpu")
    assert said.count(" ok ") == 8 and "FAILED" not in said


@pytest.mark.slow
def test_slices_of_the_plan_end_in_time_go_on_and_are_packed(tmp_path):
    """Digits in place of CIFAR: two networks, the first slice over before it began."""
    given = ["--device", "cpu", "--data", "digits", "--tiny", 6, "--only", "resnet20,plain20"]
    given += ["--precision", "fp32", "--jobs", 2]
    first = ran(
        "train", *given, "--runs", tmp_path / "a", "--out", tmp_path / "1", "--minutes", 0.5
    )
    assert "0 of 10 runs are done" in first
    carried = ["--carry", tmp_path / "1", "--runs", tmp_path / "b", "--out", tmp_path / "2"]
    second = ran("train", *given, *carried, "--minutes", 3)
    assert second.count("DONE") + int(second.partition(" of 10")[0].split()[-1]) == 10
    lines = [
        json.loads(text) for text in (tmp_path / "2" / "cifar10.jsonl").read_text().splitlines()
    ]
    assert sorted((line["run"]["name"], line["run"].get("seed", 0)) for line in lines) == [
        (f"{name}-digits", seed) for name in ("plain20", "resnet20") for seed in range(5)
    ]
    assert all(file.stat().st_size < 16 << 20 for file in (tmp_path / "2").iterdir())
    third = ran("train", *given, *carried, "--minutes", 3)
    assert "10 of 10 runs are done" in third and "DONE" not in third

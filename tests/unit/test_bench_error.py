"""`bench/time_to_error.py`: each recipe by its own means, the test read only with none held out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
QUICK = ("--share", "0.0003")


def lines(*words: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, str(BENCH / "time_to_error.py"), *QUICK, *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_errors_on_the_way_are_of_pictures_held_out(tmp_path: Path) -> None:
    told = lines("--runs", str(tmp_path))
    assert [line["recipe"] for line in told] == ["fast", "paper", "usual"]
    for line in told:
        assert line["held_out"] == 200 and line["points"]
        assert all("of" not in point for point in line["points"]), "never the test"  # type: ignore[attr-defined]
    plans = {}
    for folder in tmp_path.iterdir():
        (session,) = json.loads((folder / "provenance.json").read_text())["sessions"]
        plans[folder.name.split("-")[1]] = session["plan"]
    assert plans["usual"]["layout"] == "contiguous" and plans["usual"]["malloc"] == "as it comes"
    assert plans["fast"]["layout"] == plans["paper"]["layout"] == "channels last"


@pytest.mark.slow
def test_with_nothing_held_out_the_test_is_the_only_point() -> None:
    for line in lines("--split", "0"):
        (point,) = line["points"]  # type: ignore[misc]
        assert point["of"] == "test" and line["held_out"] == 0


def test_a_gpu_s_script_refuses_what_would_train_nothing() -> None:
    for wrong, word in ((("--only", "resnet21"), "resnet21"), (("--jobs", "0"), "--jobs 0")):
        words = [sys.executable, str(BENCH / "gpu.py"), "train", "--device", "cpu", *wrong]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 2 and word in done.stderr

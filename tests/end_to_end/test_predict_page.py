"""docs/how-to/predict.md does what it says: each block of it is run."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import deepres
from deepres.card import Card, Preprocessing
from deepres.models import bundled, weights

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "predict.md"
BLOCKS = re.findall(r"```(python|console)\n(.*?)```", PAGE.read_text(), re.S)
HOW = Preprocessing(
    size=32, resize=32, maximum=255, mean=(0, 0, 0), std=(1, 1, 1), mean_image=True
)  # as the bundled one's


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, with a network of the bundled one's name and some pictures."""
    network = deepres.create("resnet20", seed=1)
    card = Card(
        network="resnet20", arch=network.arch, preprocessing=HOW, classes=tuple("0123456789")
    )
    mean = torch.full((3, 32, 32), 0.5)
    weights.save(tmp_path / "bundled" / "resnet20-cifar10.safetensors", network, card, mean)
    monkeypatch.setattr(bundled, "FOLDER", tmp_path / "bundled")
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("holiday").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for name in ("cat.png", "holiday/a.png", "holiday/b.png"):
        Image.fromarray(pixels).save(name)


def test_its_python_runs(place, capsys):
    names = {}
    for kind, text in BLOCKS:
        if kind == "python":
            exec(compile(text, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    said = capsys.readouterr().out.splitlines()
    assert said[3].endswith("thread") or said[3].endswith("threads")
    assert said[-1] == "gone.png gone.png: there is no such file."


def commands(exporting):
    lines = [line for kind, text in BLOCKS if kind == "console" for line in text.splitlines()]
    exports = [line for line in lines if "export" in line or "resnet20.onnx" in line]
    return exports if exporting else [line for line in lines if line not in exports]


@pytest.mark.parametrize("line", commands(exporting=False))
def test_its_commands_run(place, command, line):
    status, out, said = command(*[word.strip("'") for word in line.split()[1:]])
    assert status == 0, said
    assert "cat.png" in out or "holiday" in out


@pytest.mark.slow
def test_its_exports_run(place, command):
    for line in commands(exporting=True):
        if "--data cifar10" in line and not os.environ.get("DEEPRES_DATA"):
            continue
        status, _, said = command(*line.split()[1:])
        assert status == 0, said
    assert Path("resnet20-rgb.onnx.json").exists()

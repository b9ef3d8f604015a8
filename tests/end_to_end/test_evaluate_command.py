"""`deepres evaluate` on published checkpoints, to the last image."""

import csv
import json
import subprocess
import sys

import pytest

import deepres
from deepres.accel.fuse import fused
from deepres.card import Card, Preprocessing
from deepres.data.source import images
from deepres.evaluate import combined, scores, total
from deepres.models.weights import save
from deepres.models.zoo import arch

# Top-1 and top-5 errors of 10,000, measured with their authors' own network code.
PUBLISHED = {
    "akamaster-resnet20-12fca82f.th": (827, 34),
    "akamaster-resnet56-4bfd9763.th": (661, 23),
    "a-martyn-resnet20.pt": (804, 32),
    "a-martyn-plainnet20.pt": (969, 35),
}


@pytest.fixture(scope="session")
def cifar10(real_data):
    return images(f"cifar10:{real_data / 'cifar10'}", "test")


@pytest.mark.slow  # the command below evaluates one of them; all would make these tests too long
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_checkpoints_make_their_published_errors(name, real_data, cifar10):
    network = deepres.load(real_data / "weights" / name)
    stream = scores(fused(network), network.card.preprocessing, network.mean_image, cifar10)
    errors = total(stream, cifar10)
    assert errors.seen == 10_000
    top1, top5 = PUBLISHED[name]
    assert abs(errors.top1 - top1) <= 2  # a tie may fall otherwise with another kernel
    assert abs(errors.top5 - top5) <= 2


def test_the_command_prints_the_contract_and_writes_every_prediction(real_data, tmp_path):
    weights = str(real_data / "weights" / "a-martyn-resnet20.pt")
    words = ["evaluate", weights, "--data", f"cifar10:{real_data / 'cifar10'}", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words, "--out", str(tmp_path / "preds.csv")],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["seen"], found["network"], found["source"]) == (10_000, "resnet20", "a-martyn")
    assert abs(found["top1_errors"] - 804) <= 2
    assert found["top1_error"] == found["top1_errors"] / 100
    assert found["top5_error"] == found["top5_errors"] / 100
    assert found["guessed"][0] in done.stderr
    with (tmp_path / "preds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10_000
    assert sum(row["label"] != row["guess1"] for row in rows) == found["top1_errors"]
    assert sum(int(row["rank"]) > 5 for row in rows) == found["top5_errors"]


@pytest.mark.slow
def test_an_ensemble_is_tested_like_one_network(tmp_path):
    how = Preprocessing(size=32, resize=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
    files = [tmp_path / f"{name}.safetensors" for name in ("resnet8", "plain8")]
    for file in files:
        card = Card(network=file.stem, arch=arch(file.stem), preprocessing=how)
        save(file, deepres.create(file.stem, seed=6), card, None)
    words = ["evaluate", *map(str, files), "--data", "synthetic", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    found, pictures = json.loads(done.stdout), images("synthetic")
    members = [scores(fused(deepres.load(file)), how, None, pictures) for file in files]
    assert found["network"] == "resnet8 + plain8"
    assert found["top1_errors"] == total(combined(members), pictures).top1
    alone = total(scores(fused(deepres.load(files[0])), how, None, pictures), pictures)
    assert found["top1_errors"] != alone.top1


def test_folding_changes_rounding_only():
    import torch

    network = deepres.create("resnet14-b", seed=1).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
    x = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(fused(network.double())(x.double()), network(x.double()), atol=1e-10)
        before = network.state_dict()["layer1.0.conv1.weight"].clone()
    assert torch.equal(network.state_dict()["layer1.0.conv1.weight"], before)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in fused(network).modules())

"""`deepres bench`: figures with median and spread, and a sentence that follows from them."""

import json

import pytest

from deepres.accel import figures


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(figures, "ROUNDS", 2)
    monkeypatch.setattr(figures, "PHOTO", (64, 48))
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path))


def test_inference(command):
    status, out, said = command(
        "bench", "inference", "--network", "resnet8", "--batch", 4, "--json"
    )
    assert status == 0, said
    found = json.loads(out)["inference"]
    assert set(found["batches"]) == {"1", "4"}
    for batch in found["batches"].values():
        medians = {name: one["median"] for name, one in batch["milliseconds"].items()}
        assert batch["fastest"] == min(medians, key=medians.get)
        assert any(name.startswith("eager") for name in medians)
        for one in batch["images_per_second"].values():
            assert 0 < one["min"] <= one["median"] <= one["max"]
    assert found["bottleneck"].split(":")[0] in ("The network", "Decoding photographs")


def test_step_and_loader(command):
    words = ("--network", "resnet8", "--data", "digits")
    status, out, said = command("bench", "step", *words, "--engine", "eager", "--json")
    assert status == 0, said
    found = json.loads(out)["step"]
    assert found["images_per_second"]["median"] < found["preparing_images_per_second"]["median"]
    assert found["bottleneck"].startswith("The step: ")
    status, out, said = command("bench", "loader", *words)
    assert status == 0, said
    assert "photographs images per second" in out and "bottleneck: " in out


@pytest.mark.parametrize("words", [["speed"], ["step", "--network", "resnet9"]])
def test_what_is_not_there_is_one_sentence(command, words):
    status, out, said = command("bench", *words)
    assert (status, out) == (2, "")
    assert len(said.strip().splitlines()) == 1

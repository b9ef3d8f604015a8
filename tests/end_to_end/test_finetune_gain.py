"""Fine-tuning pays: the bundled network learns other pictures from few of them."""

import json

import pytest

OLD, FEW = 7, 24
SHORT = ("--steps", "160", "--drops", "80,120", "--threads", "1", "--engine", "eager")


@pytest.fixture
def few(real_data, tmp_path):
    """The last three classes of Imagenette, 24 pictures of each to learn from."""
    whole = real_data / "imagenette"
    for name in sorted(place.name for place in (whole / "train").iterdir())[OLD:]:
        for part, count in (("train", FEW), ("val", None)):
            place = tmp_path / "few" / part / name
            place.mkdir(parents=True)
            for file in sorted((whole / part / name).iterdir())[:count]:
                (place / file.name).symlink_to(file)
    return f"folder:{tmp_path / 'few'}"


@pytest.mark.slow
def test_fine_tuning_beats_training_from_nothing(few, tmp_path, command):
    """bench/finetune.py has three seeds and chosen rates; here one draw must show it."""
    nothing = ("--recipe", "imagenet", "--batch", "32", "--replicas", "1", "--size", "32")
    ways = {
        "tuned": ("--from", "resnet20-cifar10", "--lr", "0.03"),
        "nothing": (*nothing, "--lr", "0.05"),
    }
    wrong = {}
    for name, way in ways.items():
        words = ("--data", few, *way, *SHORT, "--looks", "0", "--out", tmp_path / name, "--json")
        status, out, err = command("train", "resnet20", *words)
        assert status == 0, err
        wrong[name] = json.loads(out)["top1_errors"]
    assert wrong["tuned"] < 0.8 * wrong["nothing"], wrong

"""Fine-tuning pays: networks that know other pictures learn three classes from few of them."""

import json
from pathlib import Path

import pytest

OLD, FEW = 7, 24
SHORT = ("--steps", "160", "--drops", "80,120", "--threads", "1", "--engine", "eager")
SEVEN = Path(__file__).parents[2] / "weights" / "resnet20-imagenette-seven-classes.safetensors"


@pytest.fixture
def learned(real_data, tmp_path, command):
    """How many pictures of Imagenette's last three classes a way of learning them gets wrong."""
    whole, folder = real_data / "imagenette", tmp_path
    for name in sorted(place.name for place in (whole / "train").iterdir())[OLD:]:
        for part, count in (("train", FEW), ("val", None)):
            place = folder / "data" / part / name
            place.mkdir(parents=True)
            for file in sorted((whole / part / name).iterdir())[:count]:
                (place / file.name).symlink_to(file)

    def wrong(*way):
        out = folder / f"{len(list(folder.iterdir()))}"
        words = ("--data", f"folder:{folder / 'data'}", *way, *SHORT, "--looks", "0")
        status, told, err = command("train", "resnet20", *words, "--out", out, "--json")
        assert status == 0, err
        return json.loads(told)["top1_errors"]

    return wrong


@pytest.mark.slow
def test_fine_tuning_beats_training_from_nothing(learned):
    """bench/finetune.py has three seeds and chosen rates; here one draw must show it."""
    nothing = ("--recipe", "imagenet", "--batch", "32", "--replicas", "1", "--size", "32")
    from_nothing = learned(*nothing, "--lr", "0.02")
    assert learned("--from", "resnet20-cifar10", "--lr", "0.03") < 0.8 * from_nothing
    assert learned("--from", SEVEN, "--lr", "0.03") < 0.9 * from_nothing

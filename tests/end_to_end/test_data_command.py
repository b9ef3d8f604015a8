"""`deepres data` as scripts see it: JSON, tables, exit status, every bad file by its name."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

RECORD = 2 + 3072


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    here = tmp_path_factory.mktemp("user")
    return {k: v for k, v in os.environ.items() if k != "DEEPRES_DATA"} | {
        "DEEPRES_CACHE": str(here / "cache"),
        "XDG_DATA_HOME": str(here / "data"),
    }


def deepres(environment, *words):
    return subprocess.run(
        [sys.executable, "-m", "deepres", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def cifar100(tmp_path_factory):
    """All 60,000 records of CIFAR-100's binary layout, of noise."""
    folder = tmp_path_factory.mktemp("noise") / "cifar-100-binary"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name, count in (("train", 50_000), ("test", 10_000)):
        records = draw.integers(0, 256, (count, RECORD), dtype=np.uint8)
        records[:, 1] = draw.permutation(np.arange(count) % 100)
        records[:, 0] = records[:, 1] // 5
        records.tofile(folder / f"{name}.bin")
    yield folder
    shutil.rmtree(folder)  # 184 MB


def test_a_whole_data_set_is_counted(environment, cifar100):
    done = deepres(environment, "data", "check", cifar100, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["images"], answer["classes"], answer["problems"]) == (60_000, 100, [])
    train = answer["splits"]["train"]
    assert train["images"] == 50_000
    assert train["per_class"]["aquarium_fish"] == 500 and len(train["per_class"]) == 100
    assert "no digest of the official pixels is known" in train["verdict"]  # said, not hidden
    raw = np.fromfile(cifar100 / "test.bin", np.uint8).reshape(-1, RECORD)[:, 2:]
    channels = raw.reshape(-1, 3, 1024) / np.float32(255)
    test = answer["splits"]["test"]
    np.testing.assert_allclose(test["mean"], channels.mean((0, 2), np.float64), atol=1e-7)
    np.testing.assert_allclose(test["deviation"], channels.std((0, 2), np.float64), atol=1e-7)


def test_every_bad_file_is_named_and_the_status_is_2(environment, cifar100):
    (cifar100 / "train.bin").rename(cifar100 / "aside")
    whole = (cifar100 / "test.bin").stat().st_size
    os.truncate(cifar100 / "test.bin", whole - 1)
    done = deepres(environment, "data", "check", f"cifar100:{cifar100}", "--json")
    os.truncate(cifar100 / "test.bin", whole)
    (cifar100 / "aside").rename(cifar100 / "train.bin")
    assert done.returncode == 2
    assert json.loads(done.stdout)["problems"] == [
        f"{cifar100}/train.bin is missing: fetch it again with `deepres data fetch cifar100`.",
        f"{cifar100}/test.bin has 30,739,999 bytes, not 30,740,000:"
        " fetch it again with `deepres data fetch cifar100`.",
    ]
    assert "train.bin is missing" in done.stderr and "Traceback" not in done.stderr


def test_one_good_split_is_shown_beside_the_bad_one(environment, cifar100):
    (cifar100 / "train.bin").rename(cifar100 / "aside")
    done = deepres(environment, "data", "check", f"cifar100:{cifar100}")
    (cifar100 / "aside").rename(cifar100 / "train.bin")
    assert done.returncode == 2
    assert "10,000 images" in done.stdout and "100: 100 each" in done.stdout
    assert "train.bin is missing" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("source", "images"),
    [("digits", 1_797), pytest.param("synthetic", 6_000, marks=pytest.mark.slow)],
)
def test_embedded_sources_are_whole(environment, source, images):
    done = deepres(environment, "data", "check", source, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr == ""
    assert (answer["images"], answer["classes"], answer["problems"]) == (images, 10, [])
    done = deepres(environment, "data", "check", source)
    assert done.stdout.endswith("No problems.\n")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("cifar10", "`deepres data fetch cifar10` fetches it"),
        pytest.param("cifra10", "Did you mean cifar10?", marks=pytest.mark.slow),
    ],
)
def test_a_source_that_is_not_there_is_one_sentence(environment, source, said):
    done = deepres(environment, "data", "check", source)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
    done = deepres(environment, "data", "check", source, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 2 and answer["images"] == 0
    assert said in answer["problems"][0] and len(answer["problems"]) == 1


def test_help_shows_an_example(environment):
    for command, example in (("check", "deepres data check cifar10"), ("fetch", "--to ~/data")):
        assert example in deepres(environment, "data", command, "--help").stdout


@pytest.mark.slow
@pytest.mark.skipif("DEEPRES_DATA" not in os.environ, reason="DEEPRES_DATA names no real CIFAR-10")
def test_the_real_cifar10_is_official(environment):
    here = environment | {"DEEPRES_DATA": os.environ["DEEPRES_DATA"]}
    done = deepres(here, "data", "check", "cifar10", "--json")
    answer = json.loads(done.stdout)
    assert (answer["images"], answer["classes"], answer["problems"]) == (60_000, 10, [])
    for split in answer["splits"].values():
        assert split["verdict"] == "the official pixels and labels"
    np.testing.assert_allclose(
        answer["splits"]["train"]["mean"], [0.4914, 0.4822, 0.4465], atol=5e-5
    )


def test_pictures_of_a_folder_are_checked_where_torch_is_not(environment, tmp_path):
    for n, label in enumerate(("rose", "tulip")):
        for part in ("train", "val"):
            file = tmp_path / "flowers" / part / label / f"{n}{part}.png"
            file.parent.mkdir(parents=True)
            colour = (90 * n, 9, 80 * (part == "val"))
            Image.new("RGB", (30, 20), colour).save(file)
    code = "import sys; sys.modules['torch'] = None; from deepres.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "data", "check", str(tmp_path / "flowers"), "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"] == 4

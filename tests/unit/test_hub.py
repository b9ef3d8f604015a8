"""`hub:` on data sets of Hugging Face's library that lie here: mapped, never fetched."""

import io
import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from deepres.data import checks
from deepres.data.batches import batches
from deepres.data.source import images
from deepres.errors import UserError
from deepres.spec import Recipe

datasets = pytest.importorskip("datasets")

NAMES = ["ant", "bee", "cat"]


def encoded(seed):
    buffer = io.BytesIO()
    draw = np.random.default_rng(seed)
    Image.fromarray(draw.integers(0, 256, (30, 41, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def table(count, first, column="image"):
    features = datasets.Features(
        {column: datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    )
    rows = {
        column: [{"bytes": encoded(first + n), "path": f"{n}.jpg"} for n in range(count)],
        "label": [n % 3 for n in range(count)],
    }
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    both = datasets.DatasetDict({"train": table(14, 0), "validation": table(6, 100)})
    both.save_to_disk(str(root / "saved"))
    (root / "parquet" / "data").mkdir(parents=True)
    for name, part in both.items():
        part.to_parquet(str(root / "parquet" / "data" / f"{name}-00000-of-00001.parquet"))
    return root


@pytest.mark.parametrize("layout", ["saved", "parquet"])
def test_a_local_data_set_is_read_under_its_own_names(layout, saved, monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path))
    train, test = (images(f"hub:{saved / layout}", split) for split in ("train", "test"))
    assert (len(train), len(test), train.classes) == (14, 6, tuple(NAMES))
    for gallery, first in ((train, 0), (test, 100)):
        for n in range(len(gallery)):
            row = int(gallery.places[n])
            assert gallery.read(n) == encoded(first + row)
            assert gallery.labels[n] == row % 3
            assert gallery.called(n).startswith(f"row {row} of hub:")
    assert train.digest == images(f"hub:{saved / 'saved'}", "train").digest


def test_workers_are_handed_a_map_and_no_pictures(saved):
    train = images(f"hub:{saved / 'saved'}", "train")
    recipe = Recipe(batch=4, replicas=1, steps=3, crop=16, shorter=(18, 34))
    alone, helped = (list(batches(train, recipe, 1, workers=count)) for count in (0, 1))
    for one, other in zip(alone, helped, strict=True):
        assert (one.images == other.images).all()
    whole = sum(len(train.read(n)) for n in range(len(train)))
    assert len(pickle.dumps(train)) < whole


def test_check_reads_it_too(saved):
    found = checks.check(f"hub:{saved / 'saved'}")
    assert found.problems == ()
    assert found.splits["train"].per_class == {"ant": 5, "bee": 5, "cat": 4}


@pytest.mark.slow
def test_what_is_not_here_is_not_fetched(tmp_path):
    code = (
        "import socket\n"
        "def refused(*given, **named): raise SystemExit('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refused\n"
        "from deepres.data.source import images\n"
        "images('hub:nobody/has-this')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert "the network was asked" not in done.stderr
    assert "hub:nobody/has-this is not on this machine" in done.stderr
    assert "--download fetches it" in done.stderr


def test_what_a_data_set_lacks_is_said(tmp_path):
    alone = datasets.DatasetDict({"train": table(3, 0)})
    alone.save_to_disk(str(tmp_path / "alone"))
    with pytest.raises(UserError, match="has no split validation or valid or val or test, only tr"):
        images(f"hub:{tmp_path / 'alone'}")
    bare = datasets.DatasetDict({"test": table(3, 0).remove_columns("label")})
    bare.save_to_disk(str(tmp_path / "bare"))
    with pytest.raises(UserError, match="one of ClassLabel"):
        images(f"hub:{tmp_path / 'bare'}")

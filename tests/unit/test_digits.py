"""The embedded digits: the right ones, whole, drawn once for all."""

from pathlib import Path

import numpy as np
import pytest

from deepres.data import digits

# What scikit-learn's `load_digits` gives: images a class, and the sum of all grey values.
PER_CLASS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
SUM = 561_718


def test_they_are_the_1797_of_scikit_learn():
    train, test = digits.images("train"), digits.images("test")
    assert (len(train), len(test)) == (1_297, 500)
    labels = np.concatenate([train.labels, test.labels])
    assert np.bincount(labels).tolist() == PER_CLASS
    pixels = np.concatenate([train.pixels, test.pixels])
    assert pixels.shape == (1_797, 8, 8, 3) and pixels.dtype == np.uint8
    grey = np.rint(pixels[..., 0] * (16 / 255)).astype(int)
    assert grey.sum() == SUM
    assert grey.min() == 0 and grey.max() == 16
    np.testing.assert_array_equal(pixels[..., 0], np.rint(grey * 255 / 16 + 1e-9))
    assert (pixels == pixels[..., :1]).all()  # grey in three channels


def test_the_draw_and_its_order_never_change():
    for split, digest in digits.DIGESTS.items():
        assert digits.images(split).digest == digest


def test_no_picture_is_in_both_splits_but_by_being_twice_in_the_data():
    rows = [digits.images(split).pixels[..., 0].reshape(-1, 64) for split in ("train", "test")]
    with np.load(Path(digits.__file__).with_name("digits.npz")) as stored:
        whole = len(np.unique(stored["pixels"].reshape(-1, 64), axis=0))
    assert len(np.unique(np.concatenate(rows), axis=0)) == whole


def test_they_equal_scikit_learns():
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    theirs = datasets.load_digits()
    with np.load(Path(digits.__file__).with_name("digits.npz")) as stored:
        np.testing.assert_array_equal(stored["pixels"], theirs.images)
        np.testing.assert_array_equal(stored["labels"], theirs.target)


def test_their_makers_are_credited_and_the_file_is_small():
    folder = Path(digits.__file__).parent
    notice = (folder / "DIGITS-NOTICE.md").read_text()
    for text in (notice, digits.__doc__ or ""):
        assert "Alpaydin" in text and "CC BY 4.0" in text.replace(
            "Creative Commons Attribution 4.0", "CC BY 4.0"
        )
    assert (folder / "digits.npz").stat().st_size < 100_000

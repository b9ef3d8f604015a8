"""Synthetic pictures: the same everywhere, balanced, and worth learning from."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deepres.data import synthetic

# Golden: the arithmetic is of integers, so any machine makes these bytes.
DIGESTS = {"train": "3d5b6d2f", "test": "31cb855a"}


def test_the_defaults_are_the_same_everywhere_and_quick():
    began = time.process_time()
    made = {split: synthetic.images(split) for split in ("train", "test")}
    assert time.process_time() - began < 2  # a second of its own, twice that on a slow machine
    for split, count in (("train", 5_000), ("test", 1_000)):
        assert made[split].pixels.shape == (count, 32, 32, 3)
        assert np.bincount(made[split].labels).tolist() == [count // 10] * 10
        assert made[split].digest.startswith(DIGESTS[split])


@settings(max_examples=20)
@given(st.integers(0, 60), st.integers(1, 40), st.integers(0, 2**31))
def test_any_number_size_and_seed(number, size, seed):
    first = synthetic.images("train", number, size, seed)
    again = synthetic.images("train", number, size, seed)
    assert first.pixels.shape == (number, size, size, 3)
    assert first.pixels.dtype == np.uint8
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.digest == again.digest
    if number >= 10 and size >= 8:
        assert synthetic.images("train", number, size, seed + 1).digest != first.digest
        assert synthetic.images("test", number, size, seed).digest != first.digest


@pytest.fixture
def one_thread():
    """So small a network is slower on two, and much slower beside other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_small_network_learns_them_and_mirror_images_too(one_thread):
    torch.manual_seed(0)
    data = {}
    for split in ("train", "test"):
        images = synthetic.images(split, 1_000)
        pixels = torch.from_numpy(images.pixels).permute(0, 3, 1, 2).float() / 128 - 1
        data[split] = pixels, torch.from_numpy(images.labels)
    network = nn.Sequential(
        *(nn.Conv2d(3, 16, 5, stride=2), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)),
    )
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    x, y = data["train"]
    for _ in range(80):
        chosen = torch.randint(0, len(y), (64,))
        nn.functional.cross_entropy(network(x[chosen]), y[chosen]).backward()
        optimiser.step()
        optimiser.zero_grad()
    x, y = data["test"]
    network.eval()
    with torch.inference_mode():
        for pictures in (x, x.flip(3)):
            assert int((network(pictures).argmax(1) == y).sum()) > 900


def test_no_pixel_by_itself_tells_the_class():
    """A linear classifier on pixels stays far below a network that sees shapes."""
    sets = [synthetic.images("train", 2_000, 16), synthetic.images("test", 500, 16)]
    x, z = (np.c_[s.pixels.reshape(len(s), -1) / 255, np.ones(len(s))] for s in sets)
    targets = np.eye(10)[sets[0].labels]
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ targets)
    assert ((z @ weights).argmax(1) == sets[1].labels).mean() < 0.5

"""Views as torchvision's published networks were tested with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deepres.card import Preprocessing
from deepres.models.pictures import centre_view


@pytest.fixture(scope="module")
def transforms(peer):
    return peer("torchvision.transforms")


@settings(max_examples=40)
@given(st.integers(40, 130), st.integers(40, 130), st.sampled_from([(52, 46), (53, 46), (40, 33)]))
def test_the_centre_view_is_torchvisions(transforms, width, height, sizes):
    resize, size = sizes
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    theirs = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(size)])(image)
    how = Preprocessing(size=size, resize=resize, mean=(0, 0, 0), std=(1, 1, 1))
    assert np.array_equal(centre_view(image, how), np.asarray(theirs))

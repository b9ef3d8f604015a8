"""Keras's own ResNet-50, saved by Keras, answers the same in our network."""

import numpy as np
import pytest
import torch

import deepres


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of theirs: HDF5 is called legacy
def test_keras_own_file(tmp_path, peer, monkeypatch):
    pytest.importorskip("h5py", reason="h5py is not installed: the extra `keras`")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))  # it writes its settings at import
    keras = peer("keras")
    theirs = keras.applications.ResNet50(
        weights=None, classes=5, input_shape=(64, 64, 3), classifier_activation=None
    )
    rng = np.random.default_rng(0)
    shapes = [(weight.path, weight.shape) for weight in theirs.weights]
    theirs.set_weights([drawn(rng, path, shape) for path, shape in shapes])
    theirs.save(tmp_path / "resnet50.h5")
    pictures = rng.standard_normal((2, 64, 64, 3), dtype=np.float32) * 50
    with torch.inference_mode():
        expected = theirs(pictures, training=False)
        ours = deepres.load(tmp_path / "resnet50.h5")
        answers = ours(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    assert ours.card.network == "resnet50"
    assert (expected[0] - expected[1]).abs().max() > 0.01
    error = (answers - expected).abs().max() / expected.abs().max()
    assert error.item() < 1e-5


def drawn(rng, path, shape):
    """Weights as after training: statistics, gammas and biases that are not 0 or 1."""
    if "variance" in path or "gamma" in path:
        return rng.uniform(0.5, 1.3, shape)
    if "kernel" in path:
        return rng.standard_normal(shape) * np.prod(shape[:-1]) ** -0.5
    return rng.standard_normal(shape) * 0.3

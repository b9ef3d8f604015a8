"""What is subtracted from the pictures of a gallery, and along which colours they are shifted."""

from functools import lru_cache

import numpy as np
import torch

from ...card import Preprocessing
from ...spec import Recipe
from ..augment import Normalisation
from .listed import Gallery
from .views import each, view

CHUNK = 64  # pictures in memory at a time
SAMPLE = 2_000  # the first pictures trained on; all where there are fewer
# Components of the colours of ImageNet, a column each, and their deviations, as fb.resnet.torch
# publishes them; pixels run from 0 to 1.
PUBLISHED = (
    ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203)),
    (0.2175, 0.0188, 0.0045),
)


@lru_cache(maxsize=4)
def normalisation(images: Gallery, recipe: Recipe) -> Normalisation:
    """The mean image of the centre views, or mean and deviation of each channel.

    Sums are of whole numbers, so they are the same whatever adds them up.
    """
    edge = recipe.crop
    how = Preprocessing(size=edge, resize=recipe.shorter[0], mean=(0, 0, 0), std=(1, 1, 1))
    given = recipe.centre == "given" and recipe.colour != "measured"  # then nothing is measured
    count = 1 if given else min(SAMPLE, len(images))
    total, products = np.zeros((edge, edge, 3)), np.zeros((3, 3))
    for start in range(0, count, CHUNK):
        some = range(start, min(start + CHUNK, count))
        for seen in each(lambda index: view(images, index, how), some):
            pixels = seen.astype(np.float64)
            total += pixels
            products += pixels.reshape(-1, 3).T @ pixels.reshape(-1, 3)
    image = total / count
    channels = image.mean((0, 1))
    covariance = products / (count * edge * edge) - np.outer(channels, channels)
    deviations = np.ones(3)
    if recipe.centre == "none":
        image, channels = np.zeros_like(image), np.zeros(3)
    elif recipe.centre == "given":
        channels, deviations = 255 * np.array(recipe.mean), np.array(recipe.std)
        image = np.broadcast_to(channels, image.shape)
    elif recipe.centre == "channels":
        image = np.broadcast_to(channels, image.shape)
        deviations = np.sqrt(np.diag(covariance)) / 255
    told = Preprocessing(
        size=edge,
        resize=recipe.shorter[0],
        mean=_three(channels / 255),
        std=_three(deviations),
        mean_image=recipe.centre == "mean image",
    )
    stored = torch.from_numpy((image / 255).transpose(2, 0, 1).astype(np.float32))
    both = np.stack([image, image[:, ::-1]]).astype(np.float32)  # mirrored as the picture is
    factors = (1 / (255 * deviations)).astype(np.float32)
    return Normalisation(
        how=told,
        mean_image=stored if told.mean_image else None,
        means=torch.from_numpy(both.reshape(2, -1)),
        scale=torch.from_numpy(factors).repeat(edge * edge),
        colours=torch.from_numpy((_colours(recipe, covariance) * 255 * factors).astype(np.float32)),
    )


def _three(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _colours(recipe: Recipe, covariance: np.ndarray) -> np.ndarray:
    """Three components, a row each, as long as the deviation along them; pixels from 0 to 1.

    AlexNet's text multiplies by the eigenvalue of the covariance, which depends on the unit of the
    pixels; a deviation, its root, does not.
    """
    if recipe.colour == "none":
        return np.zeros((3, 3))
    if recipe.colour == "published":
        vectors, deviations = np.array(PUBLISHED[0]), np.array(PUBLISHED[1])
    else:
        values, vectors = np.linalg.eigh(covariance / 255**2)
        deviations = np.sqrt(values.clip(0))
        vectors = vectors * np.where(vectors.sum(0) < 0, -1, 1)  # a sign that no library decides
    return (vectors * deviations).T

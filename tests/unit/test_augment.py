"""Training pictures against a loop over pictures, and the stream of batches by its properties."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepres.data.augment import normalisation
from deepres.data.batches import batch_of, batches, indices, split
from deepres.data.images import Images
from deepres.errors import UserError
from deepres.models.pixels import normalised
from deepres.randomness import stream
from deepres.spec import CIFAR, DIGITS, Recipe


def pictures(count: int = 60, edge: int = 9) -> Images:
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (count, edge, edge, 3), dtype=np.uint8)
    return Images("noise", pixels, rng.integers(0, 10, count), tuple("abcdefghij"), "digest")


def one_by_one(images: Images, recipe: Recipe, seed: int, step: int) -> np.ndarray:
    """Sec. 4.2 as it is written: subtract, pad with zeros, cut, mirror; a picture at a time."""
    p, edge = recipe.shift, images.pixels.shape[1]
    mean, std = np.zeros(3), np.ones(3)
    values = images.pixels / 255
    if recipe.centre == "mean image":
        mean = values.mean(0)
    elif recipe.centre == "channels":
        mean, std = values.mean((0, 1, 2)), values.std((0, 1, 2))
    border = ((p, p), (p, p), (0, 0))
    chosen = indices(seed, step, recipe.batch, len(images))
    draws = stream(seed, "augmentation", step)
    down, right = draws.integers(2 * p + 1, size=(2, recipe.batch))
    mirror = draws.random(recipe.batch) < 0.5
    out = []
    for index, y, x, turned in zip(chosen, down, right, mirror, strict=True):
        if recipe.padding == "mean":
            cut = np.pad((values[index] - mean) / std, border)[y : y + edge, x : x + edge]
        else:
            cut = (np.pad(values[index], border)[y : y + edge, x : x + edge] - mean) / std
        out.append(cut[:, ::-1] if turned and recipe.mirror else cut)
    return np.array(out).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("centre", ["mean image", "channels", "none"])
@pytest.mark.parametrize("padding", ["mean", "black"])
@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("shift", [0, 3])
def test_a_batch_is_what_a_loop_over_pictures_gives(
    centre: str, padding: str, mirror: bool, shift: int
) -> None:
    recipe = Recipe(
        batch=40, centre=centre, padding=padding, mirror=mirror, shift=shift, replicas=1
    )
    images = pictures()
    batch = batch_of(images, normalisation(images, recipe), recipe, seed=7, step=11)
    expected = one_by_one(images, recipe, 7, 11)
    np.testing.assert_allclose(
        batch.images.numpy(), expected, rtol=0, atol=1e-6
    )  # a few last places
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert batch.labels.tolist() == images.labels[indices(7, 11, 40, 60)].tolist()


@pytest.mark.parametrize("centre", ["mean image", "channels", "none"])
def test_a_test_sees_what_training_sees_without_augmentation(centre: str) -> None:
    """The card's preprocessing and the training pipeline are two places that must agree."""
    recipe = Recipe(batch=60, centre=centre, shift=0, mirror=False, replicas=1)
    images = pictures()
    how = normalisation(images, recipe)
    batch = batch_of(images, how, recipe, seed=0, step=0)
    order = indices(0, 0, 60, 60)
    tested = normalised(torch.from_numpy(images.pixels[order]), how.how, how.mean_image)
    torch.testing.assert_close(batch.images, tested, rtol=0, atol=1e-6)


def test_every_window_and_both_mirrors_are_drawn_alike() -> None:
    seed, shift, draws = 0, 1, 40
    images = pictures(60, 3)
    recipe = Recipe(batch=60, shift=shift, centre="none", replicas=1)
    windows, mirrored = np.zeros((3, 3)), 0
    for step in range(draws):
        down, right = stream(seed, "augmentation", step).integers(3, size=(2, 60))
        np.add.at(windows, (down, right), 1)
        batch = batch_of(images, normalisation(images, recipe), recipe, seed, step)
        plain = batch_of(
            images,
            normalisation(images, recipe),
            Recipe(batch=60, shift=shift, centre="none", replicas=1, mirror=False),
            seed,
            step,
        )
        mirrored += sum(
            not torch.equal(a, b) for a, b in zip(batch.images, plain.images, strict=True)
        )
    expected = draws * 60 / 9
    assert (abs(windows - expected) < 5 * expected**0.5).all()
    assert abs(mirrored - draws * 30) < 5 * (draws * 15) ** 0.5


@given(st.integers(0, 3), st.integers(1, 50), st.integers(1, 70))
def test_every_epoch_is_a_fresh_shuffle_of_all_and_steps_run_on(
    seed: int, batch: int, images: int
) -> None:
    epochs = 3
    steps = -(-epochs * images // batch)
    line = np.concatenate([indices(seed, step, batch, images) for step in range(steps)])
    assert len(line) == steps * batch
    for epoch in range(epochs):
        part = line[epoch * images : (epoch + 1) * images]
        assert sorted(part) == list(range(images))
    if images > 20:
        assert list(line[:images]) != list(line[images : 2 * images])


def test_what_a_step_sees_depends_on_the_seed_and_the_step_alone() -> None:
    images, recipe = pictures(), Recipe(batch=16, steps=12)
    whole = list(batches(images, recipe, seed=3))
    assert len(whole) == 12
    for start in (0, 5, 11):
        for ours, theirs in zip(whole[start:], batches(images, recipe, 3, start), strict=True):
            assert torch.equal(ours.images, theirs.images)
            assert torch.equal(ours.labels, theirs.labels)
    assert list(batches(images, recipe, 3, 12)) == []
    other = next(batches(images, recipe, seed=4))
    assert not torch.equal(whole[0].labels, other.labels)


def test_shares_are_equal_halves_in_order() -> None:
    images = pictures()
    batch = next(batches(images, Recipe(batch=16), seed=0))
    first, second = batch.shares()
    assert torch.equal(torch.cat([first[0], second[0]]), batch.images)
    assert (len(first[1]), len(second[1])) == (8, 8)


def test_the_split_is_one_draw_for_all() -> None:
    images = pictures()
    kept, aside = split(images, 10)
    again, _ = split(images, 10)
    assert (len(kept), len(aside)) == (50, 10)
    assert np.array_equal(kept.pixels, again.pixels)
    both = sorted(p.tobytes() for part in (kept, aside) for p in part.pixels)
    assert both == sorted(p.tobytes() for p in images.pixels)
    drawn = np.sort(stream(0, "split").permutation(60)[:10])
    assert np.array_equal(aside.labels, images.labels[drawn])
    assert len(split(images, 0)[1]) == 0


@pytest.mark.parametrize("held_out", [-1, 60, 100])
def test_a_split_that_leaves_nothing_is_refused(held_out: int) -> None:
    with pytest.raises(UserError, match="noise"):
        split(pictures(), held_out)


def test_the_mean_is_of_the_images_trained_on() -> None:
    images = pictures()
    kept, _ = split(images, 30)
    ours = normalisation(kept, CIFAR).mean_image
    np.testing.assert_allclose(ours, (kept.pixels / 255).mean(0).transpose(2, 0, 1), atol=1e-7)


def test_digits_are_shifted_by_one_pixel_and_never_mirrored() -> None:
    assert (DIGITS.shift, DIGITS.mirror, DIGITS.batch, DIGITS.drops) == (1, False, 64, (300, 450))

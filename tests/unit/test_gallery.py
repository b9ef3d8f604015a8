"""Pictures of any size: crops as Pillow would make them, draws that nothing else can change."""

import io
import pickle

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs
from PIL import Image

from deepres.data.batches import batch_of, batches, normalisation, split
from deepres.data.gallery import crops, folder
from deepres.data.gallery.decode import BadPicture, fast, reference, scale_for
from deepres.data.gallery.reading import read_ahead
from deepres.data.gallery.views import view
from deepres.data.order import indices
from deepres.data.pictured import views
from deepres.errors import UserError
from deepres.models.pictures import centre_view, opened
from deepres.spec import Recipe

RECIPE = Recipe(batch=8, replicas=1, steps=7, crop=24, shorter=(28, 52), colour="measured")


def picture(width, height, seed=0):
    """Smooth with edges, as photographs are: noise alone would hide what a filter does."""
    draw = np.random.default_rng(seed)
    small = draw.integers(0, 256, (max(2, height // 6), max(2, width // 6), 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    whole = smooth.copy()
    whole[height // 3 : height // 2, width // 4 : width // 2] = draw.integers(0, 256, 3)
    return Image.fromarray(whole)


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three classes, of pictures of every shape and several formats."""
    here = tmp_path_factory.mktemp("pictures")
    for part, count in (("train", 9), ("val", 4)):
        for number, label in enumerate(("ant", "bee", "cat")):
            (here / part / label).mkdir(parents=True)
            for n in range(count):
                made = picture(30 + 7 * n, 75 - 5 * n, 100 * number + n)
                kind = ("jpg", "png", "webp")[n % 3]
                made.save(here / part / label / f"{n}.{kind}")
    return here


@pytest.fixture(scope="module")
def gallery(root):
    return folder.read(root, "train")


@given(st.integers(30, 400), st.integers(30, 400), st.integers(1, 500))
@settings(max_examples=30)
def test_both_decoders_give_the_same_pixels_at_every_scale(width, height, shorter):
    content = encoded(picture(width, height), quality=90)
    pixels = fast(content, shorter)
    assert np.array_equal(pixels, reference(content, shorter))
    scale = scale_for(min(width, height), shorter)
    assert pixels.shape == (-(-height // scale), -(-width // scale), 3)
    assert scale == 1 or min(pixels.shape[:2]) >= shorter
    if scale == 1:
        assert np.array_equal(pixels, np.asarray(opened(Image.open(io.BytesIO(content)))))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_become_rgb_as_pillow_has_it(mode):
    content = encoded(picture(50, 40).convert(mode))
    assert np.array_equal(
        fast(content, 1 << 30), np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    )


def test_a_rotated_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(picture(60, 40), exif=exif.tobytes())
    assert fast(content, 1 << 30).shape == (60, 40, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello, I am a text", "is no picture of a known format"),
        (encoded(picture(64, 64))[:900], "cannot be decoded"),
        (encoded(Image.new("1", (20_000, 10_000)), "PNG"), "has more than .* pixels"),
    ],
)
def test_what_is_wrong_with_a_picture_is_said(content, said):
    with pytest.raises(BadPicture, match=said):
        fast(content, 256)


def blind(edge, crop=24):
    """How many of the first pixels have a filter that reaches beyond the square's edge, and would
    see there what is left out: pixels of the result, of a square of so many pixels."""
    scale = edge / crop
    return sum((n + 0.5) * scale < max(1, scale) - 0.5 for n in range(crop))


@given(  # shrunk, as large, and enlarged up to eleven times
    st.integers(8, 300),
    st.integers(8, 300),
    st.integers(24, 90),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
)
@example(67, 69, 72, 0.1, 0.5)  # as many pixels come as go, yet not at scale 1
@settings(max_examples=100)
def test_only_the_crop_is_resized_and_its_pixels_are_pillow_s(width, height, shorter, down, right):
    pixels = np.array(picture(width, height))
    where = crops.box(height, width, shorter, 24, down, right)
    ours = crops.resized(pixels, where, 24)
    edges = (where.left, where.top, where.right, where.bottom)
    theirs = crops.resized_by_pillow(pixels, edges, 24)
    top, left = blind(where.bottom - where.top), blind(where.right - where.left)
    apart = (ours.int() - theirs.int()).abs()[:, top:, left:]
    assert apart.max() <= 2


@given(st.integers(24, 500), st.integers(24, 500), st.integers(24, 90), st.floats(0, 0.9999))
def test_a_crop_lies_within_its_picture_and_has_the_drawn_scale(width, height, shorter, drawn):
    where = crops.box(height, width, shorter, 24, drawn, drawn)
    assert 0 <= where.left <= where.right <= width + 1e-9
    assert 0 <= where.top <= where.bottom <= height + 1e-9
    resized = [side * shorter // min(width, height) for side in (width, height)]
    assert where.right - where.left == pytest.approx(24 * width / resized[0])
    assert where.bottom - where.top == pytest.approx(24 * height / resized[1])


def test_crops_are_spread_as_those_of_resize_then_crop():
    """Where crops begin, as a share of the room there is: uniform, for both ways, at all scales."""
    draw = np.random.default_rng(0)
    recipe = structs.replace(RECIPE, batch=4_000, crop=224, shorter=(256, 480))
    drawn = crops.draws(recipe, 3, 5)
    ours, theirs = [], []
    for n in range(recipe.batch):
        shorter = int(drawn.shorter[n])
        where = crops.box(375, 500, shorter, 224, drawn.down[n], drawn.right[n])
        ours.append((where.top, where.left))
        width, height = 500 * shorter // 375, shorter
        place = draw.integers(0, (height - 223, width - 223))
        theirs.append(place * (375 / height, 500 / width))
    ours, theirs = np.sort(np.array(ours), 0), np.sort(np.array(theirs), 0)
    assert np.abs(ours - theirs).mean() < 3  # pixels of 500, between sorted samples
    assert abs(drawn.shorter.mean() - 368) < 4 and {256, 480} <= set(drawn.shorter.tolist())
    assert abs(drawn.mirrored.mean() - 0.5) < 0.03


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_and_a_stop_change_no_batch(gallery, workers):
    whole = list(batches(gallery, RECIPE, 5))
    rest = list(batches(gallery, RECIPE, 5, start=3, workers=workers))
    assert len(whole) == 7 and len(rest) == 4
    for one, other in zip(whole[3:], rest, strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)
    alone = batch_of(gallery, normalisation(gallery, RECIPE), RECIPE, 5, 6)
    assert torch.equal(alone.images, whole[6].images)
    other = next(iter(batches(gallery, RECIPE, 6)))
    assert not torch.equal(other.images, whole[0].images)


def test_a_batch_is_what_the_words_of_sec_3_4_say(gallery):
    """Resize, crop, subtract the crops' mean, shift the colour, mirror: one picture at a time."""
    how, step = normalisation(gallery, RECIPE), 2
    batch, drawn = batch_of(gallery, how, RECIPE, 1, step), crops.draws(RECIPE, 1, step)
    for n, index in enumerate(indices(1, step, RECIPE.batch, len(gallery))):
        cut = crops.cropped_by_pillow(gallery.read(index), RECIPE, drawn, n).double() / 255
        shift = torch.from_numpy(0.1 * drawn.colour[n] @ how.colours.numpy())
        x = cut - how.mean_image + shift[:, None, None]
        x = x.flip(2) if drawn.mirrored[n] else x
        apart = (batch.images[n] - x).abs()
        assert apart.mean() < 0.6 / 255, gallery.called(index)
        assert batch.labels[n] == gallery.labels[index]
    assert drawn.mirrored.any() and not drawn.mirrored.all()


def test_colours_are_the_components_of_the_pictures(gallery):
    how = normalisation(gallery, RECIPE)
    assert len(gallery) == 27
    values = torch.cat(list(views(gallery, slice(27), how.how))).reshape(-1, 3).numpy() / 255
    covariance = np.cov(values.T, bias=True)
    shifts = how.colours.double().numpy()
    np.testing.assert_allclose(shifts.T @ shifts, covariance, atol=1e-7)  # sum of outer products
    np.testing.assert_allclose(how.mean_image.mean((1, 2)), values.mean(0), atol=1e-6)
    none = normalisation(gallery, structs.replace(RECIPE, colour="none"))
    assert not none.colours.any()
    published = normalisation(gallery, structs.replace(RECIPE, colour="published")).colours
    assert published[0].tolist() == pytest.approx([0.2175 * c for c in (-0.5675, -0.5808, -0.5836)])


def test_means_and_deviations_of_channels_are_a_choice(gallery):
    how = normalisation(gallery, structs.replace(RECIPE, centre="channels", colour="none"))
    pixels = views(gallery, slice(27), how.how).numpy() / 255
    assert how.mean_image is None
    np.testing.assert_allclose(how.how.std, pixels.std((0, 1, 2)), atol=1e-9)
    x = batch_of(gallery, how, structs.replace(RECIPE, colour="none"), 0, 0).images
    assert abs(float(x.mean())) < 0.3 and 0.5 < float(x.std()) < 1.5


def test_a_test_sees_what_predict_sees(gallery):
    how = normalisation(gallery, RECIPE).how
    for index in range(len(gallery)):
        path = gallery.called(index)
        assert np.array_equal(view(gallery, index, how), centre_view(opened(path), how))


def test_a_bad_picture_stops_the_run_by_name_whoever_reads_it(root, tmp_path):
    (tmp_path / "train").mkdir()
    for label in ("ant", "bee"):
        (tmp_path / "train" / label).symlink_to(root / "train" / label)
    (tmp_path / "train" / "cat").mkdir()
    (tmp_path / "train" / "cat" / "cut.jpg").write_bytes(encoded(picture(64, 64))[:700])
    (tmp_path / "train" / "cat" / "good.jpg").write_bytes(encoded(picture(64, 64)))
    (tmp_path / "val").symlink_to(root / "val")
    images = folder.read(tmp_path, "train")
    good = images.part(np.array(["cut" not in images.called(n) for n in range(20)]), "good")
    assert len(good) == 19
    for workers in (0, 1):
        with pytest.raises(UserError, match=r"cat/cut\.jpg cannot be decoded.*--skip-bad"):
            list(read_ahead(images, RECIPE, 0, 0, workers))


def test_parts_keep_the_digest_and_are_small_to_hand_over(gallery):
    kept, aside = split(gallery, 7)
    assert (len(kept), len(aside)) == (20, 7)
    assert kept.digest == gallery.digest
    names = {kept.called(n) for n in range(20)} | {aside.called(n) for n in range(7)}
    assert len(names) == 27
    again = pickle.loads(pickle.dumps(kept))
    assert again.read(3) == kept.read(3)

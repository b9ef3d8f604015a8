"""From pictures as people have them to a network's input."""

import functools
import io
import itertools

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import deepres
from deepres.card import Card, Preprocessing
from deepres.errors import UserError
from deepres.models.pictures import _formats, centre_view, opened
from deepres.models.pixels import normalised, views
from deepres.models.predict import answers, decoded, logits_of
from deepres.models.ranked import named
from deepres.models.zoo import arch

IMAGENET = Preprocessing(size=8, resize=10, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def picture(width, height, seed=0):
    return Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    )


def test_normalising_is_subtract_and_divide():
    pixels = torch.arange(2 * 8 * 8 * 3).remainder(256).to(torch.uint8).view(2, 8, 8, 3)
    by_hand = (pixels.double().numpy() / 255 - IMAGENET.mean) / IMAGENET.std
    found = normalised(pixels, IMAGENET, None)
    assert np.abs(found.permute(0, 2, 3, 1).numpy() - by_hand).max() < 1e-6
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_blue_first_takes_its_mean_in_that_order():
    how = Preprocessing(size=4, resize=4, colour="BGR", maximum=255, mean=(1, 2, 3), std=(1, 1, 2))
    pixels = torch.tensor([10, 20, 30], dtype=torch.uint8).expand(1, 4, 4, 3)
    assert normalised(pixels, how, None)[0, :, 0, 0].tolist() == [29, 18, 3.5]


def test_a_mean_image_is_subtracted_place_by_place():
    how = Preprocessing(
        size=2, resize=2, maximum=255, mean=(0, 0, 0), std=(1, 1, 1), mean_image=True
    )
    mean = torch.arange(12.0).view(3, 2, 2)
    pixels = torch.full((1, 2, 2, 3), 100, dtype=torch.uint8)
    assert torch.equal(normalised(pixels, how, mean)[0], 100 - mean)


@pytest.mark.parametrize(("width", "height"), [(10, 10), (31, 17), (17, 31), (9, 200), (5, 6)])
@pytest.mark.parametrize("size", [8, 7])
def test_the_view_is_the_centre_of_the_resized_picture(width, height, size):
    found = centre_view(picture(width, height), msgspec.structs.replace(IMAGENET, size=size))
    shorter = min(width, height)
    resized = picture(width, height).resize(
        (int(10 * width / shorter), int(10 * height / shorter)), Image.Resampling.BILINEAR
    )
    whole = np.asarray(resized)
    top, left = (round((side - size) / 2.0) for side in whole.shape[:2])
    assert np.array_equal(found, whole[top : top + size, left : left + size])


def test_pictures_of_every_kind_become_upright_rgb(tmp_path):
    colour = picture(6, 4)
    turned = colour.copy()
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera was held upright
    turned.save(tmp_path / "turned.png", exif=exif)
    assert opened(tmp_path / "turned.png").size == (4, 6)
    for mode in ("L", "P", "RGBA", "CMYK", "1", "LA"):
        assert opened(colour.convert(mode)).mode == "RGB"
    deep = Image.fromarray((np.arange(24, dtype=np.uint16).reshape(4, 6) << 8) + 255)
    deep.save(tmp_path / "deep.png")
    assert np.asarray(opened(tmp_path / "deep.png"))[..., 0].ravel().tolist() == list(range(24))
    assert np.array_equal(np.asarray(opened(np.asarray(colour))), np.asarray(colour))


def test_what_is_not_a_picture_is_named(tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("hello")
    with pytest.raises(UserError, match=r"notes\.jpg is not a picture"):
        opened(text)
    with pytest.raises(UserError, match="no such file"):
        opened(tmp_path / "absent.png")
    with pytest.raises(UserError, match="float64"):
        opened(np.zeros((3, 3, 3)))
    cut = tmp_path / "cut.png"
    picture(50, 50).save(cut)
    cut.write_bytes(cut.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"cut\.png is not a picture"):
        opened(cut)


def test_a_decompression_bomb_is_refused_unopened(tmp_path):
    bomb = tmp_path / "bomb.png"
    for edge in (10_000, 20_000):  # Pillow warns of the one and refuses the other
        Image.new("1", (edge, 10_000)).save(bomb)
        with pytest.raises(UserError, match=r"bomb\.png has more than .* pixels: shrink it"):
            opened(bomb)


def network():
    made = deepres.create("resnet8", 3)
    how = Preprocessing(size=16, resize=16, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
    made.card = Card(
        network="resnet8", arch=arch("resnet8", 3), preprocessing=how, classes=("a", "b", "c")
    )
    return made


def test_predict_takes_paths_images_and_arrays_alike(tmp_path):
    made, shown = network(), picture(16, 16)
    shown.save(tmp_path / "shown.png")
    answers = [
        made.predict(given, top=2)
        for given in (tmp_path / "shown.png", str(tmp_path / "shown.png"), shown)
    ]
    answers += [made.predict([shown]), made.predict(np.asarray(shown)[None])]
    assert all(answer[0][:2] == answers[0][0] for answer in answers)
    best = answers[3][0]
    assert sorted(name for name, _ in best) == ["a", "b", "c"]
    assert sum(chance for _, chance in best) == pytest.approx(1)
    assert made.training  # as it was


def test_batches_change_no_prediction():
    made, many = network(), [picture(20, 16, seed) for seed in range(5)]
    together, alone = made.predict(many), [made.predict(one)[0] for one in many]
    for one, other in zip(together, alone, strict=True):
        assert [name for name, _ in one] == [name for name, _ in other]
        assert [p for _, p in one] == pytest.approx([p for _, p in other], abs=1e-5)


def test_a_network_without_a_card_does_not_guess():
    with pytest.raises(UserError, match="no card"):
        deepres.create("resnet8").predict(picture(32, 32))


def test_equal_scores_are_named_in_class_order():
    assert [name for name, _ in named(torch.zeros(1, 500), None, 3)[0]] == ["0", "1", "2"]


def test_views_stack():
    assert views([picture(16, 20), picture(10, 10)], IMAGENET).shape == (2, 8, 8, 3)


def test_what_is_transparent_lies_on_white():
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0] = (200, 100, 50, 255)
    pixels[1] = (10, 20, 30, 51)  # a fifth of it
    seen = np.asarray(opened(pixels))
    assert seen[0, 0].tolist() == [200, 100, 50]
    assert np.abs(seen[1, 0] - (np.array([10, 20, 30]) / 5 + 255 * 4 / 5)).max() <= 1
    grey = Image.fromarray(np.zeros((2, 2, 2), np.uint8), "LA")
    assert np.asarray(opened(grey)).tolist() == [[[255] * 3] * 2] * 2


def test_a_transparent_entry_of_a_palette_is_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "p.gif", transparency=1)
    assert np.asarray(opened(tmp_path / "p.gif")).tolist() == [[[255, 0, 0], [255, 255, 255]]]


def test_an_animation_gives_its_first_picture(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.png", "a.webp"):
        frames[0].save(
            tmp_path / name, save_all=True, append_images=frames[1:], **LOSSLESS.get(name, {})
        )
        assert np.asarray(opened(tmp_path / name))[0, 0].tolist() == [255, 0, 0]


LOSSLESS = {"a.webp": {"lossless": True}}


def test_bytes_are_a_picture_too():
    file = io.BytesIO()
    picture(6, 4).save(file, "PNG")
    assert np.array_equal(np.asarray(opened(file.getvalue())), np.asarray(picture(6, 4)))
    with pytest.raises(UserError, match="upload 3 is not a picture"):
        opened(b"hello", "upload 3")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Image.fromarray(np.full((2, 2), 0.5, np.float32)), "fractions"),
        (Image.fromarray(np.full((2, 2), 70_000, np.int32)), "32 bits"),
        (np.zeros((2, 2, 5), np.uint8), "uint8"),
        (np.zeros((0, 2, 3), np.uint8), "no pixels"),
    ],
)
def test_pixels_without_a_meaning_are_refused(given, says):
    with pytest.raises(UserError, match=says):
        opened(given)


def test_a_thread_of_pixels_does_not_fill_memory():
    with pytest.raises(UserError, match="line is 1 x 60000"):
        centre_view(
            Image.new("RGB", (1, 60_000)),
            Preprocessing(size=224, resize=256, mean=(0, 0, 0), std=(1, 1, 1)),
            "line",
        )


def test_a_program_that_pretends_to_be_a_picture_is_not_started(tmp_path):
    page = tmp_path / "page.png"
    page.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    with pytest.raises(UserError, match="none of JPEG"):
        opened(page)


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "none.jpg").touch()
    for nothing in (tmp_path / "none.jpg", b""):
        with pytest.raises(UserError, match=r"(none\.jpg|The picture) is empty\."):
            opened(nothing)


def test_a_stream_answers_in_order_and_names_what_is_bad(tmp_path):
    made = network()
    given = [(f"n{i}", picture(16 + i % 3, 16, i)) for i in range(23)]
    given[4:4] = [("bad", b"no picture"), ("gone", UserError("gone: said before"))]
    stream = answers(logits_of(made), made.card, iter(given), 2, 5, 3)
    found = list(stream)
    assert [one.name for one in found] == [name for name, _ in given]
    assert [one.name for one in found if one.problem] == ["bad", "gone"]
    for one, (_, shown) in zip(found, given, strict=True):
        if not one.problem:
            (alone,) = made.predict(shown, top=2)
            assert [name for name, _ in alone] == [name for name, _ in one.guesses]
            assert [p for _, p in alone] == pytest.approx([p for _, p in one.guesses], abs=1e-5)


def test_a_stream_holds_few_pictures_at_a_time():
    read, made = [], network()

    def endless():
        for number in itertools.count():
            read.append(number)
            yield str(number), picture(16, 16)

    stream = answers(logits_of(made), made.card, endless(), 1, 4, 2)
    for _ in range(8):
        next(stream)
    assert len(read) <= 8 + 3 * 4 + 2
    stream.close()


def test_additions_are_what_the_block_adds():
    for name in ("resnet20", "plain8", "resnet18-c"):
        made = deepres.create(name, 3).eval()
        x = torch.rand(2, 3, 32, 32)
        maps, sums = made.features(x), made.additions(x)
        assert list(maps) == ["stem", *(f"stage{n + 1}" for n in range(len(made.arch.depths)))]
        first, last = sums["stage1.0"], list(sums.values())[-1]
        block = made.layer1[0]
        by_hand = block.bn2(block.conv2(block.bn1(block.conv1(maps["stem"])).relu()))
        torch.testing.assert_close(first.f, by_hand)
        assert torch.equal(last.sum.relu(), list(maps.values())[-1])
        if name == "plain8":
            assert first.x is None and torch.equal(first.sum, first.f)
        else:
            assert torch.equal(first.sum, first.f + first.x)
        if name == "resnet20":
            assert torch.equal(first.x, maps["stem"])
        assert not any(module._forward_hooks for module in made.modules())


def test_features_take_pictures_and_leave_the_mode():
    made = network()
    maps = made.features([picture(16, 16), picture(20, 16)])
    assert [tuple(m.shape) for m in maps.values()] == [
        (2, 16, 16, 16),
        (2, 16, 16, 16),
        (2, 32, 8, 8),
        (2, 64, 4, 4),
    ]
    assert made.training and not maps["stem"].requires_grad
    assert made.features(torch.rand(1, 3, 16, 16))["stage3"].requires_grad


@settings(max_examples=25)
@given(
    st.sampled_from(["RGB", "L", "CMYK"]),
    st.sampled_from([{}, {"progressive": True}, {"subsampling": 0}]),
    st.sampled_from([1, 3, 6]),
    st.integers(9, 40),
)
def test_a_stream_sees_the_pixels_that_pillow_gives(mode, how, orientation, width):
    file, exif = io.BytesIO(), Image.Exif()
    if orientation > 1:
        exif[0x0112] = orientation
    picture(width, 25, width).convert(mode).save(file, "JPEG", exif=exif, **how)
    card = network().card
    (one,) = decoded([("x", file.getvalue())], card, 1, 2)
    expected = centre_view(opened(file.getvalue()), card.preprocessing)
    assert np.array_equal(one[1], expected)


@settings(max_examples=60)
@given(
    st.sampled_from(
        ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "ICO", "JPEG2000", "AVIF"]
    ),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    st.floats(0.05, 1),
)
def test_damaged_files_are_pictures_or_sentences(form, changes, kept):
    if form not in _formats():
        return
    content = bytearray(whole(form))
    for place, value in changes:
        content[int(place * (len(content) - 1))] = value
    content = bytes(content[: max(1, int(kept * len(content)))])
    (one,) = decoded([("the file", content)], network().card, 1, 2)
    assert isinstance(one[1], np.ndarray) or str(one[1]).startswith("the file ")


@functools.cache
def whole(form):
    file = io.BytesIO()
    picture(16, 16).save(file, form)
    return file.getvalue()

"""Pictures that are odd: one rule for training, testing, checking and predicting."""

import io
import os
import struct
import threading
import warnings
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from deepres.card import Preprocessing
from deepres.data import checks, pictured
from deepres.data.batches import normalisation
from deepres.data.gallery import folder
from deepres.data.gallery.decode import BadPicture, direct, fast, reference
from deepres.data.gallery.examine import finding, odd
from deepres.data.gallery.reading import read_ahead
from deepres.errors import UserError
from deepres.evaluate import looking, scores
from deepres.models.initialise import created
from deepres.models.pictures import DAMAGED, PIXELS_AT_MOST, opened, quiet, told
from deepres.models.predict import read
from deepres.runs.usable import usable
from deepres.spec import Arch, Recipe

FULL = 1 << 30
RECIPE = Recipe(batch=4, replicas=1, steps=2, crop=24, shorter=(28, 52))
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"


def picture(width=40, height=30, seed=0):
    draw = np.random.default_rng(seed)
    return Image.fromarray(draw.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def root(tmp_path):
    for part, count in (("train", 4), ("val", 2)):
        for number, label in enumerate(("ant", "bee")):
            (tmp_path / part / label).mkdir(parents=True)
            for n in range(count):
                content = encoded(picture(seed=100 * count + 10 * number + n))
                (tmp_path / part / label / f"{n}.jpg").write_bytes(content)
    return tmp_path


def test_no_program_is_started_for_a_picture(root, monkeypatch):
    programs = root / "programs"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch {root}/started\nexit 1\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (root / "train" / "ant" / "kitten.jpg").write_bytes(EPS)
    found = checks.check(str(root))
    assert found.problems == (f"{root}/train/ant/kitten.jpg is no picture of a known format.",)
    train = folder.read(root, "train")
    with pytest.raises(UserError, match=r"kitten\.jpg is no picture of a known format"):
        normalisation(train, RECIPE)
    assert len(usable(train).pictures) == 8
    assert not (root / "started").exists()


@pytest.mark.parametrize("kind", ["TGA", "PCX", "SGI", "PDF", "EPS"])
def test_what_predict_refuses_is_not_trained_on(kind):
    content = encoded(picture(), kind)
    with pytest.raises(BadPicture, match="no picture of a known format"):
        fast(content, FULL)
    with pytest.raises(UserError):
        read("it", content)


@pytest.mark.parametrize("error", DAMAGED)
def test_whatever_a_decoder_raises_is_a_bad_picture(error, monkeypatch):
    def broken(image):
        raise error("it broke.\nhere") if error is not KeyError else error("it broke")

    monkeypatch.setattr("deepres.data.gallery.decode.upright", broken)
    with pytest.raises(BadPicture) as raised:
        reference(encoded(picture(), "PNG"), FULL)
    assert str(raised.value).replace("'", "") == "cannot be decoded: it broke"


def test_what_is_told_of_an_error_is_one_line():
    assert told(ValueError("white..\nmore")) == "white"
    assert told(MemoryError()) == "MemoryError"


@pytest.mark.parametrize("size", [(51, 1), (2, 101), (600, 11)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_narrow_picture_is_refused_by_all_that_read_it(size, kind, root):
    content = encoded(Image.new("RGB", size), kind)
    with pytest.raises(BadPicture, match=f"^is {size[0]} x {size[1]}: .* 50 times the other$"):
        fast(content, 28)
    with pytest.raises(UserError, match=f"^it is {size[0]} x {size[1]}: "):
        read("it", content)
    with pytest.raises(UserError, match="The image is"):
        opened(Image.new("RGB", size))
    (root / "val" / "ant" / "line.jpg").write_bytes(content)
    (problem,) = checks.check(str(root)).problems
    assert f"val/ant/line.jpg is {size[0]} x {size[1]}: " in problem
    told = usable(folder.read(root, "test"))
    assert len(told.pictures) == 4 and len(told.left_out) == 1


def test_a_picture_at_the_limit_is_read():
    for size in ((50, 1), (2, 100)):
        for kind in ("JPEG", "PNG"):
            assert fast(encoded(Image.new("RGB", size), kind), FULL).shape == (*size[::-1], 3)


@pytest.mark.parametrize("views", ["one", "ten", "multi-scale"])
def test_what_would_fill_memory_once_resized_is_named(views, root, monkeypatch):
    monkeypatch.setattr("deepres.models.pictures.PIXELS_AT_MOST", 100_000)
    (root / "val" / "ant" / "long.png").write_bytes(encoded(Image.new("RGB", (50, 1)), "PNG"))
    test = folder.read(root, "test")
    how = Preprocessing(size=100, resize=100, mean=(0, 0, 0), std=(1, 1, 1))
    index = next(n for n in range(len(test)) if "long" in test.called(n))
    look = looking(views, "softmax", "100" if views == "multi-scale" else None)
    with pytest.raises(UserError, match=r"val/ant/long\.png is 50 x 1: with a shorter side of 1"):
        look(torch.nn.Flatten(), how, None, test, slice(index, index + 1))


def xmp(orientation):
    packet = f'<rdf:Description tiff:Orientation="{orientation}"/>'.encode()
    return b"http://ns.adobe.com/xap/1.0/\0" + packet


def exif(orientation):
    made = Image.Exif()
    made[0x0112] = orientation
    return made.tobytes()


def with_segments(content, *segments):
    """A JPEG with more segments behind its first two bytes: kind, content."""
    made = b"".join(
        bytes([0xFF, kind]) + (len(data) + 2).to_bytes(2, "big") + data for kind, data in segments
    )
    return content[:2] + made + content[2:]


FILLER = (0xFE, bytes(60_000))  # a comment


@pytest.mark.parametrize(
    "segments",
    [
        [(0xE1, xmp(6))],
        [(0xE1, exif(6))],
        [FILLER, FILLER, (0xE1, exif(6))],
        [FILLER, FILLER, (0xE1, xmp(6))],
        [(0xE1, xmp(3).replace(b"3", b"6")), FILLER],
    ],
)
def test_a_rotation_is_found_wherever_it_stands(segments):
    content = with_segments(encoded(picture(60, 40)), *segments)
    assert direct(content, FULL, PIXELS_AT_MOST) is None
    assert fast(content, FULL).shape == (60, 40, 3)
    assert np.array_equal(fast(content, FULL), np.asarray(opened(content)))
    assert odd(content) == ("was rotated by its EXIF tag: it is read upright",)


def test_other_segments_leave_a_picture_to_the_fast_decoder():
    thumbnail = b"Photoshop 3.0\0" + b"Exif\0\0 tiff:Orientation"
    content = with_segments(
        encoded(picture(60, 40)),
        FILLER,
        (0xED, thumbnail),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
    )
    assert np.array_equal(direct(content, FULL, PIXELS_AT_MOST), np.asarray(opened(content)))
    padded = content[:2] + b"\xff" + content[2:]
    assert direct(padded, FULL, PIXELS_AT_MOST) is None  # Pillow's to judge


@pytest.mark.parametrize("orientation", [0, 1, 9, 99])
def test_an_orientation_that_turns_nothing_is_not_told(orientation):
    assert odd(encoded(picture(), exif=exif(orientation))) == ()


def png(colour, channels):
    """A PNG of 16 bits, which Pillow reads and does not write."""
    import zlib

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", 4, 3, 16, colour, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(8 * channels)) for _ in range(3))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(samples):
    """An uncompressed TIFF of 16 bits a channel, 4 x 3."""
    pixels = bytes(range(2 * samples * 12))
    bits = 8 + len(pixels)
    entries = [(256, 3, 1, 4), (257, 3, 1, 3), (258, 3, samples, bits if samples > 1 else 16)]
    entries += [(259, 3, 1, 1), (262, 3, 1, 2 if samples > 1 else 1), (273, 4, 1, 8)]
    entries += [(277, 3, 1, samples), (278, 3, 1, 3), (279, 4, 1, len(pixels))]
    at = bits + 2 * samples
    table = struct.pack("<H", len(entries))
    table += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return (
        b"II*\0"
        + struct.pack("<I", at)
        + pixels
        + struct.pack(f"<{samples}H", *[16] * samples)
        + table
    )


DEEP = {
    "grey.png": encoded(Image.fromarray(np.full((3, 4), 9, np.uint16)), "PNG"),
    "la.png": png(4, 2),
    "rgb.png": png(2, 3),
    "rgba.png": png(6, 4),
    "grey.tif": tiff(1),
    "rgb.tif": tiff(3),
    "rgb.ppm": b"P6 4 3 65535\n" + bytes(range(72)),
}


@pytest.mark.parametrize("name", DEEP)
def test_more_than_8_bits_are_told_of_any_colours(name):
    assert fast(DEEP[name], FULL).shape == (3, 4, 3)
    assert odd(DEEP[name]) == ("has more than 8 bits a channel: the upper 8 are read",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "BMP", "WEBP"])
def test_8_bits_are_nothing_to_tell(kind):
    assert odd(encoded(picture(), kind)) == ()


def test_pages_are_no_animation():
    frames = [picture(seed=1), picture(seed=2)]
    content = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert odd(content) == ("has 2 pages: the first is read",)


@pytest.mark.parametrize(
    "values", [np.full((3, 3), 0.5, np.float32), np.full((3, 3), 1 << 20, "i4")]
)
def test_a_sentence_ends_with_one_full_stop(values, root):
    (root / "train" / "ant" / "x.tif").write_bytes(encoded(Image.fromarray(values), "TIFF"))
    (problem,) = checks.check(str(root)).problems
    assert problem.endswith("nothing says which is white.") and "decoded" not in problem


def test_metadata_that_break_off_are_damage_and_no_traceback(root, monkeypatch):
    def broken(content):
        raise struct.error("unpack requires 12 bytes")

    monkeypatch.setattr("deepres.data.gallery.examine.odd", broken)
    found = finding(folder.read(root, "train"), 0)
    assert (found.bad, found.damaged) == ("", "unpack requires 12 bytes")


def test_warnings_are_unheard_in_any_number_of_threads_and_heard_again():
    before, inside, leave = list(warnings.filters), threading.Barrier(3), threading.Event()

    def reads():
        with quiet:
            inside.wait(10)
            warnings.warn("odd metadata", UserWarning, stacklevel=1)  # an error in these tests
            leave.wait(10)

    threads = [threading.Thread(target=reads) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    with quiet:
        pass  # the first to leave is not the last
    with pytest.raises(Image.DecompressionBombWarning):
        warnings.warn("large", Image.DecompressionBombWarning, stacklevel=1)
    leave.set()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


@pytest.mark.parametrize("views", ["ten", "multi-scale"])
def test_whole_pictures_are_held_one_a_thread(views, root, monkeypatch):
    """However many go through the network together."""
    held, most = [0], [0]
    decode = pictured.opened_at

    def dropped():
        held[0] -= 1

    def counted(images, index):
        pixels = decode(images, index)
        held[0] += 1
        most[0] = max(most[0], held[0])
        weakref.finalize(pixels, dropped)
        return pixels

    monkeypatch.setattr(pictured, "opened_at", counted)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    arch = Arch(stem="7x7", block="basic", depths=(1, 1), widths=(8, 16), shortcut="B", classes=2)
    how = Preprocessing(size=28, resize=32, mean=(0.4, 0.5, 0.6), std=(0.3, 0.2, 0.25))
    train = folder.read(root, "train")
    look = looking(views, "softmax", "20,28")
    assert torch.cat(list(scores(created(arch, 0), how, None, train, 8, look))).shape == (8, 2)
    assert most == [1]


def test_a_narrow_picture_stops_training_by_its_name(root):
    (root / "train" / "ant" / "line.png").write_bytes(encoded(Image.new("RGB", (99, 1)), "PNG"))
    with pytest.raises(UserError, match=r"ant/line\.png is 99 x 1: .*--skip-bad trains without"):
        list(read_ahead(folder.read(root, "train"), RECIPE, 0, 0, 0))

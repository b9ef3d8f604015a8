"""CIFAR read from every layout: equal arrays, and a sentence for each thing that can be wrong."""

import hashlib
import os
import pickle
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cifar_layouts as layouts
import numpy as np
import pytest
from cifar_layouts import SMALL10, SMALL100, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from deepres.data.cifar import decode, reading
from deepres.data.cifar.facts import BOTH, CIFAR10, CIFAR100
from deepres.data.cifar.files import found_in
from deepres.data.images import canonical
from deepres.errors import UserError

SMALL = {"cifar10": SMALL10, "cifar100": SMALL100}


@pytest.fixture(autouse=True)
def no_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "cache"))


def small(path: Path, name: str | None = None):
    """What is found at a path, taken as one of the small sets."""
    found = reading.located(path, BOTH[name] if name else None)
    return replace(found, facts=SMALL[found.facts.name])


def expected(facts, split):
    """The images without any file: sorted by a digest written out here again."""
    pixels, labels = sample(facts, split)
    keys = [
        hashlib.sha256(p.tobytes() + bytes([n % 256, n // 256])).digest()
        for p, n in zip(pixels, labels.tolist(), strict=True)
    ]
    order = np.array(sorted(range(len(keys)), key=lambda n: keys[n]))
    return pixels[order], labels[order]


def official(layout, **how):
    return lambda folder, facts: layouts.write_official(folder, layout, facts, **how)


def archive(layout):
    return lambda folder, facts: layouts.write_archive(folder, layout, facts)


def parquet(inner="", **how):
    def write(folder, facts):
        layouts.write_parquet(folder / inner, facts, **how)
        return folder

    return write


LAYOUTS = {
    "python folder": official("python"),
    "python folder, columns first": official("python", fortran=True),
    "binary folder": official("binary"),
    "python archive": archive("python"),
    "binary archive": archive("binary"),
    "parquet": parquet(),
    "parquet, WebP, one file": parquet(form="WEBP", parts=1),
    "parquet, bare bytes": parquet(wrapped=False, image="image", names=False),
    "parquet, root": parquet("plain_text"),
    "parquet, data folder": parquet("data"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_every_layout_gives_the_same_arrays(tmp_path, layout, name):
    path = LAYOUTS[layout](tmp_path, SMALL[name])
    for split in ("train", "test"):
        pixels, labels = expected(SMALL[name], split)
        for images in (
            reading.read(small(path), split),
            reading.read(small(path, name), split),  # and again, from the cache
        ):
            assert images.pixels.dtype == np.uint8
            assert images.labels.dtype == np.int64
            np.testing.assert_array_equal(images.pixels, pixels)
            np.testing.assert_array_equal(images.labels, labels)
            assert images.name == f"{name} {split}"
            assert images.classes == BOTH[name].classes
            assert images.digest == canonical("", pixels, labels, images.classes).digest


@pytest.mark.parametrize("layout", ["python", "binary"])
def test_a_folder_may_hold_the_extracted_folder_or_the_archive(tmp_path, layout):
    layouts.write_official(tmp_path / "extracted", layout, SMALL10)
    layouts.write_archive(tmp_path / "archived", layout, SMALL10)
    shutil.move(next((tmp_path / "archived" / "aside").iterdir()), tmp_path / "archived")
    both = found_in(tmp_path / "archived")
    assert [each.archived for each in both] == [False, True]  # extracted files first
    shutil.rmtree(both[0].where)
    digests = {reading.read(small(tmp_path / p), "test").digest for p in ("extracted", "archived")}
    assert len(digests) == 1


def test_hub_files_in_a_folder_a_split_are_read(tmp_path):
    folder = layouts.write_parquet(tmp_path, SMALL10, parts=1)
    for split in ("train", "test"):
        (folder / split).mkdir()
        (folder / f"{split}-00000-of-00001.parquet").rename(folder / split / "0000.parquet")
    assert len(reading.read(small(folder), "train")) == 50


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_batches_pickled_anew_are_read(tmp_path, protocol):
    folder = layouts.write_official(tmp_path, "python", SMALL10)
    for path in folder.glob("*_batch*"):
        batch = pickle.loads(path.read_bytes(), encoding="bytes")
        path.write_bytes(pickle.dumps(batch, protocol=protocol))
    np.testing.assert_array_equal(
        reading.read(small(folder), "test").pixels, expected(SMALL10, "test")[0]
    )


def test_our_hand_written_pickles_are_what_pickle_reads(tmp_path):
    """Otherwise the tests above would prove that two inventions agree."""
    folder = layouts.write_official(tmp_path, "python", SMALL100, fortran=True)
    batch = pickle.loads((folder / "test").read_bytes(), encoding="bytes")
    pixels, labels = sample(SMALL100, "test")
    np.testing.assert_array_equal(
        batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), pixels
    )
    assert batch[b"fine_labels"] == labels.tolist()


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_order_of_the_files_changes_nothing(seed, count):
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 2, (count, 2, 2, 3), dtype=np.uint8)  # with twins
    labels = draw.integers(0, 2, count)
    order = draw.permutation(count)
    first = canonical("x", pixels, labels, ("a", "b"))
    second = canonical("x", pixels[order], labels[order], ("a", "b"))
    assert first.digest == second.digest
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.labels, second.labels)


def problems(found, split="train"):
    """What is said, which `read` must raise too, and never cache."""
    told = reading.examined(found, split)[1]
    with pytest.raises(UserError) as error:
        reading.read(found, split)
    assert str(error.value).startswith(told[0])
    return told


@pytest.mark.parametrize(("change", "bytes_"), [(-1, "30,729"), (1, "30,731"), (-3073, "27,657")])
def test_a_binary_file_of_another_length_is_named(tmp_path, change, bytes_):
    folder = layouts.write_official(tmp_path, "binary", SMALL10)
    path = folder / "data_batch_3.bin"
    raw = path.read_bytes()
    path.write_bytes(raw[:change] if change < 0 else raw + bytes(change))
    assert problems(small(folder)) == [
        f"{path} has {bytes_} bytes, not 30,730: fetch it again with `deepres data fetch cifar10`."
    ]
    assert reading.examined(small(folder), "test")[1] == []


def test_every_bad_file_is_named(tmp_path):
    folder = layouts.write_official(tmp_path, "python", SMALL10)
    (folder / "data_batch_1").unlink()
    (folder / "data_batch_2").write_bytes(b"")
    (folder / "data_batch_4").write_bytes((folder / "data_batch_4").read_bytes()[:20_000])
    (folder / "data_batch_5").write_bytes(bytes(10_000_000))
    told = problems(small(folder))
    assert [sentence.split()[0] for sentence in told] == [
        str(folder / f"data_batch_{n}") for n in (1, 2, 4, 5)
    ]
    assert "is missing" in told[0]
    assert "not a whole pickle" in told[1] and "not a whole pickle" in told[2]
    assert "10,000,000 bytes, more than" in told[3]
    with pytest.raises(UserError, match=r"\(3 more: `deepres data check`\)"):
        reading.read(small(folder), "train")


@pytest.mark.parametrize("layout", ["python", "binary", "parquet"])
def test_a_label_that_is_no_class_is_named(tmp_path, layout, monkeypatch):
    pixels, labels = sample(SMALL10, "train")
    labels[7] = 10
    monkeypatch.setattr(layouts, "sample", lambda *_: (pixels, labels))
    if layout == "parquet":
        folder = layouts.write_parquet(tmp_path, SMALL10, parts=1)
    else:
        folder = layouts.write_official(tmp_path, layout, SMALL10)
    assert "the label 10" in problems(small(folder))[0].replace("a label", "the label")


def test_counts_of_images_and_classes_are_verified(tmp_path, monkeypatch):
    pixels, labels = sample(SMALL10, "train")
    labels[labels.tolist().index(3)] = 5
    monkeypatch.setattr(layouts, "sample", lambda *_: (pixels, labels))
    folder = layouts.write_official(tmp_path / "a", "binary", SMALL10)
    cat, dog = problems(small(folder))
    assert "has 4 images of class cat, not 5" in cat
    assert "has 6 images of class dog, not 5" in dog
    monkeypatch.setattr(layouts, "sample", lambda *_: (pixels[:40], labels[:40]))
    folder = layouts.write_parquet(tmp_path / "b", SMALL10)
    assert "(train) has 40 images, not 50: fetch it again" in problems(small(folder))[0]


def test_one_changed_pixel_is_seen_by_the_digest_and_the_file_by_its_md5(tmp_path):
    folder = layouts.write_official(tmp_path, "python", SMALL10)
    known = replace(
        SMALL10,
        digests={"train": reading.read(small(folder), "train").digest},
        md5={p.name: hashlib.md5(p.read_bytes()).hexdigest() for p in folder.glob("*_batch*")},
    )
    found = replace(small(folder), facts=known)
    assert reading.examined(found, "train")[1] == []
    assert reading.official_files(found, "train")
    path = folder / "data_batch_4"
    raw = bytearray(path.read_bytes())
    raw[1000] ^= 1
    path.write_bytes(raw)
    (told,) = problems(found)
    assert "pixels or labels that are not the official ones" in told
    assert "not the official bytes: data_batch_4:" in told
    assert not reading.official_files(found, "train")


def test_damaged_parquet_is_named(tmp_path):
    folder = layouts.write_parquet(tmp_path / "plain_text", SMALL10)
    second = folder / "train-00001-of-00003.parquet"
    whole = second.read_bytes()
    second.write_bytes(whole[: len(whole) // 2])
    assert f"{second} is not a whole parquet file" in problems(small(tmp_path))[0]
    second.unlink()
    assert f"{second} is missing" in problems(small(tmp_path))[0]
    for path in folder.iterdir():
        path.write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"train-00000-of-00003[.]parquet is not a whole parquet"):
        reading.located(tmp_path, CIFAR10)


def test_a_parquet_row_that_is_no_picture_is_named(tmp_path, monkeypatch):
    original = layouts.encoded
    bad = {
        "cut": lambda picture, form: original(picture, form)[:60],
        "small": lambda picture, form: original(picture[:31], form),
        "none": lambda picture, form: None,
    }
    for kind, said in (
        ("cut", "no picture"),
        ("small", "32 x 31, not 32"),
        ("none", "neither PNG"),
    ):
        count = iter(range(1000))
        monkeypatch.setattr(
            layouts,
            "encoded",
            lambda p, form, kind=kind, count=count: (
                bad[kind](p, form) if next(count) == 12 else original(p, form)
            ),
        )
        folder = layouts.write_parquet(tmp_path / kind, SMALL10, parts=1)
        (told,) = problems(small(folder))
        assert "holds in row 12 no picture" in told and said in told


def test_parquet_with_other_classes_is_not_cifar(tmp_path):
    other = replace(SMALL10, classes=CIFAR10.classes[::-1])
    folder = layouts.write_parquet(tmp_path / "order", other)
    assert "truck is not where CIFAR-10 has it" in problems(small(folder))[0]
    other = replace(SMALL10, classes=tuple("abcdefghij"))
    layouts.write_parquet(tmp_path / "letters", other)
    with pytest.raises(UserError, match="letters holds no CIFAR:"):
        reading.located(tmp_path / "letters", None)
    misspelt = tuple("cra" if name == "crab" else name for name in CIFAR100.classes)
    folder = layouts.write_parquet(tmp_path / "hub", replace(SMALL100, classes=misspelt))
    assert reading.read(small(folder), "test").classes == CIFAR100.classes


def test_a_broken_archive_is_named(tmp_path):
    archive = layouts.write_archive(tmp_path, "binary", SMALL10)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) * 2 // 3])
    told = problems(small(archive))
    assert all(f"in {archive} cannot be read: the archive is not a whole tar" in t for t in told)
    archive.write_bytes(whole[:100])
    with pytest.raises(UserError, match="is not a whole tar archive"):
        reading.located(archive, None)
    archive.write_bytes(b"<html>404</html>" * 100)
    with pytest.raises(UserError, match="is not a whole tar archive"):
        reading.located(archive, None)


def test_the_wrong_set_no_set_and_two_sets_are_told_apart(tmp_path):
    layouts.write_official(tmp_path / "hundred", "binary", SMALL100)
    with pytest.raises(UserError, match=r"holds CIFAR-100, not CIFAR-10: write cifar100:"):
        reading.located(tmp_path / "hundred", CIFAR10)
    layouts.write_official(tmp_path / "hundred", "python", SMALL10)
    with pytest.raises(UserError, match=r"holds cifar100 and cifar10|holds cifar10 and cifar100"):
        reading.located(tmp_path / "hundred", None)
    assert reading.located(tmp_path / "hundred", CIFAR10).layout == "python"
    assert reading.located(tmp_path / "hundred", CIFAR100).layout == "binary"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty holds no CIFAR-10: looked there and one folder"):
        reading.located(tmp_path / "empty", CIFAR10)
    with pytest.raises(UserError, match="there is no such file or folder; `deepres data fetch"):
        reading.located(tmp_path / "nowhere", CIFAR10)


def test_a_folder_of_many_folders_is_not_searched(tmp_path):
    for n in range(99):
        (tmp_path / f"class{n}").mkdir()
    layouts.write_official(tmp_path, "binary", SMALL10)
    assert len(found_in(tmp_path)) == 1
    (tmp_path / "one more").mkdir()
    assert found_in(tmp_path) == []


def test_pictures_decode_the_same_in_one_process_and_in_three():
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    encoded = [layouts.encoded(p, "WEBP" if n % 2 else "PNG") for n, p in enumerate(pixels)]
    for processes in (1, 3):
        np.testing.assert_array_equal(decode.decoded(encoded, processes), pixels)
    encoded[17] = encoded[17][:50]
    for processes in (1, 3):
        with pytest.raises(decode.BadPicture) as error:
            decode.decoded(encoded, processes)
        assert error.value.index == 17


def test_a_decoding_process_that_dies_is_no_silence(monkeypatch, tmp_path):
    broken = tmp_path / "worker.py"
    broken.write_text("raise SystemExit('no memory')")
    monkeypatch.setattr(decode.decode_worker, "__file__", str(broken))
    pictures = [layouts.encoded(np.zeros((32, 32, 3), np.uint8), "PNG")] * 4
    with pytest.raises(RuntimeError, match=r"ended with 1: no memory"):
        decode.decoded(pictures, 2)


@settings(max_examples=200)
@given(st.data())
def test_damaged_pictures_are_bad_pictures_and_nothing_else(data):
    form = data.draw(st.sampled_from(["PNG", "WEBP"]))
    whole = bytearray(layouts.encoded(np.arange(3072, dtype=np.uint8).reshape(32, 32, 3), form))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    with suppress(decode.BadPicture):
        assert decode.decoded([bytes(whole[:cut])], 1).shape == (1, 32, 32, 3)


@pytest.mark.skipif("DEEPRES_DATA" not in os.environ, reason="DEEPRES_DATA names no real CIFAR-10")
def test_the_real_test_set_has_the_known_digest_and_order(monkeypatch):
    found = reading.located(Path(os.environ["DEEPRES_DATA"]) / "cifar10", CIFAR10)
    images, told = reading.examined(found, "test")
    assert told == []
    assert images.digest == CIFAR10.digests["test"]
    mean = images.pixels.mean((0, 1, 2)) / 255
    np.testing.assert_allclose(mean, [0.4942, 0.4851, 0.4504], atol=5e-5)


@pytest.mark.slow
@pytest.mark.skipif("DEEPRES_DATA" not in os.environ, reason="DEEPRES_DATA names no real CIFAR-10")
@pytest.mark.parametrize("layout", ["python", "binary"])
def test_all_60000_real_images_survive_every_layout(tmp_path, monkeypatch, layout):
    """Re-encoded as the official archives, they read as the very arrays that parquet gives."""
    source = reading.located(Path(os.environ["DEEPRES_DATA"]) / "cifar10", CIFAR10)
    real = {split: reading.verified(source, split) for split in ("train", "test")}
    monkeypatch.setattr(
        layouts, "sample", lambda facts, split: (real[split].pixels, real[split].labels)
    )
    archive = layouts.write_archive(tmp_path, layout, CIFAR10)
    for path in (archive, tmp_path / "aside"):
        for split in ("train", "test"):
            images = reading.verified(reading.located(path, CIFAR10), split)
            assert images.digest == CIFAR10.digests[split]
            np.testing.assert_array_equal(images.pixels, real[split].pixels)

"""Every layout of a folder of pictures, one class list, and everything that can be wrong there."""

import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from deepres.data import checks
from deepres.data.gallery import folder
from deepres.data.gallery.matlab import synsets
from deepres.data.source import images
from deepres.errors import UserError
from deepres.runs.usable import usable

LABELS = ("n01", "n02", "n03")


def encoded(seed, kind="JPEG", size=(40, 34)):
    draw = np.random.default_rng(seed)
    noise = draw.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size).save(buffer, kind)
    return buffer.getvalue()


def write(root, part, count, labels=LABELS):
    for number, label in enumerate(labels):
        (root / part / label).mkdir(parents=True)
        for n in range(count):
            seed = 1000 * len(part) + 100 * number + n
            (root / part / label / f"{label}_{n}.JPEG").write_bytes(encoded(seed))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    root = tmp_path_factory.mktemp("plain")
    write(root, "train", 5)
    write(root, "val", 2)
    return root


@pytest.fixture
def copied(plain, tmp_path):
    return shutil.copytree(plain, tmp_path / "copy")


def contents(gallery):
    """Class and bytes of every picture: what a layout must not change."""
    return sorted(
        (gallery.classes[label], gallery.read(n)) for n, label in enumerate(gallery.labels)
    )


def test_a_bare_path_is_recognised_and_names_tell_content_apart(plain, copied):
    for source in (f"folder:{plain}", str(plain), str(copied)):
        train, test = images(source, "train"), images(source, "test")
        assert (len(train), len(test), train.classes) == (15, 6, LABELS)
        assert train.digest == images(str(plain), "train").digest  # wherever it lies
    (copied / "train" / "n01" / "n01_0.JPEG").write_bytes(b"longer than it was" * 999)
    assert images(str(copied), "train").digest != train.digest
    assert images(str(copied), "test").digest == test.digest


def test_a_prefix_is_a_fair_sample(plain):
    assert set(images(str(plain), "train").labels[:7].tolist()) == {0, 1, 2}


def test_what_systems_leave_is_no_picture_and_all_else_is(copied):
    for name in (".DS_Store", "Thumbs.db", ".hidden.jpg"):
        (copied / "train" / "n01" / name).write_bytes(b"of the system")
    (copied / "train" / ".cache").mkdir()
    assert len(images(str(copied), "train")) == 15
    (copied / "train" / "n01" / "deep" / "below").mkdir(parents=True)
    (copied / "train" / "n01" / "deep" / "below" / "notes.txt").write_text("skipped in silence?")
    gallery = images(str(copied), "train")
    assert len(gallery) == 16
    told = usable(gallery)
    assert len(told.pictures) == 15 and told.pictures.digest != gallery.digest
    assert [(Path(name).name, why) for name, why in told.left_out.items()] == [
        ("notes.txt", "is no picture of a known format")
    ]


def test_a_class_that_val_lacks_shifts_no_label(copied, plain):
    shutil.rmtree(copied / "val" / "n02")
    test = images(str(copied))
    assert test.classes == LABELS
    assert contents(test) == [pair for pair in contents(images(str(plain))) if pair[0] != "n02"]


def test_a_class_that_is_not_trained_on_is_an_error(copied):
    (copied / "val" / "n03").rename(copied / "val" / "n3")
    with pytest.raises(UserError, match=r"val has the class 'n3', which is not trained on; is n03"):
        images(str(copied))


def test_one_folder_is_split_once_and_for_all(plain, tmp_path):
    shutil.copytree(plain / "train", tmp_path / "whole")
    train, test = images(str(tmp_path / "whole"), "train"), images(str(tmp_path / "whole"))
    assert (len(train), len(test)) == (12, 3)  # a fifth of each class
    assert sorted(test.labels.tolist()) == [0, 1, 2]
    assert not set(contents(train)) & set(contents(test))
    whole = images(str(plain), "train")
    assert sorted(contents(train) + contents(test)) == contents(whole)
    shutil.copytree(plain / "train", tmp_path / "again" / "train")
    assert contents(images(str(tmp_path / "again"))) == contents(test)
    shutil.rmtree(tmp_path / "whole" / "n01")
    (tmp_path / "whole" / "n01").mkdir()
    (tmp_path / "whole" / "n01" / "only.jpg").write_bytes(encoded(1))
    with pytest.raises(UserError, match="class n01 has 1 picture, too few to split"):
        images(f"folder:{tmp_path / 'whole'}")


def flat(copied):
    """val without folders, and the class of each file by its name."""
    of, files = {}, sorted((copied / "val").rglob("*.JPEG"))
    order = np.random.default_rng(0).permutation(len(files))
    for n, place in enumerate(order, 1):
        of[f"ILSVRC2012_val_{n:08d}"] = files[place].parent.name
        files[place].rename(copied / "val" / f"ILSVRC2012_val_{n:08d}.JPEG")
    for label in LABELS:
        (copied / "val" / label).rmdir()
    return of


NUMBERS = {"n01": 3, "n02": 1, "n03": 2}  # as the kit has them: in no order


def truths(kind, of, root):
    stems = sorted(of)
    if kind == "kaggle":
        rows = [f"{stem},{of[stem]} 1 2 3 4 " for stem in reversed(stems)]
        text = "\n".join(["ImageId,PredictionString", *rows])
        (root / "LOC_val_solution.csv").write_text(text)
    elif kind == "names":
        (root / "imagenet_2012_validation_synset_labels.txt").write_text(
            "\n".join(of[stem] for stem in stems)
        )
    elif kind == "caffe":
        rows = [f"{stem}.JPEG {LABELS.index(of[stem])}" for stem in stems]
        (root / "val.txt").write_text("\n".join(rows) + "\n")
    else:
        kit = root / "ILSVRC2012_devkit_t12" / "data"
        kit.mkdir(parents=True)
        (kit / "ILSVRC2012_validation_ground_truth.txt").write_text(
            "".join(f"{NUMBERS[of[stem]]}\n" for stem in stems)
        )
        meta(kit, compressed=kind == "kit, compressed")


def meta(folder_, compressed):
    fields = ("ILSVRC2012_ID", "WNID", "words", "num_children", "children", "wordnet_height")
    rows = np.zeros((3, 1), [(name, "O") for name in fields])
    for row, (name, number) in enumerate(NUMBERS.items()):
        values = (number, name, "tench, Tinca", 0, np.zeros((1, 0)), 3.5)
        for field, value in zip(fields, values, strict=True):
            rows[row, 0][field] = value
    scipy.io.savemat(folder_ / "meta.mat", {"synsets": rows}, do_compression=compressed)


@pytest.mark.parametrize("kind", ["kaggle", "names", "caffe", "kit", "kit, compressed"])
def test_flat_val_takes_its_classes_from_the_ground_truth(kind, copied, plain):
    truths(kind, flat(copied), copied)
    assert contents(images(str(copied))) == contents(images(str(plain)))


def test_a_ground_truth_of_other_files_is_refused(copied):
    of = flat(copied)
    with pytest.raises(UserError, match="no ground truth"):
        images(f"folder:{copied}")
    truths("kaggle", of | {"ILSVRC2012_val_00000009": "n01"}, copied)
    with pytest.raises(UserError, match="lacks ILSVRC2012_val_00000009"):
        images(f"folder:{copied}")
    truths("kaggle", {k: v for k, v in of.items() if not k.endswith("3")}, copied)
    with pytest.raises(UserError, match=r"says nothing of ILSVRC2012_val_00000003\.JPEG"):
        images(f"folder:{copied}")


@pytest.mark.parametrize("damage", [b"", b"\0" * 300, bytes(128) + b"\x0f\0\0\0\xff\0\0\0"])
def test_a_damaged_kit_is_one_sentence(damage, tmp_path):
    (tmp_path / "meta.mat").write_bytes(damage)
    with pytest.raises(UserError, match=r"meta\.mat cannot be read"):
        synsets(tmp_path)


@pytest.mark.parametrize("nested", [False, True])
def test_tars_of_classes_are_read_where_they_lie(nested, copied, plain):
    for label in LABELS:
        with tarfile.open(copied / "train" / f"{label}.tar", "w") as tar:
            for file in sorted((copied / "train" / label).iterdir()):
                tar.add(file, file.name)
        shutil.rmtree(copied / "train" / label)
    if nested:
        with tarfile.open(copied / "ILSVRC2012_img_train.tar", "w") as tar:
            for file in sorted((copied / "train").iterdir(), reverse=True):
                tar.add(file, file.name)
        shutil.rmtree(copied / "train")
    train = images(f"folder:{copied}", "train")
    assert contents(train) == contents(images(str(plain), "train"))
    assert train.called(0).endswith(".tar") and "JPEG in " in train.called(0)


def test_a_flat_tar_of_val_is_read_too(copied, plain):
    of = flat(copied)
    truths("names", of, copied)
    with tarfile.open(copied / "ILSVRC2012_img_val.tar", "w") as tar:
        for file in sorted((copied / "val").iterdir()):
            tar.add(file, f"./{file.name}")
    shutil.rmtree(copied / "val")
    assert contents(images(f"folder:{copied}")) == contents(images(str(plain)))


def test_a_compressed_archive_is_to_be_unpacked(copied):
    shutil.rmtree(copied / "train")
    (copied / "train").mkdir()
    with tarfile.open(copied / "train" / "n01.tar", "w:gz") as tar:
        tar.add(copied / "val" / "n01" / "n01_0.JPEG", "x.JPEG")
    with pytest.raises(UserError, match=r"n01\.tar cannot be read as a tar archive.*unpacked"):
        images(f"folder:{copied}", "train")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ((), "no folder of a class"),
        (("train",), "no folder of a class"),
        (("train/cat", "val/cat"), "holds no picture of a class"),
    ],
)
def test_a_folder_without_pictures_says_where_they_belong(made, said, tmp_path):
    for name in made:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    with pytest.raises(UserError, match=said):
        images(f"folder:{tmp_path}", "train")


def test_only_val_can_be_tested_with_and_not_trained_on(copied):
    shutil.rmtree(copied / "train")
    assert len(images(f"folder:{copied}")) == 6
    with pytest.raises(UserError, match="to train there must be train/"):
        images(f"folder:{copied}", "train")


def test_check_names_everything_that_is_wrong_or_odd(copied):
    good = encoded(7)
    image = Image.open(io.BytesIO(good))
    ant, val = copied / "train" / "n01", copied / "val" / "n01"
    (ant / "empty.jpg").touch()
    (ant / "text.jpg").write_text("hello")
    (ant / "cut.jpg").write_bytes(good[: len(good) // 2])
    scrambled = bytearray(good)
    scrambled[-90:-50] = b"\xff\xd0" * 20
    (ant / "scrambled.jpg").write_bytes(scrambled)
    Image.new("1", (20_000, 10_000)).save(ant / "bomb.png")
    (ant / "gone.jpg").symlink_to(copied / "nowhere.jpg")
    image.convert("CMYK").save(ant / "cmyk.jpg")
    image.convert("P").save(ant / "palette.png")
    Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50).save(ant / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.rotate(5).save(ant / "turned.jpg", exif=exif.tobytes())
    more = [image.rotate(20)]
    image.rotate(10).save(ant / "moving.gif", save_all=True, append_images=more)
    (ant / "mine.jpg").write_bytes(good)
    Image.open(io.BytesIO(good)).save(val / "yours.png")  # other bytes, the same pixels
    (copied / "train" / "N02").mkdir()
    (copied / "train" / "N02" / "x.jpg").write_bytes(encoded(8))
    (copied / "train" / "Caf\u00e9").mkdir()
    (copied / "train" / "Cafe\u0301").mkdir()
    for name in ("Caf\u00e9", "Cafe\u0301"):
        (copied / "train" / name / "x.jpg").write_bytes(encoded(len(name) + 10))
    (copied / "val" / "dog").mkdir()
    (copied / "val" / "dog" / "x.jpg").write_bytes(encoded(9))
    (copied / "train" / "void").mkdir()
    found = checks.check(str(copied))
    problems, remarks = "\n".join(found.problems), "\n".join(found.remarks)
    for said in (
        "n01/empty.jpg is empty.",
        "n01/text.jpg is no picture of a known format.",
        "n01/cut.jpg cannot be decoded: ",
        "n01/scrambled.jpg is damaged, but decoders let it pass: Corrupt JPEG data",
        "n01/bomb.png has more than 89,478,485 pixels",
        "n01/gone.jpg cannot be read: No such file",
        "mine.jpg: tested with what is trained on",
        "The classes 'N02' and 'n02' have one name",
        "The classes 'Cafe\u0301' and 'Caf\u00e9' have one name",
        "val has the class 'dog', which is not trained on.",
        "void is a class without a picture.",
    ):
        assert said in problems, (said, problems)
    for said in (
        "n01/cmyk.jpg is CMYK",
        "n01/palette.png has a palette",
        "n01/deep.png has more than 8 bits",
        "n01/turned.jpg was rotated by its EXIF tag",
        "n01/moving.gif is animated: the first of its 2 frames",
    ):
        assert said in remarks, (said, remarks)
    assert len(found.problems) == 11
    assert not any(f"n01_{n}" in problems + remarks for n in range(5))  # nothing else is accused
    whole = folder.scans(copied).train
    assert found.splits["train"].images == len(whole.of)


def test_check_finds_nothing_wrong_with_what_is_right(plain):
    found = checks.check(str(plain))
    assert (found.problems, found.remarks) == ((), ())
    pixels = [
        np.asarray(Image.open(path).convert("RGB")) / 255
        for path in (plain / "val").rglob("*.JPEG")
    ]
    np.testing.assert_allclose(
        found.splits["test"].mean, np.mean([p.mean((0, 1)) for p in pixels], 0), atol=1e-9
    )
    assert found.splits["train"].per_class == dict.fromkeys(LABELS, 5)


def test_the_real_imagenette_is_listed(real_data):
    train, test = (images(f"folder:{real_data / 'imagenette'}", s) for s in ("train", "test"))
    assert (len(train), len(test), len(train.classes)) == (2200, 800, 10)
    assert np.bincount(train.labels).tolist() == [220] * 10
    assert images("imagenette", "test").digest == test.digest

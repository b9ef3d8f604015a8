"""How people lay folders of pictures out: what the parts are called, what lies there besides."""

import io
import logging
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepres.data import checks
from deepres.data.source import images
from deepres.errors import UserError

LABELS = ("n01", "n02", "n03")


def encoded(seed):
    draw = np.random.default_rng(seed)
    buffer = io.BytesIO()
    noise = draw.integers(0, 256, (34, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()


def write(folder, count, first):
    for number, label in enumerate(LABELS):
        (folder / label).mkdir(parents=True)
        for n in range(count):
            content = encoded(first + 100 * number + n)
            (folder / label / f"{label}_{n}.JPEG").write_bytes(content)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    root = tmp_path_factory.mktemp("plain")
    write(root / "train", 5, 0)
    write(root / "val", 2, 1000)
    return root


@pytest.fixture
def copied(plain, tmp_path):
    return shutil.copytree(plain, tmp_path / "copy")


def contents(gallery):
    return sorted(
        (gallery.classes[label], gallery.read(n)) for n, label in enumerate(gallery.labels)
    )


@pytest.mark.parametrize("train", ["Train", "TRAINING"])
@pytest.mark.parametrize("test", ["valid", "Validation", "VAL", "Test"])
def test_the_parts_go_by_any_of_their_names(train, test, copied, plain, caplog):
    (copied / "train").rename(copied / train)
    (copied / "val").rename(copied / test)
    for split in ("train", "test"):
        assert contents(images(str(copied), split)) == contents(images(str(plain), split))
    assert checks.check(str(copied)).problems == () and not caplog.records


def test_test_is_tested_with_where_there_is_nothing_better(copied, plain):
    write(copied / "test", 1, 2000)
    assert contents(images(str(copied))) == contents(images(str(plain)))
    shutil.rmtree(copied / "val")
    assert len(images(str(copied))) == 3


@pytest.mark.parametrize(("made", "said"), [("Valid", "Valid and val"), ("Train", "Train and tra")])
def test_of_two_that_mean_the_same_none_is_taken(made, said, copied):
    (copied / made).mkdir()
    with pytest.raises(UserError, match=f"has {said}.*, which mean the same"):
        images(str(copied))
    (problem,) = checks.check(str(copied)).problems
    assert said in problem


@pytest.mark.parametrize("whole", [False, True])
def test_that_the_parts_were_drawn_is_said_once_with_their_numbers(whole, copied, caplog):
    shutil.rmtree(copied / "val")
    root = copied / "train" if whole else copied
    said = f"{copied}/train comes without a val folder: 3 of its 15 pictures, a fifth of each class"
    assert any(remark.startswith(said) for remark in checks.check(str(root)).remarks)
    with caplog.at_level(logging.WARNING, "deepres"):
        for split in ("train", "test", "train"):
            images(str(root), split)
    assert [record.getMessage().startswith(said) for record in caplog.records] == [True]


def test_what_belongs_to_no_class_is_named_and_said_when_trained_on(copied, caplog):
    (copied / "train" / "labels.csv").write_text("a,b\n")
    (copied / "val" / "stray.jpg").write_bytes(encoded(7))
    (copied / "train" / "n04").mkdir()
    problems = checks.check(str(copied)).problems
    assert problems == (
        f"{copied}/train/n04 is a class without a picture.",
        f"{copied}/train/labels.csv lies beside the folders of classes and belongs to none.",
        f"{copied}/val/stray.jpg lies beside the folders of classes and belongs to none.",
    )
    with caplog.at_level(logging.WARNING, "deepres"):
        assert images(str(copied), "train").classes == LABELS
    assert [record.getMessage() for record in caplog.records] == [" ".join(problems)]


def test_a_licence_beside_the_classes_of_one_folder_is_no_fault(copied):
    (copied / "train" / "LICENSE.txt").write_text("free")
    found = checks.check(f"folder:{copied / 'train'}")
    assert found.problems == ()
    assert any("LICENSE.txt lies beside" in remark for remark in found.remarks)


def archived(copied, train):
    """The layout that ImageNet is handed out in: archives, and a list of what is in val."""
    stems = {}
    files = sorted((copied / "val").rglob("*.JPEG"), key=lambda file: file.name[::-1])
    for n, file in enumerate(files, 1):
        stems[f"ILSVRC2012_val_{n:08d}"] = file.parent.name
        file.rename(copied / "val" / f"ILSVRC2012_val_{n:08d}.JPEG")
    for label in LABELS:
        (copied / "val" / label).rmdir()
        with tarfile.open(copied / "train" / f"{label}.tar", "w") as tar:
            for file in sorted((copied / "train" / label).iterdir()):
                tar.add(file, file.name)
        shutil.rmtree(copied / "train" / label)
    with tarfile.open(copied / train, "w") as tar:
        for file in sorted((copied / "train").iterdir()):
            tar.add(file, file.name)
    shutil.rmtree(copied / "train")
    return stems


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("flat", [False, True])
def test_the_official_archives_are_read_beside_their_ground_truth(flat, numbers, copied, plain):
    stems = archived(copied, "train.tar" if flat else "ILSVRC2012_img_train.tar")
    told = {stem: LABELS.index(label) if numbers else label for stem, label in stems.items()}
    (copied / "val.txt").write_text("".join(f"{stem}.JPEG {of}\n" for stem, of in told.items()))
    if not flat:
        with tarfile.open(copied / "ILSVRC2012_img_val.tar", "w") as tar:
            for file in sorted((copied / "val").iterdir()):
                tar.add(file, file.name)
        shutil.rmtree(copied / "val")
    for split in ("train", "test"):
        assert contents(images(str(copied), split)) == contents(images(str(plain), split))


def test_compressed_archives_of_classes_are_to_be_unpacked(copied):
    (copied / "val.txt").write_text("ILSVRC2012_val_00000001.JPEG n01\n")
    shutil.rmtree(copied / "train")
    (copied / "train").mkdir()
    with tarfile.open(copied / "train" / "n01.tar.gz", "w:gz") as tar:
        tar.add(copied / "val" / "n01" / "n01_0.JPEG", "x.JPEG")
    with pytest.raises(UserError, match=r"n01\.tar\.gz is compressed: unpack it first"):
        images(str(copied))


def test_numbers_of_classes_count_those_without_a_picture(copied):
    shutil.rmtree(copied / "val")
    (copied / "val").mkdir()
    (copied / "train" / "n00").mkdir()
    (copied / "train" / "a.txt").write_text("no class")
    (copied / "val" / "a.JPEG").write_bytes(encoded(3))
    (copied / "val.txt").write_text("a.JPEG 1\n")
    test = images(str(copied))
    assert test.classes[test.labels[0]] == "n01"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("LOC_val_solution.csv", b"ImageId,PredictionString\na,\n", "line 2: ImageId and Pred"),
        ("LOC_val_solution.csv", b"ImageId,PredictionString\na\n", "line 2: ImageId and Pred"),
        ("LOC_val_solution.csv", b"file,class\na,n01\n", "line 2: ImageId and Pred"),
        ("LOC_val_solution.csv", b"ImageId,PredictionString\n", "tells the class of no file"),
        ("LOC_val_solution.csv", b"ImageId,PredictionString\n\xff,n01\n", "no text in UTF-8"),
        ("ILSVRC2012_validation_ground_truth.txt", b"\xff", "no text in UTF-8"),
        ("val.txt", b"\xff n01\n", "no text in UTF-8"),
        ("val.txt", b"a 0\nb 99\n", "has the class 99, and train/ beside it has 3 classes"),
    ],
)
def test_a_damaged_ground_truth_is_one_sentence(name, content, said, copied):
    shutil.rmtree(copied / "val")
    (copied / "val").mkdir()
    (copied / "val" / "a.JPEG").write_bytes(encoded(3))
    (copied / name).write_bytes(content)
    if name.startswith("ILSVRC"):
        (copied / "meta.mat").write_bytes(bytes(128))
        said = r"meta\.mat cannot be read as the kit's list of classes: no table in it has"
    for source in (str(copied), f"folder:{copied}"):
        with pytest.raises(UserError, match=f"{name}.*{said}|{said}"):
            images(source)


def test_kaggle_s_list_is_found_at_the_head_of_its_archive(copied, plain, monkeypatch):
    root = copied / "ILSVRC" / "Data" / "CLS-LOC"
    root.parent.mkdir(parents=True)
    whole = shutil.copytree(plain, root)
    files = sorted((whole / "val").rglob("*.JPEG"))
    rows = [f"{file.stem},{file.parent.name} 1 2 3 4" for file in files]
    for file in files:
        file.rename(whole / "val" / file.name)
    for label in LABELS:
        (whole / "val" / label).rmdir()
    (copied / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *rows]))
    monkeypatch.chdir(whole)
    for source in (f"folder:{whole}", "folder:."):
        assert contents(images(source)) == contents(images(str(plain)))


def test_a_class_that_cannot_be_written_is_refused_and_the_rest_is_checked(copied, plain):
    for part in ("train", "val"):
        (copied / part / "n03").rename(copied / part / os.fsdecode(b"caf\xe9"))
    (copied / "train" / "two\nlines").mkdir()
    found = checks.check(str(copied))
    assert found.splits["train"].per_class == {"n01": 5, "n02": 5}
    assert len(found.problems) == 3
    said = "names a class in letters that are not UTF-8 or break a line: rename it."
    assert sorted(found.problems) == sorted(
        f"{copied}/{name} {said}"
        for name in ("train/caf\\xe9", "train/two\\nlines", "val/caf\\xe9")
    )
    with pytest.raises(UserError, match=r"names a class in .* So it is with 2 more"):
        images(str(copied))


def test_files_of_any_name_are_read_and_called_in_one_line(copied, plain):
    folder, names = copied / "train" / "n01", (b"caf\xe9", b"two\nlines", "\u65e5\u672c".encode())
    for n, name in enumerate(names):
        (folder / f"n01_{n}.JPEG").rename(folder / f"{os.fsdecode(name)}.JPEG")
    train = images(str(copied), "train")
    assert contents(train) == contents(images(str(plain), "train"))
    names = {Path(train.called(n)).name for n in range(len(train))}
    assert {"caf\\xe9.JPEG", "two\\nlines.JPEG", "\u65e5\u672c.JPEG"} <= names
    assert checks.check(str(copied)).problems == ()


def test_links_in_circles_are_named_and_end(copied):
    (copied / "train" / "n01" / "up").symlink_to(copied)
    (copied / "train" / "n02" / "self").symlink_to(copied / "train" / "n02" / "self")
    (copied / "train" / "n03" / "fair").symlink_to(copied / "val" / "n03")  # no circle
    found = checks.check(str(copied))
    problems = "\n".join(found.problems)
    assert f"{copied}/train/n01/up is a link to a folder in which it lies itself." in problems
    assert "n02/self cannot be read: Too many levels of symbolic links." in problems
    assert found.splits["train"].per_class == {"n01": 5, "n02": 6, "n03": 7}
    with pytest.raises(UserError, match="n01/up is a link to a folder"):
        images(str(copied), "test")


def test_a_folder_that_cannot_be_read_is_named_and_the_rest_is_checked(copied, monkeypatch):
    def scandir(path, opened=os.scandir):
        if os.fspath(path).endswith("train/n02"):
            raise PermissionError(13, "Permission denied", path)
        return opened(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = checks.check(f"folder:{copied}")
    assert f"{copied}/train/n02 cannot be read: Permission denied." in found.problems
    assert found.splits["train"].per_class["n03"] == 5
    with pytest.raises(UserError, match=r"train/n02 cannot be read: Permission denied\."):
        images(str(copied), "train")


def test_a_root_that_cannot_be_read_is_one_sentence(copied, monkeypatch):
    def iterdir(path, listed=Path.iterdir):
        if path == copied:
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    (problem,) = checks.check(str(copied)).problems
    assert problem == f"{copied} cannot be read: Permission denied."


def test_a_folder_of_neither_kind_is_told_both(tmp_path):
    (tmp_path / "x.jpg").write_bytes(encoded(1))
    with pytest.raises(UserError, match=r"train,val.*<class>/.*`deepres data fetch cifar10` fet"):
        images(str(tmp_path))


def test_an_empty_first_class_leaves_a_folder_of_classes_what_it_is(plain, tmp_path):
    whole = shutil.copytree(plain / "train", tmp_path / "whole")
    (whole / "a").mkdir()
    (whole / "b").mkdir()
    assert images(str(whole)).classes == LABELS

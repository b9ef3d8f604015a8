"""Pictures that cannot be decoded: found once, by all ranks together, never all of a part."""

import os

import numpy as np
import pytest
from PIL import Image
from several import several
from usable_work import found

from deepres.data.source import images
from deepres.errors import UserError
from deepres.ranks import ALONE
from deepres.runs import usable as module
from deepres.runs.pictures import as_declared, gathered
from deepres.runs.usable import Search, remember, remembered, usable

BAD = ("train/a/3.png", "train/b/0.png", "train/b/5.png", "val/b/1.png")


@pytest.fixture
def folder(tmp_path):
    """Two classes, of whose pictures some are none."""
    for part, count in (("train", 7), ("val", 2)):
        for label, grey in (("a", 50), ("b", 200)):
            (tmp_path / part / label).mkdir(parents=True)
            for n in range(count):
                pixels = np.full((9, 9, 3), grey + n, np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / label / f"{n}.png")
    for name in BAD:
        (tmp_path / name).write_bytes(b"no picture")
    return tmp_path


@pytest.fixture(scope="module")
def ranks():
    with several() as made:
        yield made


def bad(name):
    return str(name).endswith(BAD)


def names(folder, skipped):
    return sorted(str(name)[len(str(folder)) + 1 :] for name in skipped)


def test_the_others_keep_their_order_and_labels(folder):
    train = images(str(folder), "train")
    told = usable(train)
    left = [n for n, name in enumerate(map(train.called, range(len(train)))) if not bad(name)]
    assert told.pictures.labels.tolist() == train.labels[left].tolist()
    assert [told.pictures.called(n) for n in range(11)] == [train.called(n) for n in left]
    assert told.pictures.digest != train.digest
    assert names(folder, told.left_out) == list(BAD[:3])


@pytest.mark.parametrize("count", [2, 3])
def test_ranks_look_at_a_part_each_and_know_the_whole(count, folder, ranks):
    _, alone, digest = found(ALONE, str(folder))
    told = ranks(count, found, str(folder))
    seen = [place for mine, _, _ in told for place in mine]
    assert sorted(seen) == list(range(14))  # each picture by one of them
    assert [(bad, said) for _, bad, said in told] == [(alone, digest)] * count
    assert names(folder, alone) == list(BAD[:3])


def test_a_part_without_a_usable_picture_is_refused_at_once(folder):
    for name in (folder / "val").glob("*/*"):
        name.write_bytes(b"no picture either")
    with pytest.raises(UserError, match=r"None of the 4 pictures of folder test can be used: .*va"):
        gathered(str(folder), bad="skipped")


@pytest.fixture
def looked(monkeypatch):
    """How many pictures were decoded, a part each."""
    found = []
    before = module.examined
    monkeypatch.setattr(
        module, "examined", lambda some, note: found.append(len(some)) or before(some, note)
    )
    return found


def test_a_run_that_is_gone_on_with_reads_each_picture_once(folder, looked):
    pictures, data = gathered(str(folder), 9, "skipped")
    assert (len(pictures.train), data.held_out) == (9, 2) and len(pictures.skipped) == 4
    looked.clear()
    again = as_declared(str(folder), data)
    assert looked == [14, 4]
    assert again.train.places.tolist() == pictures.train.places.tolist()
    assert again.skipped == pictures.skipped


def test_what_was_found_is_remembered_until_a_file_changes(folder, looked, tmp_path):
    pictures, data = gathered(str(folder), bad="skipped")
    run = tmp_path / "run"
    run.mkdir()
    assert remembered(run) == {}
    remember(run, pictures.known)
    looked.clear()
    again = as_declared(str(folder), data, search=Search(known=remembered(run)))
    assert looked == [] and again.skipped == pictures.skipped
    assert again.train.digest == pictures.train.digest
    changed = folder / "val" / "a" / "0.png"
    content, at = changed.read_bytes(), changed.stat().st_mtime_ns
    changed.write_bytes(content)  # names and sizes are as they were
    os.utime(changed, ns=(at, at + 1))
    as_declared(str(folder), data, search=Search(known=remembered(run)))
    assert looked == [4]
    (run / "examined.json").write_bytes(b"{")
    assert remembered(run) == {}


def test_what_the_first_rank_remembers_no_rank_looks_at(folder, ranks):
    known = gathered(str(folder), bad="skipped")[0].known
    told = ranks(2, found, str(folder), known)
    assert [(mine, names(folder, bad)) for mine, bad, _ in told] == [([], list(BAD[:3]))] * 2


def test_one_class_is_nothing_to_tell_apart(folder):
    for part in ("train", "val"):
        for file in (folder / part / "b").iterdir():
            file.unlink()
        (folder / part / "b").rmdir()
    with pytest.raises(UserError, match=r"has pictures of one class, 'a': training takes two"):
        gathered(f"folder:{folder}", bad="skipped")

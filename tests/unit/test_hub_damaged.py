"""What a data set of the hub's library can lack or break, each told in one sentence."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from deepres.data import checks
from deepres.data.source import images
from deepres.errors import UserError
from deepres.runs.usable import usable

datasets = pytest.importorskip("datasets")


def encoded(seed):
    buffer = io.BytesIO()
    draw = np.random.default_rng(seed)
    Image.fromarray(draw.integers(0, 256, (30, 41, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def table(count, first=0, names=("ant", "bee"), label=lambda n: n % 2):
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))}
    )
    rows = {
        "image": [{"bytes": encoded(first + n), "path": f"{n}.jpg"} for n in range(count)],
        "label": [label(n) for n in range(count)],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def saved(path, **splits):
    datasets.DatasetDict(splits).save_to_disk(str(path))
    return f"hub:{path}"


@pytest.mark.parametrize("name", ["Val", "VALIDATION", "valid", "test"])
def test_splits_go_by_the_names_that_folders_have(name, tmp_path):
    source = saved(tmp_path / "it", Training=table(4), **{name: table(2, 100)})
    assert (len(images(source, "train")), len(images(source))) == (4, 2)


def test_of_two_splits_that_mean_the_same_none_is_taken(tmp_path):
    source = saved(tmp_path / "it", train=table(4), val=table(2, 100), validation=table(2, 200))
    with pytest.raises(UserError, match="has val and validation, which mean the same"):
        images(source)


def test_an_empty_split_is_one_sentence(tmp_path):
    source = saved(tmp_path / "it", train=table(4), validation=table(2).select([]))
    (problem,) = checks.check(source).problems
    assert problem in (  # the library itself fails, or hands an empty table over
        f"{source} cannot be read: a split of it has no rows.",
        f"{source} has no picture in test.",
    )


def test_a_cell_without_a_picture_is_a_bad_picture(tmp_path):
    rows = {"image": [{"bytes": encoded(1), "path": None}, None], "label": [0, 1]}
    whole = datasets.Dataset.from_dict(rows, features=table(1).features)
    source = saved(tmp_path / "it", train=whole, validation=table(2, 100))
    assert (
        f"row 1 of {source} is an empty cell: it has no picture." in checks.check(source).problems
    )
    told = usable(images(source, "train"))
    assert len(told.pictures) == 1 and list(told.left_out) == [f"row 1 of {source}"]


def test_a_missing_label_is_one_sentence_and_no_warning(tmp_path):
    whole = table(3, label=lambda n: [0, 1, None][n])
    source = saved(tmp_path / "it", train=whole, validation=table(2, 100))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match="pictures without a label in train"):
            images(source, "train")


def test_a_class_that_breaks_a_line_is_refused(tmp_path):
    source = saved(tmp_path / "it", train=table(4, names=("ant", "b\nee")), test=table(2))
    with pytest.raises(UserError, match="names a class in letters that"):
        images(source, "train")


def test_damaged_files_are_not_said_to_be_missing(tmp_path):
    source = saved(tmp_path / "it", train=table(4), validation=table(2, 100))
    (file,) = (tmp_path / "it" / "train").glob("*.arrow")
    file.write_bytes(file.read_bytes()[:600])
    with pytest.raises(UserError, match=r"^hub:.*/it cannot be read: ") as raised:
        images(source, "train")
    assert "download" not in str(raised.value) and ".." not in str(raised.value)


@pytest.mark.parametrize("path", ["/nowhere/at/all", "./nowhere", "~/nowhere at all"])
def test_a_path_that_is_not_there_is_not_fetched(path):
    with pytest.raises(UserError, match=r": there is no such folder\.$"):
        images(f"hub:{path}")

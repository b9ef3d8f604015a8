"""Whose class list `deepres evaluate` goes by: names as soon as one is shared, else places."""

import numpy as np
import pytest

from deepres.card import Card, Preprocessing
from deepres.cli.looked import agreed, writable
from deepres.data.gallery.listed import Gallery
from deepres.errors import UserError
from deepres.models.zoo import arch

HOW = Preprocessing(size=8, resize=8, mean=(0, 0, 0), std=(1, 1, 1))


def gallery(*classes):
    places = np.arange(len(classes))
    return Gallery("folder test", places, classes, "digest", None, places)


def card(*classes):
    return Card(network="n", arch=arch("resnet8"), preprocessing=HOW, classes=classes)


def labels(found):
    return [found.classes[label] for label in found.labels]


@pytest.mark.parametrize("classes", ["abc", "ab", "ca", "bca", "c"])
def test_names_of_the_network_keep_their_labels_in_any_order(classes):
    found = agreed(gallery(*classes), [card(*"abc")])
    assert found.classes == tuple("abc") and labels(found) == list(classes)


@pytest.mark.parametrize(
    ("classes", "unknown"), [("acd", "class 'd'"), ("ade", "classes 'd', 'e'"), ("ad", "class 'd'")]
)
def test_other_names_beside_known_ones_are_never_taken_by_their_places(classes, unknown):
    with pytest.raises(UserError) as refused:
        agreed(gallery(*classes), [card(*"abc")])
    assert str(refused.value) == (
        f"folder test has the {unknown}, which the network does not know: it tells a, b, c apart."
    )


def test_lists_without_a_name_in_common_go_by_places_and_say_so(capsys):
    found = agreed(gallery("0", "1", "2"), [card(*"abc")])
    assert labels(found) == ["0", "1", "2"]
    assert capsys.readouterr().err == "classes by their places: 0, 1, 2 are taken for a, b, c\n"
    with pytest.raises(UserError, match="has the classes '0', '1', which the network does not"):
        agreed(gallery("0", "1"), [card(*"abc")])


def test_a_file_that_cannot_be_written_is_refused_by_its_name(tmp_path):
    writable(tmp_path / "new.csv")
    assert not (tmp_path / "new.csv").exists()
    with pytest.raises(UserError, match=r"--out .* is a folder: name a file in it"):
        writable(tmp_path)
    with pytest.raises(UserError, match=r"--out .*/no/x\.csv: there is no folder .*/no\."):
        writable(tmp_path / "no" / "x.csv")

"""Counting errors: exact over any split, ties alike at any batch size."""

import copy
import csv
import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import deepres
from deepres.card import Preprocessing
from deepres.data.images import Images
from deepres.errors import UserError
from deepres.evaluate import combined, ranks, scores, tally, total, written
from deepres.tally import Tally

RAW = Preprocessing(size=32, resize=32, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))


def images(n, classes=10, edge=32, seed=0):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (n, edge, edge, 3), dtype=np.uint8)
    labels = random.integers(0, classes, n)
    return Images("some", pixels, labels, tuple("abcdefghij"[:classes]), "digest")


@given(st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=7), min_size=1), st.data())
def test_rank_is_the_place_in_a_stable_sort(rows, data):
    labels = data.draw(st.lists(st.integers(0, 6), min_size=len(rows), max_size=len(rows)))
    place = [
        sorted(range(7), key=lambda c, row=row: (-row[c], c)).index(label)
        for row, label in zip(rows, labels, strict=True)
    ]
    assert ranks(torch.tensor(rows).float(), torch.tensor(labels)).tolist() == place


def test_a_score_that_is_not_a_number_is_never_right():
    nan = float("nan")
    rows = torch.tensor([[nan, 1, 2], [1, nan, 2], [nan, nan, nan]])
    assert ranks(rows, torch.tensor([0, 2, 1])).tolist() == [3, 1, 3]


@given(st.integers(1, 60), st.integers(1, 70))
def test_any_batch_size_counts_every_picture_once(n, batch):
    random = torch.Generator().manual_seed(n)
    logits = torch.randint(0, 4, (n, 10), generator=random).float()  # full of ties
    pictures = images(n)
    whole = tally(logits, torch.from_numpy(pictures.labels))
    assert total(logits.split(batch), pictures) == whole
    assert whole.seen == n
    assert whole.top5 <= whole.top1


def test_top5_is_wrong_from_the_sixth_place_on():
    logits = torch.arange(10.0).flip(0).expand(10, 10)
    assert tally(logits, torch.arange(10)) == Tally(10, 9, 5)


def test_tallies_add_up():
    one, two = Tally(3, 2, 1), Tally(7, 1, 0)
    assert one + two == Tally(10, 3, 1)
    assert (one + two).top1_error == 30
    assert (one + two).top5_error == 10


def test_the_whole_path_equals_a_loop_over_pictures():
    network, pictures = deepres.create("resnet8", seed=2), images(33)
    training = copy.deepcopy(network)  # ours is left in training mode: testing changes that
    network.eval()
    alone = []
    for picture in pictures.pixels:
        x = (picture / 255 - np.array(RAW.mean)) / np.array(RAW.std)
        with torch.no_grad():
            alone.append(network(torch.from_numpy(x.transpose(2, 0, 1)).float()[None]))
    together = torch.cat(list(scores(training, RAW, None, pictures, batch=10)))
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)
    wrong = torch.cat(alone).argmax(1) != torch.from_numpy(pictures.labels)
    assert total(together.split(10), pictures).top1 == int(wrong.sum())


def test_an_ensemble_averages_probabilities():
    one, two = torch.tensor([[5.0, 0, 0]]), torch.tensor([[0.0, 6, 0]])
    mean = next(combined([[one], [two]]))
    assert torch.allclose(mean, (one.double().softmax(1) + two.double().softmax(1)) / 2)
    assert int(mean.argmax()) == 1


def test_another_number_of_classes_is_refused():
    with pytest.raises(UserError, match="3 classes apart and some has 10"):
        total([torch.zeros(5, 3)], images(5))


def test_predictions_are_written_in_order_and_passed_on():
    pictures, file = images(5), io.StringIO()
    logits = torch.eye(10)[[3, 1, 0, 9, 3]]
    passed = list(written(logits.split(2), pictures, file))
    assert torch.equal(torch.cat(passed), logits)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [row["guess1"] for row in rows] == ["d", "b", "a", "j", "d"]
    assert [row["guess2"] for row in rows] == ["a", "a", "b", "a", "a"]
    assert [row["label"] for row in rows] == [pictures.classes[c] for c in pictures.labels]
    assert [int(row["picture"]) for row in rows] == list(range(5))


def test_equal_scores_are_guessed_in_class_order():
    names = tuple(f"class {n}" for n in range(500))
    pictures = Images("many", np.zeros((1, 1, 1, 3)), np.array([3]), names, "digest")
    file = io.StringIO()
    list(written([torch.zeros(1, 500)], pictures, file))
    assert file.getvalue().splitlines()[1] == "0,class 3,4," + ",".join(names[:5])

"""Ranks are real processes here: whatever their number, they compute what one process computes."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from ranks_work import (
    RECIPE,
    carried,
    exchanged,
    in_fp16_over,
    left_alone,
    looked,
    made,
    pictures,
    sent_by,
    trained,
)
from several import several
from torch import nn

import deepres.runs.session
import deepres.train
from deepres.data.batches import batches
from deepres.data.digits import images as digits
from deepres.data.order import Part
from deepres.errors import Failed, UserError
from deepres.ranks import ALONE, Ranks, place
from deepres.runs.log import TIMES
from deepres.spec import DIGITS, Recipe
from deepres.together import divided, sent_bytes, together
from deepres.train import begun


@pytest.fixture(scope="module")
def ranks():
    """`ranks(count, work, ...)` is what each of so many processes finds."""
    with several() as made_:
        yield made_


@pytest.fixture
def window(monkeypatch):
    """`trained` changes it here too."""
    monkeypatch.setattr(deepres.train, "WINDOW", deepres.train.WINDOW)


def the_same(one, other, tolerance):
    """Weights and velocity to the bit, running statistics to rounding."""
    assert one[1:] == other[1:]
    for name, values in one[0].items():
        if "running" in name:
            np.testing.assert_allclose(values, other[0][name], rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(values, other[0][name], name)


@pytest.mark.parametrize("kind", ["paper", "dropping"])
def test_two_and_four_ranks_train_as_one_process_does(kind, window, ranks):
    alone = trained(ALONE, kind, torch.float64)
    assert len(alone[1]) == 1  # the warm-up's end, found by all replicas' errors
    for count in (2, 4):
        found = ranks(count, trained, kind, torch.float64)
        for one in found:
            the_same(alone, one, 1e-10)


def test_single_precision_agrees_too(window, ranks):
    alone = trained(ALONE, "paper", torch.float32)
    one, other = ranks(2, trained, "paper", torch.float32)
    the_same(alone, one, 1e-6)
    the_same(one, other, 0)


@pytest.mark.parametrize("augmented", [False, True])
def test_statistics_and_errors_are_the_same_to_the_last_digit(augmented, ranks):
    statistics, tally = looked(ALONE, augmented)
    assert tally.seen == 620  # three batches over four ranks: one rank has none
    for found, counted in ranks(4, looked, augmented):
        assert counted == tally
        for name, values in statistics.items():
            np.testing.assert_array_equal(found[name], values, name)


def test_what_ranks_tell_each_other_is_in_order(ranks):
    dealt = [0.0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    assert exchanged(ALONE) == (True, 0.0, b"first", b"", (False, False), dealt)
    for count in (2, 3):
        told = (True, 0.0, b"first", b"", (True, False), dealt)
        assert ranks(count, exchanged) == [told] * count


def test_a_rank_that_is_killed_is_named_at_once(ranks):
    one, other, gone = ranks(3, left_alone, "killed")
    assert gone is None
    for said, seconds in (one, other):
        assert said == "Rank 2 of 3 ended or does not answer."
        assert seconds < 5


@pytest.mark.slow
def test_a_rank_that_hangs_is_not_waited_for_longer_than_was_said(ranks):
    (said, seconds), _ = ranks(2, left_alone, "silent", patience=2)
    assert said == "Rank 1 of 2 ended or does not answer."
    assert 1 < seconds < 5


@settings(max_examples=25)
@given(st.integers(0, 50), st.sampled_from([1, 2, 3, 4, 6, 12]))
def test_parts_of_a_batch_are_the_batch(step, of):
    images = digits("train").part(slice(100), "few")
    recipe = structs.replace(DIGITS, batch=24, replicas=12, steps=step + 1)
    (whole,) = batches(images, recipe, 5, step)
    parts = [next(batches(images, recipe, 5, step, part=Part(n, of))) for n in range(of)]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    assert torch.equal(torch.cat([part.labels for part in parts]), whole.labels)
    assert {part.replicas for part in parts} == {12 // of}


def test_ranks_that_do_not_divide_the_replicas_are_refused():
    for count in (1, 2, 4, 8):
        divided(Recipe(replicas=8), Ranks(0, count))
    with pytest.raises(UserError, match="3 ranks do not divide 8 replicas: start 1 or 2 or 4 or 8"):
        divided(Recipe(replicas=8), Ranks(0, 3))


def test_a_place_that_is_none_is_refused(monkeypatch):
    assert place() == (0, 1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="no MASTER_ADDR"):
        place()
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(UserError, match="RANK 2 of WORLD_SIZE 2 is no place"):
        place()


def test_what_several_ranks_cannot_keep_equal_is_refused():
    both = Ranks(0, 2)
    batch = next(pictures(ALONE))
    network = made("paper").double()
    network.unused = nn.Linear(2, 2)
    with pytest.raises(Failed, match=r"unused\.weight got no gradient"):
        together(begun(network.train(), RECIPE), batch, 0.1, ranks=both)
    synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(made("paper").double())
    with pytest.raises(UserError, match="SyncBatchNorm would normalise over all ranks"):
        together(begun(synchronised.train(), RECIPE), batch, 0.1, ranks=both)


def test_two_ranks_in_half_precision_agree_to_the_bit(ranks):
    """Through a prepared plan, over an overflow that both must see."""
    whole = list(pictures(ALONE))[:5]
    alone = in_fp16_over(ALONE, 2.0**21, whole)
    assert ("overflow", 1) in alone[1]
    assert ranks(2, in_fp16_over, 2.0**21, whole) == [alone] * 2


def test_a_run_whose_rank_was_killed_is_gone_on_with_by_four(ranks, tmp_path, monkeypatch):
    monkeypatch.setattr(deepres.runs.session, "COST_AT_MOST", deepres.runs.session.COST_AT_MOST)
    carried(ALONE, tmp_path / "unbroken")
    run = tmp_path / "run"
    said, gone = ranks(2, carried, run, 7)
    assert gone is None
    assert said.startswith("Rank 1 of 2 ended or does not answer. The last good state, of step ")
    assert not (run / "result.json").exists()
    assert ranks(4, carried, run) == [""] * 4
    assert (run / "weights.safetensors").read_bytes() == (
        tmp_path / "unbroken" / "weights.safetensors"
    ).read_bytes()
    logs = [log_of(folder) for folder in (run, tmp_path / "unbroken")]
    assert logs[0] == logs[1]
    sessions = json.loads((run / "provenance.json").read_bytes())["sessions"]
    assert [(one["plan"]["ranks"], one["step"] > 0) for one in sessions] == [(2, False), (4, True)]


def log_of(folder):
    lines = [json.loads(text) for text in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


def test_what_is_said_to_be_sent_is_sent(ranks):
    for replicas, count in ((4, 2), (4, 4)):
        sent = ranks(count, sent_by, replicas // count, 1000)
        assert sent == [sent_bytes(4000, replicas, count)] * count

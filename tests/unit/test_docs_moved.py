"""What the introduction says of the weights that the two short plain runs ended with."""

import pytest
from docs.made import moved, tables, values


def test_the_first_layers_of_plain_56_ran_away_and_the_last_stayed():
    """Gammas start at one; a layer that learns nothing is left with what decay leaves."""
    assert moved.rms("plain56", "bn1") > 10
    assert moved.rms("plain56", "layer1.0.bn1") > 10
    assert moved.cosine("plain56", "") < 0.1
    assert moved.gamma("plain56", "layer3") == pytest.approx(moved.decayed(), rel=0.01)
    assert moved.cosine("plain56", "layer3") > 0.9


def test_plain_20_learnt_evenly():
    assert all(0.7 < moved.gamma("plain20", part) < 1 for part in moved.PARTS)
    assert all(0.5 < moved.cosine("plain20", part) < 0.75 for part in moved.PARTS)


def test_a_one_that_only_decays_is_what_a_sum_of_rates_says():
    """Momentum multiplies a constant rate by ten; e to the minus the sum, all but."""
    assert moved.decayed() == pytest.approx(
        2.718281828 ** -(10 * 1e-4 * (320 + 16 + 1.6)), rel=1e-3
    )


def test_a_fresh_network_is_at_its_own_start(monkeypatch):
    start = moved.fresh("plain20")
    monkeypatch.setattr(moved, "trained", lambda name: start)
    monkeypatch.setattr(moved, "fresh", lambda name: start)
    for part in moved.PARTS:
        assert moved.gamma("plain20", part) == 1
        assert moved.cosine("plain20", part) == pytest.approx(1)


def test_what_the_page_glues():
    assert values.ours("short error plain56") == "55.4"
    assert values.ours("first gamma plain56") == "11.1"
    assert values.ours("last gammas plain56") == values.ours("decayed gamma") == "0.713"
    assert values.ours("short steps") == "6,400"
    head, rows = tables.kept_and_moved()
    assert len(rows) == len(moved.PARTS)
    assert {len(row) for row in rows} == {len(head)}

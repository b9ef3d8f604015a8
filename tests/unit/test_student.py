"""Student's t and Welch's test against printed tables, against scipy, and by property."""

import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepres.studies.claims import Inequality, judged
from deepres.studies.student import against, holm, quantile, single, upper_tail, welch

# Printed in any table of Student's t: one-sided probability, degrees of freedom, quantile.
TABLE = [(0.05, 1, 6.314), (0.025, 4, 2.776), (0.01, 10, 2.764), (0.05, 30, 1.697)]
VALUES = st.lists(st.floats(0, 100), min_size=2, max_size=6)


@pytest.mark.parametrize(("p", "freedom", "t"), TABLE)
def test_quantiles_are_those_of_printed_tables(p, freedom, t):
    assert quantile(p, freedom) == pytest.approx(t, abs=5e-4)
    assert quantile(1 - p, freedom) == pytest.approx(-t, abs=5e-4)


def test_tails_that_have_a_closed_form():
    assert upper_tail(1.0, 1) == pytest.approx(0.25, abs=1e-14)  # Cauchy: half minus atan(t) / pi
    assert upper_tail(2.0, 2) == pytest.approx(0.5 - 1 / 6**0.5, abs=1e-14)
    assert upper_tail(0.0, 7.3) == pytest.approx(0.5, abs=1e-14)


def test_all_agree_with_scipy():
    stats = pytest.importorskip("scipy.stats", reason="compares with scipy where it is installed")
    draw = random.Random(0)
    for _ in range(100):
        t, freedom, p = draw.uniform(-9, 9), draw.uniform(1, 60), draw.uniform(1e-6, 0.999)
        assert upper_tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), rel=1e-9)
        assert quantile(p, freedom) == pytest.approx(stats.t.isf(p, freedom), rel=1e-9, abs=1e-9)
        a = [draw.gauss(8.0, 0.3) for _ in range(draw.randint(2, 6))]
        b = [draw.gauss(8.1, 0.1) for _ in range(draw.randint(2, 6))]
        theirs = stats.ttest_ind(a, b, equal_var=False, alternative="greater")
        assert welch(a, b).p == pytest.approx(theirs.pvalue, rel=1e-9)
        assert welch(a, b).freedom == pytest.approx(theirs.df, rel=1e-9)
        one = stats.ttest_1samp(a, 8.05, alternative="greater")
        assert against(a, 8.05).p == pytest.approx(one.pvalue, rel=1e-9)


def arms(count, deviation):
    """Two arms of so many seeds with this very deviation."""
    raw = [float(n) for n in range(count)]
    scale = deviation / statistics.stdev(raw)
    return [scale * value for value in raw]


def test_what_seeds_resolve():
    """With 0.2 points between seeds, three show 0.6, five 0.4, and it takes seventeen for 0.2."""
    shown = {n: welch(arms(n, 0.2), arms(n, 0.2)).smallest for n in (3, 5, 16, 17)}
    assert shown[3] == pytest.approx(0.61, abs=0.005)
    assert shown[5] == pytest.approx(0.40, abs=0.005)
    assert shown[17] < 0.2 < shown[16]


@pytest.mark.parametrize("count", [3, 5, 17])
def test_the_smallest_difference_is_shown_four_times_in_five(count):
    """By Student's test, in both directions, on many pairs of arms that differ by it."""
    rng, draws = np.random.default_rng(count), 4_000
    apart = welch(arms(count, 0.2), arms(count, 0.2)).smallest
    one, other = (rng.normal(mean, 0.2, (draws, count)) for mean in (apart, 0.0))
    error = np.sqrt((one.var(1, ddof=1) + other.var(1, ddof=1)) / count)
    shown = np.abs(one.mean(1) - other.mean(1)) > quantile(0.025, 2 * count - 2) * error
    assert shown.mean() == pytest.approx(0.8, abs=0.03)


def test_a_single_run_is_held_against_the_spread_of_others():
    values, one = [6.61, 6.45, 6.43, 6.90, 6.67], 7.93
    test = single(one, values)
    away = (one - np.mean(values)) / (np.std(values, ddof=1) * np.sqrt(1 + 1 / 5))
    assert test.p == pytest.approx(upper_tail(away, 4), rel=1e-9)
    assert test.difference == pytest.approx(one - np.mean(values))
    assert test.effect > 5
    assert verdicts(([one], values), (values, [one])) == ["holds", "fails"]
    assert verdicts(([one], values[:2])) == ["within noise"], "two tell little of a spread"


@given(a=VALUES, b=VALUES)
def test_the_two_directions_share_one_probability(a, b):
    one, other = welch(a, b), welch(b, a)
    assert 0 <= one.p <= 1
    assert one.p + other.p == pytest.approx(1)
    assert one.smallest >= 0


@given(ps=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_p_and_keeps_their_order(ps):
    corrected = holm(ps, len(ps))
    assert all(before <= after <= 1 for before, after in zip(ps, corrected, strict=True))
    assert min(corrected) == pytest.approx(min(1, len(ps) * min(ps)))
    pairs = sorted(zip(ps, corrected, strict=True))
    assert [c for _, c in pairs] == sorted(corrected)


def test_holm_as_in_a_textbook():
    assert holm([0.01, 0.04, 0.03, 0.005], 4) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(ps=st.lists(st.floats(0, 1), min_size=1, max_size=6), later=st.integers(0, 6))
def test_claims_that_wait_count_as_if_they_were_large(ps, later):
    whole = holm([*ps, *[1.0] * later], len(ps) + later)
    assert holm(ps, len(ps) + later) == whole[: len(ps)]


def verdicts(*pairs, margin=5.0):
    told = [Inequality("a > b", "test error", a, b, margin) for a, b in pairs]
    return [finding.verdict for finding in judged(told)]


def test_one_seed_decides_only_by_the_margin():
    assert verdicts(([5.1], [0.0]), ([4.9], [0.0]), ([0.0], [5.1])) == [
        "holds",
        "within noise",
        "fails",
    ]
    assert verdicts(([5.1], 0.0), (0.1, [0.04])) == ["holds", "within noise"]


def test_several_seeds_decide_by_the_test():
    near, far = [8.0, 8.2, 8.4], [9.0, 9.2, 9.4]
    assert verdicts((far, near), (near, far), (near, near)) == ["holds", "fails", "within noise"]
    assert verdicts((60.0, near), (near, 60.0)) == ["fails", "holds"][::-1]
    assert verdicts(([1.0, 1.0], [1.0, 1.0]), ([2.0, 2.0], [1.0, 1.0])) == ["within noise", "holds"]


def test_many_claims_take_more_to_be_shown():
    a, b = [8.0, 8.2, 8.4], [8.4, 8.6, 8.8]
    assert verdicts((b, a)) == ["holds"]
    assert verdicts((b, a), *[(a, a)] * 5) == ["within noise"] * 6


def test_what_was_not_run_is_no_verdict():
    (finding,) = judged([Inequality("a > b", "test error", [], [1.0], 3.0)])
    assert (finding.verdict, finding.found) == ("within noise", "not run yet")


def test_a_finding_names_its_error_and_its_numbers():
    (finding,) = judged([Inequality("a > b", "clean training error", [9.0, 9.2], [8.0, 8.1], 3.0)])
    assert finding.found.startswith(
        "9.10 ± 0.14 (n = 2) against 8.05 ± 0.07 (n = 2) clean training"
    )
    assert "g = " in finding.found

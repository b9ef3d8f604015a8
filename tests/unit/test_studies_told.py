"""What may be said of few seeds, of seeds looked at unequally, and of schedules of our own."""

import pytest
from msgspec import structs
from test_studies import outcome, outcomes

from deepres.report import study as pages
from deepres.report.as_markdown import markdown
from deepres.report.made import _how
from deepres.report.panels import joint
from deepres.spec import Data, Plan
from deepres.studies.catalogue import study
from deepres.studies.claims import Inequality, judged
from deepres.studies.outcome import Deeper
from deepres.studies.rows import largest
from deepres.studies.study import runs_of
from deepres.tally import Tally

CLAIM = "residual-20 tests better than plain-20"


def verdict(wrong, scale):
    name = "cifar-plain-and-residual"
    found = largest(study(name), outcomes(name, scale, wrong))
    return next(one.verdict for one in found.findings() if one.claim == CLAIM)


def page(found):
    return markdown(pages.content(found), "x")[0]


def test_single_runs_decide_nothing_that_more_seeds_leave_open():
    """The committed seeds of a tenth: one of each lay three points apart, two do not decide."""
    one = {"plain-20": [1671], "residual-20": [1354]}
    two = {"plain-20": [1671, 1518], "residual-20": [1354, 1319]}
    assert verdict(two, "short") == "within noise"
    assert verdict(one, "short") == "within noise"
    assert verdict({"plain-20": [2671], "residual-20": [1354]}, "short") == "holds"
    assert verdict({"plain-20": [1354], "residual-20": [2671]}, "short") == "fails"


def test_the_papers_whole_schedule_needs_less():
    assert verdict({"plain-20": [1171], "residual-20": [854]}, "paper") == "holds"
    assert verdict({"plain-20": [1071], "residual-20": [854]}, "paper") == "within noise"


def test_the_probability_is_that_of_the_verdict():
    low, high = [5.0, 5.1, 5.2], [9.0, 9.1, 9.3]
    (fails,) = judged([Inequality("c", "test error", low, high, 3.0)])
    (holds,) = judged([Inequality("c", "test error", high, low, 3.0)])
    assert (fails.verdict, holds.verdict) == ("fails", "holds")
    assert fails.p == pytest.approx(holds.p) and holds.p < 0.001
    assert "p < 0.001 for the contrary" in fails.found and "contrary" not in holds.found


def test_seeds_that_were_looked_at_tell_of_the_way_and_all_of_the_end():
    ends, looked = [(64, 13.0)], [(16, 40.0), (32, 20.0), (64, 15.0)]
    for curves in ([ends, looked], [looked, ends]):
        assert joint(curves) == [
            (16, 40.0, 40.0, 40.0, 1),
            (32, 20.0, 20.0, 20.0, 1),
            (64, 14.0, 13.0, 15.0, 2),
        ]
    between = joint([[(0, 10.0), (20, 30.0)], [(10, 40.0), (20, 50.0)]])
    assert between == [(0, 10, 10, 10, 1), (10, 30, 20, 40, 2), (20, 40, 30, 50, 2)]
    assert joint([]) == joint([[], []]) == []


def test_data_and_schedule_of_our_own_judge_no_sentence_of_the_paper():
    one = study("table2-on-imagenette")
    pictures = Data(name="folder", train="a" * 64, test="b" * 64)
    made = [outcome(runs_of(one, row, "paper", pictures, 10, [0])[0], 500) for row in one.rows]
    text = page(largest(one, made))
    assert "4 runs on folder, as declared. Data and schedule are ours" in text
    assert "paper scale" not in text.split("## Error while")[0]
    assert "the paper's own schedule and data are not judged" in text


def test_how_far_decay_pulls_is_told_where_it_is_known_beforehand():
    some = largest(study("table6"), outcomes("table6", "short", {"residual-20": [1354]}))
    assert "6,400 of 64,000 steps: rate x decay x steps is 0.034 instead of 0.34, so" in page(some)
    folder = Data(name="folder")
    one = outcome(
        runs_of(study("table2"), study("table2").rows[0], "short", folder, 1000, [0])[0], 9
    )
    assert "60,000 of 600,000 steps, so they are hardly" in page(largest(study("table2"), [one]))


def test_of_a_plan_all_is_told_that_may_change_a_bit():
    assert _how(Plan(threads=2, workers=0, malloc="kept")) == "cpu, eager, 2 threads"
    told = _how(Plan(engine="native", ranks=2, replicas="folded", checkpointed=24))
    assert told == "cpu, native, 1 thread, replicas folded, checkpointed 24, ranks 2"


def test_identities_are_told_where_the_study_asks_for_them():
    shared = outcomes("figure1", "short", {"plain-20": [1671]})
    same = (Tally(10_000, 1671, 0), Tally(10_000, 1671, 0))
    deeper = (Deeper(layers=32, largest_difference=0.0, test=same),)
    shared = [structs.replace(one, deeper=deeper) for one in shared]
    assert "identity layers added" in page(largest(study("existence"), shared))
    assert "identity layers added" not in page(largest(study("figure1"), shared))


def test_rows_not_run_are_named_but_where_the_papers_stand_beside_them():
    some = largest(study("figure6"), outcomes("figure6", "short", {"plain-20": [1671]}))
    text = page(some).split("## How each")[0]
    assert "Declared and not run yet: plain-32" in text
    assert "| residual-1202 |" not in text and "![110 and 1202 layers]" not in text
    whole = page(largest(study("table6"), outcomes("table6", "paper", {"residual-20": [875]})))
    assert "| residual-1202 |" in whole and "| Highway 19 |" in whole


def test_the_papers_errors_stand_beside_short_runs_under_their_own_schedule():
    text = page(largest(study("table6"), outcomes("table6", "short", {"residual-20": [1354]})))
    head, _, row, *beside = text.split("## At the end")[1].strip().splitlines()
    assert "| paper, whole schedule |" in head and "difference" not in head
    assert row.startswith("| residual-20 | 13.54 (1 of 3) | 8.75 | 13.54 |")
    assert any(line.startswith("| Highway 32 |  | 8.80 |") for line in beside)
    other = page(
        largest(
            study("cifar-plain-and-residual"), outcomes("table6", "short", {"residual-20": [1354]})
        )
    )
    assert "| a reproduction, % |" in other.split("## How each")[0].split("schedule of its own:")[1]

"""Studies as values: what they declare, how they scale, which runs are theirs."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from deepres import paper
from deepres.cli.run import _measure
from deepres.errors import UserError
from deepres.models.count import count
from deepres.models.named import named
from deepres.models.zoo import arch
from deepres.report.chart import Axes
from deepres.report.panels import UNIT, panel
from deepres.report.study import page_of, results_markdown
from deepres.runs import pictures
from deepres.runs.declare import Asked, run_of
from deepres.spec import CIFAR, Data, Recipe, Run, scaled
from deepres.studies import catalogue, cost, measures
from deepres.studies.catalogue import STUDIES, study
from deepres.studies.outcome import Deeper, Outcome, add_lines, gathered
from deepres.studies.rows import largest, results
from deepres.studies.study import SCALES, anonymous, at, chosen, in_precision, runs_of, seeds_of
from deepres.tally import Tally

CIFAR10 = Data(name="cifar10", train="a" * 64, test="b" * 64)
TRAINED = [name for name, one in STUDIES.items() if one.kind == "trained"]


def test_studies_are_listed_without_torch():
    code = "import sys, deepres.studies.catalogue as c;"
    code += "print(len(c.STUDIES), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(STUDIES)), "False"]


def test_every_table_and_figure_that_is_promised_is_there():
    promised = [f"table{n}" for n in range(1, 7)] + [f"figure{n}" for n in (1, 4, 6, 7)]
    promised += ["existence", "cifar-plain-and-residual", "table1-on-cifar"]
    promised += ["table2-on-imagenette", "fast"]
    kinds = "replicas momentum images padding statistics decay last-gamma warm-up shortcuts"
    assert set(STUDIES) == {*promised, *(f"ablation-{kind}" for kind in kinds.split())}
    with pytest.raises(UserError, match="Did you mean"):
        study("table66")


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_hangs_together(name):
    one = STUDIES[name]
    rows = [row.name for row in one.rows]
    assert len(set(rows)) == len(rows)
    for claim in one.claims:
        sides = [side for side in (claim.larger, claim.smaller) if isinstance(side, str)]
        assert set(sides) <= set(rows) and len(set(sides)) == len(sides)
    assert all(set(panel.rows) <= set(rows) for panel in one.panels)
    assert {one.baseline} <= {"", *rows}
    for row in one.rows:
        assert arch(row.network).layers > 0
        assert row.grown_from in ("", *rows)


@pytest.mark.parametrize("module", catalogue.MODULES, ids=lambda m: m.STUDY.name)
def test_a_file_tells_its_command_and_its_cost_on_top(module):
    text = ast.get_docstring(ast.parse(Path(module.__file__).read_text()))
    assert f"deepres run {module.STUDY.name}" in text
    if module.STUDY.kind != "counted":
        flat = " ".join(text.split())
        assert f"Cost at paper scale: {cost.told(module.STUDY, 'paper')}." in flat


SMALL = {name for name in cost.MULTIPLY_ADDS if arch(name.partition(" ")[0]).layers < 50}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_costs_are_of_networks_as_they_are_counted(name):
    network, _, small = name.partition(" at ")
    edge = int(small or arch(network).input_size)
    found = count(named(network, 10 if edge == 32 else None, device="meta"), edge)
    assert found.multiply_adds == cost.MULTIPLY_ADDS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(cost.MULTIPLY_ADDS.keys() - SMALL))
def test_costs_are_of_deep_networks_as_they_are_counted(name):
    test_costs_are_of_networks_as_they_are_counted(name)


def test_the_papers_numbers_are_those_of_the_papers_page():
    rows = {row.network: row.paper for row in study("table6").rows}
    for printed in paper.TABLE_6:
        if printed.method == "ResNet":
            assert rows[f"resnet{printed.layers}"].error == printed.error
    assert rows["resnet110"].spread == (6.61, 0.16)
    assert rows["resnet56"].spread is None
    assert [name for name, _ in study("table6").beside] == [
        "Maxout",
        "NIN",
        "DSN",
        "FitNet 19",
        "Highway 19",
        "Highway 32",
    ]
    assert study("table2").row("residual-34").paper.error == 25.03
    assert study("table4").row("residual-152").paper.top5 == 4.49


@pytest.mark.parametrize("network", ["resnet20", "plain56", "resnet110"])
@pytest.mark.parametrize("steps", [None, 6_400])
def test_a_studys_run_is_the_one_that_train_makes(network, steps):
    mine = next(row for row in study("figure6").rows if row.network == network)
    for seed in (0, 2):
        scale = "short" if steps else "paper"
        asked = Asked(steps=steps, seed=seed)
        theirs = run_of(network, CIFAR10, 50_000, 10, asked)
        made = runs_of(study("figure6"), mine, scale, CIFAR10, 10, [seed])[0]
        assert made.key == theirs.key
        assert made.name == theirs.name


def test_studies_share_what_they_share():
    def keys(name):
        one = study(name)
        return {
            run.key
            for row in one.rows
            for run in runs_of(one, row, "paper", CIFAR10, 10, range(row.seeds))
        }

    assert keys("table6") <= keys("figure6")
    assert keys("figure1") <= keys("figure6")
    assert keys("cifar-plain-and-residual") <= keys("figure6")
    assert len(keys("ablation-statistics")) == 5  # both arms are the same runs
    assert len(keys("ablation-replicas") & keys("table6")) == 3


@given(st.sampled_from(TRAINED), st.sampled_from(SCALES), st.integers(0, 5))
def test_every_scale_is_another_run_with_the_same_proportions(name, scale, seed):
    one = study(name)
    for row in one.rows:
        full, made = (runs_of(one, row, each, CIFAR10, 10, [seed])[0] for each in ("paper", scale))
        assert (made.key == full.key) == (scale == "paper")
        if scale == "paper":
            continue
        assert made.recipe.scaled_from is not None
        assert made.recipe.scaled_from.steps == full.recipe.steps
        if scale == "short":
            tenth = scaled(full, full.recipe.steps // 10)
            assert made == structs.replace(tenth, grown_from=made.grown_from)
        assert made.recipe.batch % made.recipe.replicas == 0
        assert seeds_of(row, "smoke") == 1


def test_what_a_run_is_grown_from_is_part_of_its_key_but_for_names():
    one = study("existence")
    run = runs_of(one, one.row("plain-32 grown"), "paper", CIFAR10, 10, [0])[0]
    scratch = runs_of(one, one.row("plain-32"), "paper", CIFAR10, 10, [0])[0]
    assert run.key != scratch.key
    renamed = structs.replace(run.grown_from, name="another")
    assert structs.replace(run, grown_from=renamed).key == run.key
    other = structs.replace(run.grown_from, seed=7)
    assert structs.replace(run, grown_from=other).key != run.key
    assert anonymous(structs.replace(run, grown_from=other)) == anonymous(run)


def test_rows_are_chosen_by_name_or_network_with_what_they_begin_from():
    one = study("existence")
    assert [row.name for row in chosen(one, "plain-44 grown")] == ["plain-20", "plain-44 grown"]
    assert [row.name for row in chosen(study("table6"), "resnet110")] == ["residual-110"]
    with pytest.raises(UserError, match=r"its rows are residual-20, .*residual-1202\.$"):
        chosen(study("table6"), "residual-21")


# -- rows ---------------------------------------------------------------------------------------


def outcome(run: Run, wrong: int, train: int = 100) -> Outcome:
    nothing = Tally(1_000, 10, 0)
    return Outcome(
        key=run.key,
        run=run,
        seconds=1.0,
        images_per_second=1.0,
        while_training=nothing,
        trained_on=Tally(50_000, train, 0),
        test=Tally(10_000, wrong, 0),
        test_running=Tally(10_000, wrong + 5, 0),
        training=((100, 80.0), (200, 20.0)),
        watched=((100, 60.0),),
    )


def outcomes(name, scale, wrong, data=CIFAR10):
    one = study(name)
    return [
        outcome(run, number)
        for row in one.rows
        if row.name in wrong
        for run, number in zip(
            runs_of(one, row, scale, data, 10, range(9)), wrong[row.name], strict=False
        )
    ]


FIVE = [660, 645, 643, 690, 667]


def test_a_row_is_a_reduction_over_all_its_seeds():
    found = largest(study("table6"), outcomes("table6", "paper", {"residual-110": FIVE}))
    row = found.row("residual-110")
    assert found.comparable
    assert row.mean == pytest.approx(6.61)
    assert row.deviation == pytest.approx(0.03645**0.5)
    assert row.best == 6.43
    assert row.difference == pytest.approx(0.0)  # of means: 6.43 is a best of five
    assert row.binomial == pytest.approx(100 * (0.0661 * 0.9339 / 10_000) ** 0.5)
    assert found.row("residual-20").mean is None


def test_runs_in_another_precision_fill_a_study_of_their_own():
    exact = outcomes("table6", "paper", {"residual-20": [875, 880]})
    half = [
        outcome(run, wrong)
        for one, wrong in zip(exact, (860, 870), strict=True)
        for run in [structs.replace(one.run, recipe=structs.replace(CIFAR, precision="bf16"))]
    ]
    told = {
        precision: largest(in_precision(study("table6"), precision), [*exact, *half])
        for precision in ("fp32", "bf16")
    }
    assert told["fp32"].row("residual-20").errors == [8.75, 8.8]
    assert told["bf16"].row("residual-20").errors == [8.6, 8.7]
    assert "bf16" in told["bf16"].study.title


def test_a_short_run_is_never_compared_with_the_paper():
    found = largest(study("table6"), outcomes("table6", "short", {"residual-20": [1500]}))
    assert found.scale == "short"
    assert not found.comparable


def test_figure_4_marks_the_plateaus_of_its_runs():
    one, pictures = study("figure4"), Data(name="folder", train="a" * 64, test="b" * 64)
    (run,) = runs_of(one, one.rows[0], "paper", pictures, 1000, [0])
    found = ((150_000, "plateau"), (300_000, "plateau"), (400_000, "overflow"))
    seen = [outcome(run, 3000), structs.replace(outcome(run, 3000), events=found)]
    drawn = [panel(largest(one, [each]), one.panels[0]) for each in seen]
    marks = [re.findall(r'd="M([\d.]+) 14V280"', figure.svg) for figure in drawn]
    assert marks[0] == []
    axes = Axes("", "", one.rows[0].recipe.steps / UNIT, 0, 60)
    assert marks[1] == [f"{axes.x(step / UNIT):.1f}" for step in (150_000, 300_000)]


def test_pictures_are_a_studys_own_by_their_number_of_classes():
    pictures = Data(name="folder", train="a" * 64, test="b" * 64)
    for name, classes in (("table2", 1000), ("table2-on-imagenette", 10)):
        one = study(name)
        made = [runs_of(one, one.rows[0], "paper", pictures, n, [0])[0] for n in (10, 1000)]
        found = {run.arch.classes: largest(one, [outcome(run, 500)]) for run in made}
        own = {n: results.as_declared for n, results in found.items()}
        assert own == {10: classes == 10, 1000: classes == 1000}
        assert found[1000].comparable == (name == "table2") and not found[10].comparable


def test_the_largest_scale_counts_and_data_are_not_mixed():
    mixed = outcomes("table6", "short", {"residual-20": [1500]})
    mixed += outcomes("table6", "paper", {"residual-20": [870]})
    found = largest(study("table6"), mixed)
    assert (found.scale, found.row("residual-20").errors) == ("paper", [8.7])
    assert largest(study("table6"), mixed, "short").row("residual-20").errors == [15.0]
    hundred = structs.replace(CIFAR10, name="cifar100")
    made = runs_of(study("table6"), study("table6").rows[0], "paper", hundred, 100, [0])[0]
    found = largest(study("table6"), [outcome(made, 3_100)])
    assert (found.data.name, found.comparable) == ("cifar100", False)
    other = structs.replace(CIFAR10, train="c" * 64)
    two = outcomes("table6", "paper", {"residual-20": [870, 880]})
    two += outcomes("table6", "paper", {"residual-20": [100]}, other)
    found = largest(study("table6"), two)
    assert (found.row("residual-20").errors, found.left_out) == ([8.7, 8.8], 1)
    assert "1 of other pictures under the same name are left out" in page_of(found)


def test_the_largest_scale_counts_before_the_studys_own_data():
    other = Data(name="synthetic")
    mixed = outcomes("table6", "short", {"residual-20": [1500]})
    mixed += outcomes("table6", "paper", {"residual-20": [870]}, other)
    found = largest(study("table6"), mixed)
    assert (found.scale, found.data.name) == ("paper", "synthetic")
    assert "numbers are of cifar10." in page_of(found)
    assert "numbers are of cifar10." in page_of(largest(study("table6"), [], None, "cifar100"))


def test_no_runs_at_all_is_the_declaration():
    found = largest(study("table6"), [])
    assert (found.scale, found.data.name, found.runs) == ("paper", "cifar10", 0)
    assert {finding.verdict for finding in found.findings()} == {"within noise"}


def test_claims_speak_of_the_error_that_they_name():
    wrong = {"residual-56": [700, 690, 710], "residual-110": FIVE, "residual-1202": [793]}
    found = largest(study("table6"), outcomes("table6", "paper", wrong))
    told = {finding.claim: finding.verdict for finding in found.findings()}
    assert told["residual-110 tests better than residual-56"] == "holds"
    assert told["residual-1202 tests worse than residual-110"] == "holds"  # 110's spread tells
    assert told["residual-1202 trains to below 0.1 %"] == "fails"  # 0.2 % of 50,000, far above
    assert told["residual-32 tests better than residual-20"] == "within noise"


def test_numbers_of_the_papers_runs_judge_no_others():
    wrong = {"plain-20": [950], "plain-56": [1350], "plain-110": [7_000], "residual-1202": [793]}
    claim = "plain-110 stays above 60 % (test error)"
    for scale, data in (("short", CIFAR10), ("paper", Data(name="synthetic")), ("paper", CIFAR10)):
        found = largest(study("figure6"), outcomes("figure6", scale, wrong, data))
        told = {one.claim: one for one in found.findings()}
        assert told[claim].undecided == (not found.comparable)
        assert told["residual-1202 trains to below 0.1 %"].undecided == (not found.comparable)
        assert told["plain-56 trains worse than plain-20 (clean training error)"].undecided is False
    assert told[claim].verdict == "holds"


def test_the_lowest_error_seen_may_be_the_last():
    made = outcomes("figure1", "paper", {"plain-20": [950, 6_500]})
    assert largest(study("figure1"), made).row("plain-20").lowest_seen == (9.5 + 60.0) / 2


def test_notes_and_digits_are_printed_as_the_paper_has_them():
    four, five = (page_of(largest(study(name), [])) for name in ("table4", "table5"))
    assert "- / 8.43 (test set)" in four
    assert "24.4 / 7.1<" in four
    assert "ResNet, all six averaged" in five
    assert "- / 3.57 (test set)" in five
    assert "- / 6.8 (test set)" in five
    six = page_of(largest(study("table6"), outcomes("table6", "paper", {"residual-20": [875]})))
    assert "6.43 (6.61 ± 0.16)" in six
    assert "7.93 (training error &lt; 0.1)" in six
    assert ">19.4M<" in six
    one = largest(study("figure1"), outcomes("figure1", "paper", {"plain-20": [950]}))
    assert "about 9.5, read off Fig. 6 by others" in page_of(one)
    assert one.row("plain-20").difference is None, "nothing is subtracted from what is about"


def test_others_numbers_stand_beside_ours_only_where_they_compare():
    name = "table1-on-cifar"
    made = outcomes(name, "paper", {"residual-18": [2_700]})
    whole = page_of(largest(study(name), made))
    assert ">27.00 (1); top-5 0.00 (1)<" in whole
    assert ">26.93 / 2.89<" in whole
    short = largest(study(name), outcomes(name, "short", {"residual-18": [9]}))
    text, _ = results_markdown(short, "f")
    (ours,) = (line for line in text.splitlines() if line.startswith("| residual-18 | 0.09"))
    assert "26.93" not in ours
    assert "| residual-18 | 26.93 / 2.89 |" in text


def test_smoke_runs_decide_nothing_but_that_identities_are_identities():
    one = study("existence")
    made = outcomes("existence", "smoke", {"plain-20": [100], "plain-32": [9_000]})
    same = Deeper(layers=32, largest_difference=1e-6, test=(Tally(9, 1, 0), Tally(9, 1, 0)))
    apart = Deeper(layers=44, largest_difference=1e-4, test=(Tally(9, 1, 0), Tally(9, 1, 0)))
    made[0] = structs.replace(made[0], deeper=(same, apart))
    told = largest(one, made).findings()
    assert [finding.verdict for finding in told] == ["holds", "fails"] + ["within noise"] * 4


def test_an_ablation_tells_what_it_could_have_shown():
    name = "ablation-momentum"
    wrong = {"Caffe's": [870, 890, 880], "Nesterov's": [800, 820, 810], "torch's": [875]}
    found = results(study(name), outcomes(name, "paper", wrong), "paper", CIFAR10, 10)
    test = found.against_baseline(found.row("Nesterov's"))
    assert test.difference == pytest.approx(-0.7)
    assert 0.25 < test.smallest < 0.35
    assert found.against_baseline(found.row("torch's")) is None
    assert found.against_baseline(found.row("Caffe's")) is None


def test_running_statistics_are_another_measure_of_the_same_runs():
    name = "ablation-statistics"
    made = outcomes(name, "paper", {"population": [820, 880, 940]})
    moved = [
        structs.replace(one, test_running=Tally(10_000, one.test.top1 + more))
        for one, more in zip(made, (4, 5, 6), strict=True)
    ]
    found = largest(study(name), moved)
    assert found.row("population").errors == [8.2, 8.8, 9.4]
    assert found.row("running").errors == [8.24, 8.85, 9.46]
    assert found.runs == 3
    # run by run: differences of 0.04, 0.05 and 0.06, whatever lies between the seeds
    test = found.against_baseline(found.row("running"))
    assert test.difference == pytest.approx(0.05)
    assert test.error == pytest.approx(0.01 / 3**0.5)
    assert (test.freedom, test.smallest < 0.04) == (2, True)


def test_gradients_are_claimed_of_the_first_layer_against_the_last():
    made = [
        structs.replace(one, gradients=norms)
        for one, norms in zip(
            outcomes("figure1", "paper", {"plain-56": [1_300, 1_310, 1_290]}),
            ((4.0, 2.0), (6.0, 2.0), (5.0, 2.0)),
            strict=True,
        )
    ]
    told = {one.claim: one for one in largest(study("figure1"), made).findings()}
    (finding,) = (one for claim, one in told.items() if claim.startswith("gradients do not vanish"))
    assert finding.verdict == "holds"
    assert finding.found.startswith("2.50 ± 0.50 (n = 3) against 0.01 gradient of the first layer")
    faded = [structs.replace(one, gradients=(1e-6, 2.0)) for one in made[:1]]
    told = {one.claim: one.verdict for one in largest(study("figure1"), faded).findings()}
    assert told[finding.claim] == "fails"


def test_an_ablations_page_tells_p_of_both_directions():
    name = "ablation-momentum"
    wrong = {"Caffe's": [870, 890, 880], "Nesterov's": [800, 820, 810], "torch's": [875]}
    text = page_of(largest(study(name), outcomes(name, "paper", wrong)))
    found = largest(study(name), outcomes(name, "paper", wrong))
    below = 1 - found.against_baseline(found.row("Nesterov's")).p
    assert "p, two-sided" in text
    assert f'data-head="p, two-sided">{2 * below:.3f}</td></tr>' in text
    assert "takes 2 seeds an arm" in text


@pytest.mark.parametrize(
    ("scale", "seeds", "rows", "members"),
    [("paper", None, 5, 6), ("paper", 3, 5, 6), ("paper", None, 1, 0), ("smoke", None, 5, 5)],
)
def test_an_ensemble_is_of_the_declared_members(monkeypatch, tmp_path, scale, seeds, rows, members):
    one, made = study("table5"), []
    data = Data(name="imagenette")
    found = [
        SimpleNamespace(row=row, run=run, folder=tmp_path / run.key, finished=True)
        for row in one.rows[:rows]
        for run in runs_of(one, row, scale, data, 10, range(seeds_of(row, scale, seeds)))
    ]
    monkeypatch.setattr(pictures, "as_declared", lambda *_: SimpleNamespace(test=()))
    monkeypatch.setattr(measures, "keep_views", lambda *_: None)
    monkeypatch.setattr(measures, "keep_ensemble", lambda folders, keys, *_: made.append(keys))
    _measure(one, scale, found, "imagenette")
    assert [len(keys) for keys in made] == ([members] if members else [])


def test_panels_of_a_figure_share_their_axis():
    wrong = {"plain-56": [5_500], "residual-20": [1_350]}
    found = largest(study("figure6"), outcomes("figure6", "short", wrong))
    plain, residual, _ = (panel(found, one).svg for one in found.study.panels)
    assert ">60<" in plain and ">60<" in residual
    alone = largest(study("figure6"), outcomes("figure6", "short", {"residual-20": [1_350]}))
    assert ">60<" not in panel(alone, alone.study.panels[1]).svg


def test_a_readme_shows_what_was_run_and_names_what_was_not():
    wrong = {"plain-20": [950, 960], "plain-56": [1350, 1360], "residual-20": [875]}
    found = largest(study("figure6"), outcomes("figure6", "short", wrong))
    text, charts = results_markdown(found, "fig6")
    assert "| plain-20 | 9.55 ± 0.07 (2 of 3)" in text
    assert not re.search(r"^\| (plain-32|residual-110) ", text, re.M)
    assert len(charts) == 2, "the panel of 110 and 1202 layers would be empty"
    claims = {one.claim: one for one in found.findings() if not one.undecided}
    assert len(claims) == 2
    for claim, one in claims.items():
        assert f"| {claim} | {one.found} | {one.verdict} |" in text, "as the whole study judges it"
    assert "not run yet: plain-32, plain-44, plain-110, residual-32" in text
    assert f"and {len(study('figure6').claims) - 2} claims about them." in text
    whole, _ = results_markdown(largest(study("figure1"), outcomes("figure1", "short", wrong)), "f")
    assert "Declared and not run yet" not in whole


def test_lines_of_results_come_back_and_each_key_stands_once(tmp_path):
    made = outcomes("table6", "paper", {"residual-20": [870, 880], "residual-110": FIVE})
    path = tmp_path / "cifar10.jsonl"
    assert add_lines(path, made[:3]) == 3
    assert add_lines(path, made) == 7
    assert len(path.read_bytes().splitlines()) == 7
    assert sorted(gathered([path, path]), key=lambda o: o.key) == sorted(made, key=lambda o: o.key)
    assert not re.search(rb"/(root|home|tmp|work)\b", path.read_bytes())
    path.write_bytes(b'{"key": 3}\n')
    with pytest.raises(UserError, match=r"cifar10\.jsonl, line 1, is no finished run"):
        gathered([path])


NOTHING_SEEN, TOO_MANY, TOP5_ABOVE = Tally(0, 0, 0), Tally(10, 20, 0), Tally(10, 2, 3)


@pytest.mark.parametrize("tally", [NOTHING_SEEN, TOO_MANY, TOP5_ABOVE, Tally(10, -1, -1)])
@pytest.mark.parametrize("which", ["test", "trained_on", "held_out", "while_training"])
def test_lines_with_counts_that_cannot_be_are_refused(tmp_path, which, tally):
    (made,) = outcomes("table6", "paper", {"residual-20": [870]})
    path = tmp_path / "results.jsonl"
    add_lines(path, [structs.replace(made, **{which: tally})])
    with pytest.raises(UserError, match=r"line 1, is no finished run: .* wrong of \d+ cannot be"):
        gathered([path])


def test_a_line_under_anothers_key_is_refused_and_blank_lines_are_none(tmp_path):
    made = outcomes("table6", "paper", {"residual-20": [870, 880]})
    path = tmp_path / "results.jsonl"
    add_lines(path, made)
    path.write_bytes(b"\n" + path.read_bytes() + b"  \n")
    assert len(gathered([path])) == 2
    add_lines(path, [structs.replace(made[0], key="0" * 12)])
    with pytest.raises(UserError, match=r"its key is 000000000000, that of its run "):
        gathered([path])


def test_scaling_is_one_function():
    run = Run(name="x", arch=arch("resnet20"), data=CIFAR10, recipe=CIFAR)
    assert at(run, "paper") is run
    assert at(run, "short").recipe == Recipe(steps=6_400, drops=(3_200, 4_800), scaled_from=CIFAR)
    small = at(run, "smoke")
    assert small.data.train_images > 0
    assert small.data.test_images > 0
    assert small.recipe.batch < 128
    assert small.protocol.statistics_images < 10_000

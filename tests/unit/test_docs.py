"""The pages' own checks: no number that is not glued, no item without code or a reason."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from docs.made import founded, items, prose, results, sentences, tables, values
from docs.made.pictures import ours, printed
from msgspec import structs

from deepres import paper
from deepres.models.zoo import arch
from deepres.spec import Data, Run, scaled
from deepres.studies.outcome import Outcome, add_lines
from deepres.tally import Tally

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {page.name if page.parent == DOCS else page.stem: page for page in prose.pages(DOCS)}
ROLE = re.compile(r"\{(paper|ours|result)\}`([^`]+)`")


@pytest.mark.parametrize("name", PAGES)
def test_no_number_in_prose_is_typed(name):
    assert prose.loose(PAGES[name].read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "It has 34 layers.",
        "An error of 28.54 %.",
        "| plain | 28.54 |",
        "# A heading with 7 in it",
        "See Table 15.",  # the paper has fourteen
        "See Sec. 3.5.",
        "A window of 33x33.",  # no network has such a map
        ":::{admonition} What 3 people found\n:class: later\nText.\n:::",
        "```{picture} block\nA caption with 64 channels.\n```",
        ":::{container} one\n25.03 %\n:::",
        "[an error of 6.97](https://example.org)",
        "1e-4 is small",
        "Table 6 and 7 % better",
        "See Fig. 4 and 7 errors.",
        "an error-8.75 %, of-75%",
        "`6.97` %, $6.97$ %",
    ],
)
def test_a_typed_number_is_found(text):
    assert prose.loose(text)


@pytest.mark.parametrize(
    "text",
    [
        "Sec. 3.4, Secs. 3.3 and 3.4, Eqn (1), Eqns (1) and (2), Tables 7 to 14, Figs. 1, 6 and 7",
        "ResNet-56 and plain-20, VGG-16, CIFAR-10, conv2_x, v1.5, resnet50-v1.5-cifar",
        "3x3 on maps of 32x32, windows of 224x224",
        "{paper}`TABLE_2/plain34` % and {ours}`parameters resnet20`",
        "`--steps 6400` and\n```console\n$ deepres count resnet50 --size 64\n```",
        "[a link](https://arxiv.org/abs/1512.03385)",
        "6n+2 layers, 2n in each stage, in 2015",
        "```{literalinclude} ../x.py\n:lines: 3-9\n```",
    ],
)
def test_citations_names_shapes_and_glue_are_allowed(text):
    assert prose.loose(text) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_glued_number_is_found(name):
    for role, words in ROLE.findall(PAGES[name].read_text()):
        assert values.ROLES[role](words).strip()


def test_numbers_that_are_not_there_are_errors():
    for role, words in (
        ("paper", "TABLE_2/plain35"),
        ("paper", "TABLE_3/GoogLeNet/top1"),  # the paper prints a dash
        ("paper", "TABLE_2"),
        ("ours", "parameters resnet21x"),
        ("ours", "steps"),
        ("result", "testing resnet20"),
    ):
        with pytest.raises((KeyError, AttributeError, ValueError)):
            values.ROLES[role](words)


def test_the_papers_numbers_come_out_as_it_prints_them():
    assert values.paper("TABLE_6/ResNet-110/spread/mean") == "6.61"
    assert values.paper("TABLE_3/resnet50/top1") == "22.85"
    assert values.paper("TABLE_6/Highway-32/error") == "8.80"
    assert values.paper("TABLE_4/VGG v5/top1") == "24.4"
    assert values.paper("IMAGENET_IMAGES/0") == "1,280,000"
    assert values.paper("TABLE_1_MULTIPLY_ADDS/34|e9") == "3.6e9"


def test_what_the_abstract_computes():
    assert values.ours("vgg times") == "8"
    assert values.ours("coco gain") == "28 %"
    assert values.ours("vgg share") == "18 %"
    assert values.ours("localisation gain") == "64 %"
    assert values.ours("shared layers") == "91"
    assert values.ours("shortcuts resnet110") == "54"
    assert values.ours("cifar epochs") == "164"


def test_tables_print_the_papers_numbers():
    """Compared with the tables of the paper as retold independently, cell by cell."""
    assert tables.table_2()[1] == [("18 layers", "27.94", "27.88"), ("34 layers", "28.54", "25.03")]
    third = {row[0]: row[1:] for row in tables.TABLES["table3"]()[1]}
    assert third["resnet34-c"] == ("24.19", "7.40")
    assert third["GoogLeNet"] == ("–", "9.15")
    fourth = {row[0]: row[1:] for row in tables.TABLES["table4"]()[1]}
    assert fourth["resnet152"] == ("19.38", "4.49")
    assert fourth["VGG v5"] == ("24.4", "7.1")
    assert fourth["VGG (ILSVRC'14)"] == ("–", "8.43 (test set)")
    assert dict(tables.table_5()[1])["ResNet"] == "3.57"
    assert dict(tables.table_5()[1])["VGG v5"] == "6.8"
    assert "test set" in tables.table_5()[0][1]
    assert tables.reproduction()[1][0] == ("20", "9.5", "8.0", "8.75")
    sixth = [row[3] for row in tables.table_6()[1]]
    assert sixth[-2:] == ["6.43 (6.61 ± 0.16)", "7.93"]
    first = {row[0]: row[1:3] for row in tables.table_1()[1]}
    assert first["resnet34-a"] == ("3.6e9", "3.64e9")
    assert first["resnet50"] == ("3.8e9", "3.86e9")


def test_claims_of_table_2():
    t = paper.TABLE_2
    assert t["plain34"] > t["plain18"]
    assert t["resnet34-a"] < t["resnet18-a"]
    assert t["resnet34-a"] < t["plain34"]
    assert abs(t["resnet18-a"] - t["plain18"]) < 0.1


def test_claims_of_table_3():
    top1 = {name: error.top1 for name, error in paper.TABLE_3.items()}
    order = ("resnet34-a", "resnet34", "resnet34-c", "resnet50", "resnet101", "resnet152")
    errors = [top1[name] for name in order]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] - errors[2] < errors[0] - errors[1]


def test_claims_of_table_6():
    errors = {row.layers: row.error for row in paper.TABLE_6 if row.method == "ResNet"}
    assert errors[20] > errors[32] > errors[44] > errors[56] > errors[110]
    assert errors[1202] > errors[110]


def test_the_index_is_whole_and_founded():
    assert founded.unfounded() == []
    assert len(sentences.SENTENCES) == founded.CHECKABLE


@pytest.mark.parametrize(
    "change, said",
    [
        ({"code": (), "reason": ""}, "neither code nor a reason"),
        ({"code": ("src/deepres/spec.py:Nothing",)}, "is not there"),
        ({"tests": ("tests/unit/test_spec.py::test_nothing",)}, "is not there"),
        ({"tests": ()}, "code and no test"),
        ({"page": "nowhere"}, "no page"),
        ({"name": "Table 1 and a half"}, "Table 1 is missing"),
    ],
)
def test_an_item_without_foundation_is_named(change, said):
    broken = [
        dataclasses.replace(item, **change) if item.name == "Table 1" else item
        for item in items.ITEMS
    ]
    assert any(said in sentence for sentence in founded.unfounded(tuple(broken)))


@pytest.mark.parametrize("item", items.ITEMS, ids=lambda item: item.name)
def test_an_item_is_cited_on_its_page(item):
    """By its own spelling; a sentence stands in the index alone."""
    text = (DOCS / "companion" / f"{item.page.partition('#')[0]}.md").read_text()
    if item in sentences.SENTENCES or item.name == "Abstract":
        return
    if item.name.startswith("Appendix"):
        assert item.name in text
    else:
        assert item.name in prose.cited(text.replace("**", ""))


def test_code_in_the_companion_is_never_pasted():
    for page in PAGES.values():
        assert not re.search(r"^`{3,}(python|py)\b", page.read_text(), re.M), page


def line(tmp_path, **changed):
    """A committed line of a finished run."""
    told = {
        "key": changed.pop("key", "abc"),
        "run": {
            "name": "plain20-cifar10",
            "arch": {
                "stem": "3x3",
                "block": "basic",
                "depths": [3, 3, 3],
                "widths": [16, 32, 64],
                "shortcut": "none",
            },
            "data": {"name": "cifar10"},
            "recipe": changed.pop("recipe", {}),
            "seed": changed.pop("seed", 0),
        },
        "trained_on": {"seen": 50_000, "top1": 500, "top5": 0},
        "test": {"seen": 10_000, "top1": changed.pop("wrong", 900), "top5": 0},
    }
    with (tmp_path / "runs.jsonl").open("a") as file:
        file.write(json.dumps(told) + "\n")


SHORT = {"steps": 6400, "drops": [3200, 4800], "scaled_from": {}}


def test_results_are_read_and_stamped(tmp_path, monkeypatch):
    line(tmp_path, recipe=SHORT, key="a", wrong=1_000)
    line(tmp_path, recipe=SHORT, key="b", wrong=1_200, seed=1)
    line(tmp_path, recipe=SHORT, key="b", wrong=1_200, seed=1)  # the same run twice
    line(tmp_path, recipe=SHORT | {"momentum_form": "torch"}, key="c", wrong=5_000)
    found = results.finished(tmp_path)
    monkeypatch.setattr(results, "finished", lambda: found)
    (mine,) = results.as_the_paper().values()
    assert [run.test_error for run in mine] == [10.0, 12.0]
    assert results.told(mine[0]) == "6,400 iterations of 64,000"


def test_a_whole_schedule_is_never_mixed_with_a_short_one(tmp_path, monkeypatch):
    line(tmp_path, recipe=SHORT, key="a", wrong=1_000)
    line(tmp_path, key="whole", wrong=900)
    found = results.finished(tmp_path)
    monkeypatch.setattr(results, "finished", lambda: found)
    (mine,) = results.as_the_paper().values()
    assert [run.test_error for run in mine] == [9.0]


def test_what_was_not_run_says_so(monkeypatch):
    monkeypatch.setattr(values, "as_the_paper", dict)
    assert values.result("test resnet20") == "not run yet"
    assert values.result("training plain56") == "not run yet"


def outcome(network, steps, wrong, seed=0):
    """A finished run as studies write it down."""
    run = scaled(Run(name=network, arch=arch(network), data=Data(name="cifar10"), seed=seed), steps)
    return Outcome(
        key=run.key,
        run=run,
        seconds=1.0,
        images_per_second=1.0,
        while_training=Tally(100, 30),
        trained_on=Tally(50_000, 5_000),
        test=Tally(10_000, wrong),
        test_running=Tally(10_000, wrong),
        training=((100, 50.0), (steps, 10.0)),
        watched=((100, 60.0), (steps, 12.0)),
        responses=(1.0, 0.5, 0.8),
    )


def test_a_network_that_trains_badly_is_within_its_figure(tmp_path, monkeypatch):
    """Of a tenth of the steps plain-56 is still above 50 %: an axis to 20 or 40 would hide it."""

    def drawn(wrong):
        place = tmp_path / str(wrong)
        place.mkdir()
        runs = [outcome("plain56", 6_400, wrong), outcome("resnet56", 6_400, 1_000)]
        add_lines(place / "runs.jsonl", runs)
        found = {run.network: [run] for run in results.finished(place)}
        monkeypatch.setattr(ours, "as_the_paper", lambda: found)
        return ours.figure_1().svg

    assert ">20</text>" in drawn(1_500)
    assert ">30</text>" not in drawn(1_400)
    assert ">60</text>" in drawn(5_600)
    assert ours.figure_6().svg.count(">60</text>") == 2, "side by side on one axis"


def test_lines_that_studies_write_fill_tables_and_figures(tmp_path, monkeypatch):
    runs = [outcome("plain20", 6_400, 1_100), outcome("plain56", 6_400, 1_500)]
    runs += [outcome("resnet20", 6_400, wrong, seed) for seed, wrong in enumerate((900, 1_100))]
    add_lines(tmp_path / "runs.jsonl", runs)
    found = results.finished(tmp_path)
    monkeypatch.setattr(results, "finished", lambda: found)
    stamp = "6,400 iterations of 64,000"
    assert values.result("test resnet20") == f"10.00 ± 1.41 % (2 runs, {stamp})"
    assert values.result("training plain56") == f"10.00 % (1 run, {stamp})"
    assert values.result("test resnet32") == "not run yet"
    rows = {row[0]: row[1:] for row in tables.plain_and_residual()[1]}
    assert rows["plain56"] == (f"10.00 % (1 run, {stamp})", f"15.00 % (1 run, {stamp})")
    drawn = ours.figure_1()
    assert stamp in drawn.svg
    assert "</svg>plain56</li>" in drawn.svg
    assert "resnet56" in ours.figure_6().alt  # and that it was not run
    assert "not run yet" in ours.figure_6().alt
    assert stamp in ours.figure_7().svg


def drawn_from(tmp_path, monkeypatch, runs):
    """Figures of these runs and no others."""
    add_lines(tmp_path / "runs.jsonl", runs)
    found = results.finished(tmp_path)
    monkeypatch.setattr(results, "finished", lambda: found)


def test_a_network_keeps_its_colour_and_a_single_look_is_a_dot(tmp_path, monkeypatch):
    runs = [outcome("plain56", 6_400, 5_500), outcome("resnet110", 6_400, 900)]
    runs.append(structs.replace(outcome("resnet20", 6_400, 1_000), watched=()))
    drawn_from(tmp_path, monkeypatch, runs)
    svg = ours.figure_6().svg
    legends = re.findall(r"<li>(.*?)</li>", svg)
    assert [re.sub("<.*>", "", one) for one in legends] == [
        "plain56",
        "resnet20",
        "resnet110",
        "resnet110",
    ]
    assert ["<circle" in one for one in legends] == [False, True, False, False]
    assert [re.search(r"--s(\d)", one)[1] for one in legends] == ["2", "1", "3", "3"]
    assert len(set(ours.COLOURS.values())) == len(ours.COLOURS)


def test_figure_6_has_the_panels_of_which_something_was_run(tmp_path, monkeypatch):
    drawn_from(tmp_path, monkeypatch, [outcome("plain56", 6_400, 5_500)])
    titles = re.findall(r"<figcaption>(.*?)</figcaption>", ours.figure_6().svg)
    assert titles == ["Plain networks"]
    for gone in ("Residual networks", "110 and 1202 layers"):
        assert f"left out, not run yet: the panel “{gone}”" in ours.figure_6().alt


def test_figure_7_has_both_orders_and_names_what_is_missing(tmp_path, monkeypatch):
    drawn_from(tmp_path, monkeypatch, [outcome("plain20", 6_400, 1_500)])
    made = ours.figure_7()
    assert made.svg.count("<figcaption>") == 2
    assert "not measured here: plain56, resnet20, resnet56, resnet110" in made.svg
    as_they_come, by_size = re.findall(
        r'<path d="M([^"]*)" fill="none" stroke="var\(--s1\)"', made.svg
    )
    assert as_they_come != by_size
    heights = [float(place.split()[1]) for place in by_size.split("L")]
    assert heights == sorted(heights), "largest first: downwards"


def test_short_runs_do_not_stand_in_table_6(tmp_path, monkeypatch):
    runs = [outcome("resnet20", 6_400, 1_354), outcome("resnet32", 64_000, 750)]
    drawn_from(tmp_path, monkeypatch, runs)
    mine = {row[1]: row[4] for row in tables.table_6()[1] if row[0] == "ResNet"}
    assert mine["20"] == "not run yet"
    assert mine["32"] == "7.50 % (1 run, 64,000 iterations)"
    assert "64,000 iterations" in tables.table_6()[0][4]


def test_what_compares_for_110_layers_is_the_mean():
    svg = printed.table_6().svg
    assert ">6.61 ± 0.16</text>" in svg
    assert "6.43" not in svg


def test_others_numbers_are_not_said_to_be_the_papers():
    assert values.source_of("paper", "TABLE_6/ResNet-20/error") == "printed by the paper"
    assert values.source_of("paper", "FIGURE_6_PLAIN_ABOUT/56") == "reported by others"

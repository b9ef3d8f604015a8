"""deepres run and report: what is finished stays, what was stopped goes on; pages are true."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from shutil import copy

import pytest
from filelock import FileLock

from deepres.cli.demo import digits
from deepres.cores import usable
from deepres.models.named import named
from deepres.responses import deviations, normalised_3x3
from deepres.runs.folder import Folder, read, write
from deepres.runs.provenance import Provenance
from deepres.runs.result import Result
from deepres.spec import Run
from deepres.studies import carrying
from deepres.studies.carrying import wanted
from deepres.studies.catalogue import STUDIES, study
from deepres.studies.outcome import folders, outcome_of, read_lines
from deepres.studies.runner import Ended, attempted
from deepres.studies.study import runs_of
from deepres.tally import Tally

FIGURE_1 = ("run", "figure1", "--scale", "smoke", "--data", "digits")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Fig. 1 at smoke scale, by the command."""
    runs = tmp_path_factory.mktemp("studies") / "runs"
    words = [sys.executable, "-m", "deepres", *FIGURE_1, "--runs", runs, "--jobs", "2", "--json"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return runs, json.loads(done.stdout), done.stderr


def test_a_study_answers_with_rows_and_verdicts(ran):
    runs, answer, _ = ran
    assert (answer["study"], answer["scale"], answer["data"]) == ("figure1", "smoke", "digits")
    assert [row["name"] for row in answer["rows"]] == ["plain-20", "plain-56"]
    for row in answer["rows"]:
        assert (row["n"], row["scale"], row["difference"]) == (1, "smoke", None)
        folder = folders(runs)[row["keys"][0]]
        assert row["errors"] == [folder.finished().test.top1_error]
        norms = outcome_of(folder).gradients  # of every convolution
        assert len(norms) == int(row["network"].removeprefix("plain")) - 1
        assert min(norms) > 0
    assert {claim["verdict"] for claim in answer["claims"]} == {"within noise"}
    assert len(answer["claims"]) == len(STUDIES["figure1"].claims)
    assert Path(answer["report"]).read_text().startswith("<!doctype html>")


def test_what_is_finished_is_not_run_again_wherever_it_lies(ran, command):
    runs, before, _ = ran
    first = sorted(runs.glob("*/run.json"))[0].parent
    other = first.rename(runs / "a name of my own")
    try:
        status, out, err = command(*FIGURE_1, "--runs", runs, "--json")
    finally:
        other.rename(first)
    assert status == 0
    assert json.loads(out)["rows"] == before["rows"]
    assert "2 runs, 2 finished" in err
    assert "epoch" not in err


def test_figures_that_share_runs_share_their_folders(ran):
    runs, *_ = ran
    for name in ("figure6", "cifar-plain-and-residual", "existence"):
        made = wanted(study(name), study(name).rows, "smoke", digits(), 10, runs)
        assert sum(one.finished for one in made) == 2


@pytest.mark.slow
def test_a_run_that_another_process_holds_is_left_out_with_a_sentence(tmp_path):
    made = wanted(study("figure1"), study("figure1").rows[:1], "smoke", digits(), 10, tmp_path)
    folder = made[0].folder
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"):
        tasks = carrying.tasks(made, "digits", "smoke", 1)
        told = [message for _, message in attempted(tasks, 1)]
    assert isinstance(told[-1], Ended)
    assert told[-1].held
    assert "is held by another process" in told[-1].why


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")
def test_a_study_that_is_stopped_goes_on(tmp_path):
    words = [sys.executable, "-m", "deepres", "run", "figure1", "--scale", "short", "--data"]
    words += ["digits", "--only", "plain-20", "--seeds", "1", "--runs", str(tmp_path), "--json"]

    def until(stop):
        running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        seen = []
        for line in running.stderr:
            seen.append(line)
            if "images/s" in line:
                break
        running.send_signal(stop)
        out, err = running.communicate(timeout=100)
        assert out == "" and "Traceback" not in err
        return running.returncode, "".join([*seen, err])

    status, err = until(signal.SIGTERM)
    assert (status, err.count("the same command goes on")) == (143, 1)
    states = list(tmp_path.glob("*/state/*.json"))
    assert states
    status, err = until(signal.SIGINT)
    assert status == 130
    assert "Going on after step" in err
    step = max(int(path.stem) for path in tmp_path.glob("*/state/*.json"))
    assert step > min(int(path.stem) for path in states)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "figure11"), "There is no study 'figure11'. Did you mean figure1"),
        (("run", "figure1", "--scale", "tiny"), "choose one of smoke, short, paper"),
        (("run", "figure1", "--only", "plain-21", "--data", "digits"), "its rows are plain-20"),
        (("run", "figure1", "--on", "mars"), "--on mars"),
        (("run", "figure1", "--on", "ray", "--device", "cpu"), "leave one of them out"),
        (("run", "figure1", "--device", "tpu"), "cpu, cuda, cuda:1 and mps are devices"),
        (("run", "figure1", "--precision", "fp8"), "runs are in fp32, bf16 or fp16"),
        (("report", "figure1", "--precision", "fp8"), "runs are in fp32, bf16 or fp16"),
        (("run", "table1", "--device", "cpu"), "table1 trains nothing"),
        (("run", "table1", "--seeds", "3"), "table1 trains nothing"),
        (("run", "table1", "--data", "cifar10"), "table1 trains nothing"),
        (("run", "table2", "--data", "digits"), "table2 takes pictures of any size"),
        (("report", "table1", "--precision", "bf16"), "table1 trains nothing"),
        (("report", "figure11"), "There is no study 'figure11'."),
        (("run", "table1", "--only", "resnet20"), "its rows are 18 layers, 34"),
        (("run", "figure1", "--data", "digits", "--runs", "file"), "--runs file is no folder"),
        (("report", "figure1", "--weights", "x"), "--weights is for figure7"),
        (("report", "figure1", "--runs", "typo"), "--runs typo: there is no such folder"),
        (("report", "figure1", "--data", "cifar11"), "one of cifar10, cifar100"),
        (("report", "figure1", "--out", "x.pdf"), "ends in .html or .md or .jsonl"),
        (("report", "figure1", "--out", "."), "a file's name is wanted"),
        (("report", "table1", "--out", "x.jsonl"), "ends in .html or .md."),
        (("report", "runs/typo"), "no such folder of a run"),
        (("report", "."), "`deepres report STUDY --runs .` makes a page"),
    ],
)
def test_what_cannot_be_asked_for_is_a_sentence(command, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def finished(runs, scale, errors):
    """Folders of finished runs of Fig. 1 with these errors of training and test, a seed each."""
    one = study("figure1")
    for row, wrong in zip(one.rows, errors, strict=True):
        made = runs_of(one, row, scale, digits(), 10, range(len(wrong)))
        for run, count in zip(made, wrong, strict=True):
            folder = Folder(runs / f"{run.name}-{run.key}")
            folder.path.mkdir(parents=True)
            write(folder.run, run)
            many = Tally(10_000, count)
            result = Result(
                key=run.key,
                steps=run.recipe.steps,
                seconds=1.0,
                images_per_second=1.0,
                while_training=many,
                trained_on=many,
                held_out=None,
                test=many,
                test_running=many,
                classes=("a", "b"),
                confusion=((1, 0), (0, 1)),
                mistakes=(),
            )
            write(folder.result, result)
            (folder.path / "gradients.json").write_text("[3.0, 1.0]")


SHALLOW, DEEP = (900, 910, 920), (1_300, 1_310, 1_320)


@pytest.mark.parametrize(
    ("scale", "errors", "verdict", "ends"),
    [
        ("paper", (SHALLOW, DEEP), "holds", 0),
        ("paper", (DEEP, SHALLOW), "fails", 1),
        ("paper", (SHALLOW, SHALLOW), "within noise", 0),
        ("short", (DEEP, SHALLOW), "fails", 0),
    ],
)
def test_a_claim_that_fails_at_paper_scale_ends_the_command_with_1(
    command, tmp_path, scale, errors, verdict, ends
):
    finished(tmp_path, scale, errors)
    words = ("run", "figure1", "--scale", scale, "--data", "digits", "--runs", tmp_path, "--json")
    status, out, err = command(*words)
    answer = json.loads(out)
    told = {claim["claim"]: claim["verdict"] for claim in answer["claims"]}
    assert (
        told.pop("plain-56 lies above plain-20 throughout training, on average") == "within noise"
    )  # no log
    assert (
        told.pop(
            "gradients do not vanish in plain-56: the first layer's is above 0.01 of the last"
            " convolution's"
        )
        == "holds"
    )
    assert set(told.values()) == {verdict}
    assert status == ends, err
    assert ("this does not hold: plain-56 trains worse" in err) == (ends == 1)
    assert "Traceback" not in err
    assert Path(answer["report"]).exists()


# -- pages --------------------------------------------------------------------------------------


def page(command, tmp_path, *words):
    path = tmp_path / "page.html"
    status, out, err = command("report", *words, "--out", path, "--json")
    assert status == 0, err
    assert json.loads(out) == {"file": str(path)}
    return path.read_text()


def test_a_page_without_runs_is_the_declaration_beside_the_papers_values(command, tmp_path):
    none = tmp_path / "none"
    none.mkdir()
    text = page(command, tmp_path, "table6", "--runs", none)
    for printed in ("8.75", "6.43 (6.61 ± 0.16)", "7.93", "9.38", "Nothing of it has been run"):
        assert printed in text
    assert "deepres run table6 --data cifar10" in text
    assert "- (0 of 5)" in text
    assert '<td class="verdict holds' not in text


def test_a_page_tells_its_scale_and_stands_alone(ran, command, tmp_path):
    text = page(command, tmp_path, "figure1", "--runs", ran[0])
    assert not re.search(r"https?://|<script|@import|url\((?!#)", text.replace("www.w3.org", ""))
    assert "4 steps, smoke" in text
    assert ">paper, cifar10</th>" in text  # the runs are of digits
    assert '<th scope="col" class="number">difference</th>' not in text
    assert text.count("<title>plain-20, test error after") > 1  # what a pointer rests on
    key = ran[1]["rows"][0]["keys"][0]
    assert key in text
    assert "Where we differ from the paper" in text
    assert 'stroke-dasharray="5 3"' in text


def test_lines_of_results_make_the_same_tables_as_folders(ran, command, tmp_path):
    lines = tmp_path / "digits.jsonl"
    assert command("report", "figure1", "--runs", ran[0], "--out", lines)[0] == 0
    assert [one.key for one in read_lines(lines)] == [
        outcome_of(folders(ran[0])[one.key]).key for one in read_lines(lines)
    ]
    from_folders = page(command, tmp_path, "figure1", "--runs", ran[0])
    from_lines = page(command, tmp_path, "figure1", "--runs", lines)
    assert from_lines == from_folders
    alone = tmp_path / "one.jsonl"
    folder = next(iter(folders(ran[0]).values())).path
    assert command("report", folder, "--out", alone)[0] == 0
    assert len(alone.read_bytes().splitlines()) == 1


def test_markdown_has_the_same_numbers_and_charts_that_open_alone(ran, command, tmp_path):
    path = tmp_path / "figure1.md"
    assert command("report", "figure1", "--runs", ran[0], "--out", path)[0] == 0
    text = path.read_text()
    row = ran[1]["rows"][0]
    assert f"| plain-20 | {row['mean']:.2f} (1) |" in text
    for name in re.findall(r"!\[.*?\]\((.*?)\)", text):
        drawn = (tmp_path / name).read_text()
        assert drawn.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        assert "var(--s1)" in drawn and "--s1:#" in drawn


def test_table_1_is_counted(command, tmp_path):
    status, out, _ = command("run", "table1", "--runs", tmp_path, "--json")
    rows = {row["network"]: row for row in json.loads(out)["rows"]}
    assert status == 0
    assert rows["resnet50"]["multiply_adds"] == 3_857_973_248
    assert rows["resnet18"]["paper"] == "1.8e9"


def test_a_study_is_shown_with_its_command_and_cost(command):
    status, out, _ = command("show", "table6")
    assert status == 0
    assert "deepres run table6 --data cifar10" in out
    assert "6.43 %, 6.61 ± 0.16 % (best of 5)" in " ".join(out.split())
    assert json.loads(command("list", "--json")[1])["studies"] == list(STUDIES)


# -- Fig. 7 ---------------------------------------------------------------------------------------


def test_responses_are_deviations_of_what_normalisation_gives():
    import torch

    network = named("resnet8", 10).eval()
    x = torch.randn(6, 3, 8, 8)
    (first,) = deviations(network, [x[:2], x[2:]])[:1]
    seen = network.bn1(network.conv1(x)).detach()
    assert first == pytest.approx(float(seen.std(correction=0)), rel=1e-5)
    assert len(normalised_3x3(network)) == 7
    assert [name for name, _ in normalised_3x3(named("resnet50-cifar", 10))][1] == "layer1.0.bn2"


def test_any_weights_show_their_responses(ran, command, tmp_path):
    folder = next(iter(folders(ran[0]).values())).path
    weights = ("--weights", folder / "weights.safetensors", "--data", "digits")
    text = page(command, tmp_path, "figure7", *weights)
    assert "plain" in text and "mean deviation" in text
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        copy(folder / "weights.safetensors", tmp_path / name)
    paths = [tmp_path / name / "weights.safetensors" for name in ("one", "two")]
    words = [word for path in paths for word in ("--weights", path)]
    out = ("--data", "digits", "--out", tmp_path / "seven.md")
    assert command("report", "figure7", *words, *out)[0] == 0
    told = (tmp_path / "seven.md").read_text()
    assert all(f"({path}) |" in told for path in paths)
    assert (tmp_path / "seven-1.svg").exists()


@pytest.mark.slow
def test_published_weights_respond_as_the_paper_says(command, tmp_path, real_data):
    names = ("akamaster-resnet20-12fca82f.th", "akamaster-resnet56-4bfd9763.th")
    words = [w for name in names for w in ("--weights", real_data / "weights" / name)]
    text = page(command, tmp_path, "figure7", *words, "--data", f"cifar10:{real_data / 'cifar10'}")
    means = [float(m) for m in re.findall(r'data-head="mean deviation">(0\.\d+)</td>', text)]
    assert means[1] < means[0]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_existence_study_and_a_restart_without_its_parent(tmp_path, command):
    words = ("run", "existence", "--scale", "smoke", "--data", "digits", "--runs", tmp_path)
    status, out, err = command(*words, "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert [claim["verdict"] for claim in answer["claims"]][:3] == ["holds"] * 3
    grown = next(row for row in answer["rows"] if row["name"] == "plain-44 grown")
    folder = folders(tmp_path)[grown["keys"][0]]
    run = read(folder.run, Run)
    assert run.grown_from is not None and run.grown_from.arch.layers == 20
    status, _, err = command("train", "--spec", folder.run, "--out", tmp_path / "x")
    assert status == 2 and "deepres run existence" in err


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_table_6_at_smoke_scale_is_quick(tmp_path, command):
    before = os.times()
    status, out, err = command(
        *("run", "table6", "--scale", "smoke", "--data", "synthetic", "--runs", tmp_path, "--json")
    )
    assert status == 0, err
    assert [row["n"] for row in json.loads(out)["rows"]] == [1] * 6
    spent = sum(after - at for at, after in zip(before[:4], os.times()[:4], strict=True))
    assert spent < 120  # of the two minutes that it may take


def test_a_run_alone_has_all_cores_however_many_jobs_are_asked_for(command, tmp_path):
    words = ("run", "figure1", "--scale", "smoke", "--only", "plain-20", "--data", "digits")
    status, _, err = command(*words, "--jobs", "64", "--runs", tmp_path)
    assert status == 0, err
    (folder,) = folders(tmp_path).values()
    assert read(folder.provenance, Provenance).plan.threads == usable()

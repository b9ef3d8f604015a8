"""`deepres train` and `evaluate` on somebody's own folder: refusals in time, results that stay."""

import json
import shutil

import pytest
from coloured import coloured

from deepres.report.run import run_page
from deepres.runs.folder import Folder, read
from deepres.runs.provenance import Provenance, anywhere
from deepres.studies.outcome import add_lines, outcome_of

WORDS = ["--size", "16", "--batch", "6", "--steps", "6", "--looks", "0", "--engine", "eager"]
WORDS += ["--threads", "1"]


@pytest.fixture
def root(tmp_path):
    return coloured(tmp_path / "pictures", train=4, val=2)


def train(command, root, out, *more):
    return command("train", "resnet8", "--data", root, *WORDS, "--out", out, *more)


def test_one_class_is_refused_before_anything_is_trained(root, command, tmp_path):
    for part in ("train", "val"):
        for label in ("ant", "bee"):
            shutil.rmtree(root / part / label)
    status, _, err = train(command, f"folder:{root}", tmp_path / "run")
    assert status == 2 and "has pictures of one class, 'cat'" in err
    assert not (tmp_path / "run").exists()


def test_a_picture_a_replica_is_refused_where_its_last_maps_are_a_pixel(root, command, tmp_path):
    words = ["train", "resnet18", "--data", root, *WORDS, "--out", tmp_path / "run"]
    words += ["--recipe", "cifar"]
    status, _, err = command(*words, "--size", "32", "--replicas", "6")
    assert status == 2, err
    assert err.strip().splitlines()[-1] == (
        "deepres: --batch 6 in --replicas 6 leaves each replica one picture, whose last maps are a"
        " pixel: there is no variance to normalise by, and fewer --replicas or a larger --batch or"
        " a larger --size would be right."
    )
    assert command(*words, "--size", "33", "--replicas", "6", "--steps", "1")[0] == 0


def test_a_finished_run_tells_its_result_wherever_its_pictures_went(
    root, command, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    flags = ["train", "resnet8", "--data", "folder:pictures", *WORDS, "--out", out]
    monkeypatch.chdir(tmp_path)
    status, told, err = command(*flags, "--json")
    assert status == 0, err
    root.rename(tmp_path / "elsewhere")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    for words in (["train", "--resume", "--out", out], [*flags, "--resume"]):
        status, again, err = command(*words, "--json")
        assert status == 0, err
        assert json.loads(again) == json.loads(told)
    assert "holds the finished run that flags say" in err
    status, _, err = command(*flags, "--resume", "--seed", "5")  # another run: its data are missed
    assert status == 2 and "pictures" in err


def test_a_stopped_run_finds_its_pictures_from_another_folder(root, command, tmp_path, monkeypatch):
    out = tmp_path / "run"
    monkeypatch.chdir(tmp_path)
    assert train(command, "folder:pictures", out)[0] == 0
    (out / "result.json").unlink()  # as if it had been stopped before its last look
    monkeypatch.chdir("/")
    status, _, err = command("train", "--resume", "--out", out)
    assert status == 0, err
    assert "Going on after step 6" in err
    sources = {session.source for session in read(Folder(out).provenance, Provenance).sessions}
    assert sources == {f"folder:{root}"}
    add_lines(tmp_path / "lines.jsonl", [outcome_of(Folder(out))])
    line = (tmp_path / "lines.jsonl").read_text()
    assert json.loads(line)["run"]["data"]["name"] == "folder"
    assert str(tmp_path) not in line  # what is published says nothing of a machine's folders


def test_sources_are_told_so_that_they_hold_anywhere(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    for word in ("digits", "synthetic", "cifar10", "hub:owner/name", f"folder:{root}", str(root)):
        assert anywhere(word) == word
    assert anywhere("folder:pictures") == f"folder:{root}"
    assert anywhere("./pictures") == anywhere("pictures") == str(root)
    assert anywhere("hub:pictures") == f"hub:{root}"


def test_bad_pictures_are_left_out_of_a_test_and_listed(root, command, tmp_path):
    assert train(command, root, tmp_path / "run")[0] == 0
    (root / "val" / "bee" / "0.jpg").write_bytes(b"no picture")
    words = ["evaluate", tmp_path / "run", "--data", root]
    assert command(*words)[0] == 2
    status, out, err = command(*words, "--skip-bad", "--json")
    assert status == 0, err
    answer = json.loads(out)
    (left,) = answer["left_out"]
    assert answer["seen"] == 5
    assert left == {"picture": f"{root}/val/bee/0.jpg", "why": "is no picture of a known format"}
    assert f"left out: {root}/val/bee/0.jpg is no picture of a known format" in err
    status, out, _ = command(*words, "--skip-bad")
    assert status == 0 and out.splitlines()[-1] == "left out: 1 of 6 pictures"
    for name in (root / "val").glob("*/*"):
        name.write_bytes(b"no picture")
    status, _, err = command(*words, "--skip-bad")
    assert status == 2 and "None of the 6 pictures of folder test can be used" in err


def test_predictions_that_cannot_be_written_are_refused_before_the_weights_are_read(
    command, tmp_path
):
    for out, said in ((tmp_path, "is a folder"), (tmp_path / "no" / "x.csv", "there is no folder")):
        status, _, err = command(
            "evaluate", "no.safetensors", "--data", "digits", "--out", out, "--json"
        )
        assert status == 2 and err.startswith(f"deepres: --out {out}") and said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--recipe", "finetune"], "name their weights by --from, or take another recipe"),
        (["--from", "w.safetensors", "--freeze", " "], "--freeze names nothing"),
        (["--freeze", "stem"], "name these by --from"),
        (
            ["--colour", "published"],
            "--colour is for pictures of any size, not for those of digits",
        ),
    ],
)
def test_flags_that_would_do_nothing_or_harm_are_refused(words, said, command, tmp_path):
    status, _, err = command("train", "resnet8", "--data", "digits", *words, "--out", tmp_path)
    assert status == 2 and said in err


def test_the_published_colours_can_be_chosen(root, command, tmp_path):
    told = {}
    for colour in ("measured", "published", "none"):
        out = tmp_path / colour
        assert train(command, root, out, "--colour", colour)[0] == 0
        assert read_recipe(out).get("colour", "measured") == colour
        told[colour] = (out / "weights.safetensors").read_bytes()
    assert len(set(told.values())) == 3
    status, _, err = train(command, root, tmp_path / "other", "--colour", "mean")
    assert status == 2 and "--colour mean: choose one of measured, published, none" in err


def read_recipe(out):
    return json.loads((out / "run.json").read_text())["recipe"]


def test_help_names_every_recipe_and_source(command):
    status, out, _ = command("train", "--help")
    told = " ".join(out.replace("│", " ").split())
    assert status == 0
    for word in ("fast", "finetune", "imagenet", "folder:PATH", "hub:NAME", "--colour"):
        assert word in told


def test_a_page_is_made_of_a_run_of_one_class_too(command, tmp_path):
    """Nothing can be taken for anything else."""
    words = ["train", "resnet8", "--data", "digits", "--batch", "6", "--steps", "2", "--out"]
    assert command(*words, tmp_path, "--looks", "0", "--engine", "eager")[0] == 0
    told = json.loads((tmp_path / "result.json").read_text())
    told |= {"classes": ["cat"], "confusion": [[500]]}
    (tmp_path / "result.json").write_text(json.dumps(told))
    page = run_page(Folder(tmp_path))
    assert "What is taken for what" in page and ">500<" in page

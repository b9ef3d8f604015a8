"""Training and testing on folders of pictures, through the command, to the same bytes however."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from deepres.accel.prepared import stream
from deepres.data.source import images
from deepres.models.zoo import arch
from deepres.runs.folder import Folder
from deepres.runs.log import Moment
from deepres.runs.pictures import gathered
from deepres.runs.running import carried_out
from deepres.runs.work import Curve, Work, network_of
from deepres.spec import Plan, Recipe, Run

COLOURS = {"ant": (200, 60, 60), "bee": (60, 200, 60), "cat": (60, 60, 200)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three classes told by their colour, of pictures of any shape."""
    here, draw = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for part, count in (("train", 10), ("val", 4)):
        for label, colour in COLOURS.items():
            (here / part / label).mkdir(parents=True)
            for n in range(count):
                width, height = draw.integers(24, 60, 2)
                noise = draw.integers(-40, 40, (height, width, 3))
                pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(here / part / label / f"{n}.{('jpg', 'png')[n % 2]}")
    return here


def stopped(root, path, *stops):
    """A run in sessions of other numbers of workers each, stopped after these steps."""
    pictures, data = gathered(f"folder:{root}")
    recipe = Recipe(batch=6, steps=12, replicas=2, lr=0.02, drops=(6,), crop=16, shorter=(18, 34))
    run = Run(name="tiny", arch=arch("resnet8", 3), data=data, recipe=recipe)
    folder = Folder(path)
    for workers, at in enumerate((*stops, None)):
        folder.take()
        done = [0]
        plan = Plan(workers=workers)
        work = Work(run, plan, pictures, Curve(4, 12), stream=stream(plan), save_every=1e9)
        network = network_of(run, pictures.train)
        for item in carried_out(work, network, folder, lambda at=at, done=done: done[-1] == at):
            if isinstance(item, Moment):
                done.append(item.step)
        folder.leave()
    return folder


def test_a_resumed_run_ends_with_the_same_bytes_whatever_reads_the_files(root, tmp_path):
    whole, broken = stopped(root, tmp_path / "whole"), stopped(root, tmp_path / "broken", 3, 7)
    assert whole.weights.read_bytes() == broken.weights.read_bytes()
    assert [s.plan.workers for s in broken.sessions()] == [0, 1, 2]


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    """A run through the command itself."""
    import subprocess
    import sys

    out = tmp_path_factory.mktemp("runs") / "run"
    words = ["train", "resnet8", "--data", f"folder:{root}", "--size", "16", "--batch", "10"]
    words += ["--steps", "40", "--engine", "eager", "--out", str(out), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_a_folder_is_trained_on_and_its_classes_are_in_the_card(trained):
    out, answer = trained
    assert answer["seen"] == 12 and answer["top1_error"] == 0  # colours are told apart at once
    card = json.loads((out / "card.json").read_text())
    assert card["classes"] == ["ant", "bee", "cat"]
    assert (card["preprocessing"]["size"], card["preprocessing"]["resize"]) == (16, 18)
    run = json.loads((out / "run.json").read_text())
    assert run["data"]["name"] == "folder" and str(out) not in json.dumps(run["data"])
    assert run["recipe"]["crop"] == 16 and run["recipe"]["shorter"] == [18, 34]
    assert "data:image/png" not in (out / "report.html").read_text() or answer["top1_errors"]


@pytest.mark.parametrize("views", ["one", "ten", "multi-scale"])
def test_every_view_answers_and_writes_a_line_a_picture(views, trained, root, command, tmp_path):
    weights = trained[0] / "weights.safetensors"
    words = ["evaluate", weights, "--data", root, "--views", views, "--out", tmp_path / "p.csv"]
    status, out, _ = command(*words, "--json")
    answer = json.loads(out)
    assert status == 0 and (answer["seen"], answer["views"]) == (12, views)
    assert answer["top1_errors"] == 0
    with (tmp_path / "p.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["picture"] for row in rows}) == 12
    for row in rows:
        assert row["picture"].startswith(str(root / "val" / row["label"]))
        assert row["guess1"] == row["label"] and row["rank"] == "1"


def test_names_decide_where_a_class_is_missing_or_all_alone(trained, root, command, tmp_path):
    shutil.copytree(root / "val" / "cat", tmp_path / "val" / "cat")
    status, out, err = command(
        "evaluate", trained[0] / "weights.safetensors", "--data", tmp_path, "--json"
    )
    assert status == 0, err
    assert (json.loads(out)["seen"], json.loads(out)["top1_errors"]) == (4, 0)
    (tmp_path / "val" / "cat").rename(tmp_path / "val" / "cow")
    status, _, err = command(
        "evaluate", trained[0] / "weights.safetensors", "--data", tmp_path, "--json"
    )
    assert status == 2 and "has the class 'cow', which the network does not know" in err


def test_an_ensemble_takes_each_member_s_own_pictures(trained, root, command, tmp_path):
    out = tmp_path / "other"
    words = ["train", "plain8", "--data", root, "--size", "20", "--batch", "10", "--steps", "5"]
    assert command(*words, "--engine", "eager", "--out", out)[0] == 0
    members = [trained[0] / "weights.safetensors", out / "weights.safetensors"]
    status, told, err = command("evaluate", *members, "--data", root, "--json", "--views", "ten")
    assert status == 0, err
    answer = json.loads(told)
    assert answer["network"] == "resnet8 + plain8" and answer["seen"] == 12


def test_a_bad_picture_stops_the_run_or_is_listed(root, command, tmp_path):
    data = shutil.copytree(root, tmp_path / "data")
    (data / "train" / "ant" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    words = ["train", "resnet8", "--data", data, "--size", "16", "--batch", "10", "--steps", "8"]
    words += ["--engine", "eager", "--out", tmp_path / "run"]
    status, _, err = command(*words)
    assert status == 2, err
    assert "ant/broken.jpg" in err and "--skip-bad" in err and "Traceback" not in err
    status, _, err = command(*words[:-1], tmp_path / "skipping", "--skip-bad")
    assert status == 0, err
    assert "30 images" in err
    log = (tmp_path / "skipping" / "log.jsonl").read_text().splitlines()
    first = json.loads(log[0])
    assert first["kind"] == "skipped" and first["picture"].endswith("ant/broken.jpg")
    assert sum("skipped" in line for line in log) == 1
    page = (tmp_path / "skipping" / "report.html").read_text()
    assert "Pictures left out" in page and "ant/broken.jpg" in page
    status, _, err = command("train", "--resume", "--out", tmp_path / "skipping")
    assert status == 0, err  # the run remembers that bad pictures are skipped


@pytest.mark.slow
def test_the_real_imagenette_is_trained_on(real_data, command, tmp_path):
    words = ["train", "resnet20", "--data", "imagenette", "--size", "32", "--batch", "64"]
    status, out, err = command(*words, "--steps", "200", "--out", tmp_path / "run", "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert answer["seen"] == 800 == len(images("imagenette"))
    assert answer["top1_error"] < 75  # of ten classes, 90 by chance

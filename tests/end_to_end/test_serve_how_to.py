"""docs/how-to/serve.md does what it says: its servers are started, its examples run."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from served import CLASSES, picture, saved, serving

from deepres.serve.limits import MEBI, Limits

pytest.importorskip("fastapi")
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "serve.md").read_text()
BLOCKS = re.findall(r"```(python|console)\n(.*?)```", PAGE, re.S)
HERE = "http://127.0.0.1:8000"


@pytest.fixture
def place(tmp_path, monkeypatch):
    saved(tmp_path, "resnet8").rename(tmp_path / "resnet20-cifar10.safetensors")
    run = tmp_path / "runs" / "plain20"
    run.mkdir(parents=True)
    saved(tmp_path, "plain8").rename(run / "weights.safetensors")
    for seed, name in enumerate(("cat.png", "dog.png")):
        (tmp_path / name).write_bytes(picture(seed))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(line):
    """A command's arguments, with files in place of weights that may not be bundled."""
    return [re.sub(r"(\w+-cifar10)", r"\1.safetensors", word) for word in line.split()[2:]]


@pytest.mark.slow
def test_its_examples_run(place, capsys):
    lines = [line for kind, text in BLOCKS if kind == "console" for line in text.splitlines()]
    (python,) = [text for kind, text in BLOCKS if kind == "python"]
    first, second = [line for line in lines if line.startswith("deepres")]
    with serving(*words(first), "--engine", "eager", cache=place) as server:
        exec(compile(python.replace(HERE, server.address), "serve.md", "exec"), {})  # noqa: S102
        said = capsys.readouterr().out.splitlines()
        assert len(said) == 3 and all(line.split()[1] in CLASSES for line in said)
        for line in (line for line in lines if line.startswith("curl") and shutil.which("curl")):
            command = ["bash", "-c", line.replace(HERE, server.address)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            answer = json.loads(done.stdout)
            if "predict" in line:
                assert len(answer["predictions"]) == line.count(".png")
            else:
                assert answer["status"] == "ready"
        empty = server.ask("POST", "/predict", *form_of_nothing())
        assert empty[0] == 422 and json.dumps(empty[2]) in PAGE
    with serving(*words(second), "--engine", "eager", cache=place) as server:
        names = [network["name"] for network in server.ask("GET", "/readyz")[2]["networks"]]
        assert names == ["residual", "plain"]


def form_of_nothing():
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n\r\n--b--\r\n'
    return head, "multipart/form-data; boundary=b"


def test_its_limits_are_the_limits():
    limits = Limits()
    told = dict(re.findall(r"`--(\w+) (\d+)`", PAGE))
    assert {key: int(value) for key, value in told.items()} == {
        "megabytes": limits.bytes // MEBI,
        "images": limits.images,
        "megapixels": limits.pixels // 1_000_000,
        "waiting": limits.requests,
        "seconds": limits.seconds,
        "batch": limits.batch,
    }
    assert f"{limits.held // MEBI} MiB" in PAGE

"""deepres convert as scripts use it."""

import json
import subprocess
import sys

import pytest
import torch

import deepres
from deepres import cli


@pytest.fixture
def run(capsys, monkeypatch):
    """The command within this process: status, standard output, standard error."""

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["deepres", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return command


@pytest.fixture
def plain(tmp_path):
    """A plain network as a-martyn saves one."""
    path = tmp_path / "plainnet8.pt"
    names = {"conv1": "convIn", "bn1": "bnIn", "fc": "fcOut", "layer1": "stack1"}
    tensors = {}
    for name, tensor in deepres.create("plain8", seed=2).state_dict().items():
        first, _, rest = name.partition(".")
        if first in ("layer2", "layer3"):
            tensors[f"stack{first[-1]}a.{rest.removeprefix('0.')}"] = tensor
        else:
            tensors[f"{names[first]}.{rest}"] = tensor
    torch.save(tensors, path)
    return path


def test_the_contract(run, plain, tmp_path):
    out = tmp_path / "made" / "plain8.safetensors"
    status, text, said = run("convert", plain, out, "--json")
    answer = json.loads(text)
    assert status == 0
    assert answer["network"] == "plain8"
    assert answer["source"] == "a-martyn-plain"
    assert answer["parameters"] == sum(p.numel() for p in deepres.create("plain8").parameters())
    (sentence,) = answer["guessed"]
    assert "a-martyn-plain's (no shortcuts): its keys fit a-martyn (option A) as well" in sentence
    assert f"guessed: {sentence}" in said
    assert "44 tensors used once" in answer["checked"]
    assert "equal to the bit" in answer["checked"]
    assert answer["out"] == str(out)
    card = json.loads(out.with_name("plain8.json").read_text())
    assert card["guessed"] == [sentence]
    assert deepres.load(out).card.network == "plain8"


def test_equal_runs_write_equal_bytes_and_replace_what_was_there(run, plain, tmp_path):
    out = tmp_path / "plain8.safetensors"
    out.write_bytes(b"older")
    assert run("convert", plain, out)[0] == 0
    first = out.read_bytes(), out.with_suffix(".json").read_bytes()
    assert run("convert", plain, out, "--source", "a-martyn-plain")[0] == 0
    assert run("convert", plain, out)[0] == 0
    assert first == (out.read_bytes(), out.with_suffix(".json").read_bytes())
    assert {p.name for p in tmp_path.iterdir()} == {
        "plainnet8.pt",
        "plain8.safetensors",
        "plain8.json",
    }


def test_the_source_is_never_overwritten(run, plain, tmp_path):
    status, out, said = run("convert", plain, plain)
    assert (status, out) == (2, "")
    assert "would overwrite its own source" in said
    ours = tmp_path / "run" / "weights.safetensors"
    assert run("convert", plain, ours)[0] == 0
    before = ours.read_bytes()
    for again in (ours, ours.parent, tmp_path / "run" / ".." / "run"):
        assert run("convert", ours, again)[0] == 2
        assert run("convert", ours.parent, again)[0] == 2
    assert ours.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("x.pth",), "ours is a .safetensors file, or a folder"),
        (("x.safetensors", "--to", "tensorflow"), "choose one of deepres, torchvision, timm, hf"),
        (("x.safetensors", "--source", "kuangliu"), "--source can be a-martyn, a-martyn-plain"),
        (("x.pth", "--to", "torchvision"), "cannot be written for torchvision"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(run, plain, tmp_path, words, told):
    status, out, said = run("convert", plain, tmp_path / words[0], *words[1:])
    assert (status, out) == (2, "")
    assert told in said
    assert list(tmp_path.iterdir()) == [plain]


def test_a_folder_is_made_and_what_is_ours_goes_out_again(run, tmp_path):
    theirs = tmp_path / "resnet18-f37072fd.pth"
    network = deepres.create("resnet18", classes=3, seed=4)
    torch.save(network.state_dict(), theirs)
    assert run("convert", theirs, tmp_path / "ours")[0] == 0
    ours = deepres.load(tmp_path / "ours")
    assert torch.equal(ours.fc.weight, network.fc.weight)
    status, text, _ = run(
        "convert", tmp_path / "ours", tmp_path / "back.pth", "--to", "torchvision", "--json"
    )
    assert status == 0
    assert json.loads(text)["checked"].startswith("ours already")
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    assert all(torch.equal(back[name], t) for name, t in network.state_dict().items())


@pytest.mark.slow
def test_in_a_process_of_its_own(plain, tmp_path):
    words = ["convert", str(plain), str(tmp_path / "out"), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["network"] == "plain8"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "weights.safetensors",
        "card.json",
    }

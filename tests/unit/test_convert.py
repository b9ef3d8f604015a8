"""From whatever somebody has to a network: places, names, cards, and what is said of a guess."""

import hashlib
import sys
import types

import pytest
import torch
from authors import Akamaster, shaken
from safetensors.torch import save_file

import deepres
from deepres.convert import hub, own
from deepres.errors import Failed, UserError
from deepres.models import bundled, weights


def akamaster(path, n=1):
    theirs = shaken(Akamaster(n))
    torch.save({"state_dict": theirs.state_dict(), "best_prec1": 91.0}, path)
    return theirs


def test_a_card_of_a_conversion_says_where_it_comes_from(tmp_path):
    path = tmp_path / "model.th"
    akamaster(path)
    card = deepres.load(path).card
    assert card.provenance == {
        "container": "akamaster",
        "converter": f"deepres {deepres.__version__}",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    assert card.numbers == {}
    (tmp_path / "elsewhere").mkdir()
    moved = path.rename(tmp_path / "elsewhere" / "resnet8.pth")  # neither name nor place matters
    assert deepres.load(moved).card == card


def test_what_was_peeled_is_on_the_card(tmp_path):
    path = tmp_path / "ema.pth"
    tensors = deepres.create("resnet18").state_dict()
    torch.save({"model": tensors, "model_ema": tensors}, path)
    assert (
        "model_ema (their moving average) was taken" in deepres.load(path).card.provenance["notes"]
    )


def test_half_precision_is_made_single_and_said(tmp_path):
    network = deepres.create("resnet18")
    halves = {n: t.half() if t.is_floating_point() else t for n, t in network.state_dict().items()}
    save_file(halves, tmp_path / "model.safetensors")
    ours = deepres.load(tmp_path / "model.safetensors")
    assert torch.equal(ours.fc.weight, network.fc.weight.half().float())
    assert "Numbers stored as float16 are float32 now." in ours.card.provenance["notes"]


def test_a_network_does_not_hold_on_to_its_file(tmp_path):
    """Zip archives are mapped, not read: a file that goes, or changes, must not matter later."""
    path = tmp_path / "model.th"
    theirs = akamaster(path)
    ours = deepres.load(path)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert torch.equal(ours.fc.weight, theirs.linear.weight)
    ours.fc.weight.data.zero_()
    weights.save(tmp_path / "back.safetensors", ours, ours.card, None)


def test_our_own_files_folders_and_bundled_names(tmp_path, monkeypatch):
    network = deepres.load(saved := tmp_path / "a.th") if akamaster(tmp_path / "a.th") else None
    assert saved.exists()
    run = tmp_path / "runs" / "resnet8-abc"
    weights.save(run / "weights.safetensors", network, network.card, None)
    folder = tmp_path / "bundled"
    weights.save(folder / "resnet8-cifar10.safetensors", network, network.card, None)
    weights.save(folder / "resnet8-two" / "weights.safetensors", network, network.card, None)
    (folder / "__pycache__").mkdir()
    monkeypatch.setattr(bundled, "FOLDER", folder)
    assert bundled.names() == ["resnet8-cifar10", "resnet8-two"]
    for source in (
        run,
        str(run),
        run / "weights.safetensors",
        "resnet8-cifar10",
        "resnet8-two",
    ):
        again = deepres.load(source)
        assert again.card == network.card
        assert torch.equal(again.fc.weight, network.fc.weight)
    assert deepres.load(run, profile="akamaster").card.source == "akamaster"
    with pytest.raises(UserError, match="its source is 'akamaster', not 'kuangliu'"):
        deepres.load(run, profile="kuangliu")
    with pytest.raises(UserError, match="bundled \\(resnet8-cifar10, resnet8-two\\)"):
        deepres.load("resnet9-cifar10")
    with pytest.raises(UserError, match="no such file"):
        deepres.load("../bundled/resnet8-two")
    assert own.weights_of(tmp_path) is None


def test_a_file_of_a_hubs_folder_is_read_with_the_configuration_beside_it(tmp_path):
    network = deepres.create("resnet18")
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    assert deepres.load(tmp_path / "model.safetensors").card.source == "torchvision"
    (tmp_path / "config.json").write_text('{"architecture": "resnet18", "num_classes": 1000}')
    for source in (tmp_path, tmp_path / "model.safetensors"):
        card = deepres.load(source).card
        assert (card.source, card.provenance["container"]) == ("timm", "folder")
        assert card.preprocessing.interpolation == "bicubic"
        assert not any("torchvision" in sentence for sentence in card.guessed)


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A repository in the hub's cache, as its own library lays it out, and no network."""
    pytest.importorskip("huggingface_hub")
    revision = "a" * 40
    repository = tmp_path / "cache" / "models--somebody--resnet"
    snapshot = repository / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    for module in list(sys.modules.values()):
        if module.__name__.startswith("huggingface_hub") and hasattr(module, "HF_HUB_CACHE"):
            monkeypatch.setattr(module, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return snapshot


def test_the_hub_is_asked_offline_from_its_cache_alone(cached):
    akamaster(cached / "resnet8.th")
    assert deepres.load("hub:somebody/resnet/resnet8.th").card.source == "akamaster"
    save_file(deepres.create("resnet18").state_dict(), cached / "model.safetensors")
    (cached / "config.json").write_text('{"architecture": "resnet18"}')
    assert deepres.load("hub:somebody/resnet").card.source == "timm"
    for missing in ("hub:somebody/resnet/none.th", "hub:somebody/else", "hub:nobody"):
        with pytest.raises(Failed, match=f"{missing} cannot be fetched: ") as refusal:
            deepres.load(missing)
        assert "\n" not in str(refusal.value)


def test_a_repository_without_weights_says_what_was_looked_for(cached):
    (cached / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"name the file, as in hub:somebody/resnet/FILE"):
        deepres.load("hub:somebody/resnet")


def test_names_on_the_hub_are_names(monkeypatch):
    assert hub.parts("hub:timm/resnet50.a1_in1k") == ("timm/resnet50.a1_in1k", "")
    assert hub.parts("hub:a/b/c/d.pt") == ("a/b", "c/d.pt")
    for wrong in ("hub:", "hub:a//b", "hub:a/../b", "hub:/etc/passwd"):
        with pytest.raises(UserError, match="a name on the hub is"):
            hub.parts(wrong)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"pip install deepres\[hub\]"):
        deepres.load("hub:timm/resnet50.a1_in1k")


@pytest.mark.parametrize(
    ("name", "network", "source"),
    [
        ("akamaster-resnet20-12fca82f.th", "resnet20-a-both", "akamaster"),
        ("akamaster-resnet56-4bfd9763.th", "resnet56-a-both", "akamaster"),
        ("a-martyn-resnet20.pt", "resnet20", "a-martyn"),
        ("a-martyn-plainnet20.pt", "plain20", "a-martyn-plain"),
    ],
)
def test_published_files(real_data, name, network, source):
    card = deepres.load(real_data / "weights" / name).card
    assert (card.network, card.source, len(card.classes)) == (network, source, 10)


def test_lightnings_own_dictionary_does_not_stand_in_the_way(tmp_path, monkeypatch):
    """Not installed here: a class of the name and kind that it pickles hyperparameters with."""
    name = "lightning.fabric.utilities.data"
    for parent in ("lightning", "lightning.fabric", "lightning.fabric.utilities", name):
        monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
    dictionary = type("AttributeDict", (dict,), {"__module__": name})
    sys.modules[name].AttributeDict = dictionary
    path = tmp_path / "last.ckpt"
    tensors = {f"model.{n}": t for n, t in shaken(Akamaster(1)).state_dict().items()}
    about = {"pytorch-lightning_version": "2.5.0", "hyper_parameters": dictionary(lr=0.1, depth=8)}
    torch.save({"state_dict": tensors, **about}, path)
    monkeypatch.undo()
    assert deepres.load(path).card.provenance["container"] == "lightning"

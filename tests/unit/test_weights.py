"""Our weights files: whole, describing themselves, equal for equal runs."""

import json

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file

import deepres
from deepres.card import Card, Preprocessing, decode, encode
from deepres.errors import UserError
from deepres.models.weights import MEAN_IMAGE, card_path, load, read_card, save
from deepres.models.zoo import arch

HOW = Preprocessing(size=32, resize=32, mean=(0.1, 0.2, 0.3), std=(1, 1, 1))


def card(**changes):
    made = Card(
        network="resnet8",
        arch=arch("resnet8"),
        preprocessing=HOW,
        classes=tuple("abcdefghij"),
        numbers={"top1_error": 8.75},
    )
    return msgspec.structs.replace(made, **changes)


def test_a_round_trip_is_exact(tmp_path):
    network, path = deepres.create("resnet8", seed=3), tmp_path / "mine.safetensors"
    save(path, network, card(), None)
    back = load(path)
    assert back.card == card()
    assert not back.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[name])
    assert all(parameter.requires_grad for parameter in back.parameters())
    assert decode((tmp_path / "mine.json").read_text()) == card()


def test_tied_weights_and_the_users_file_mode(tmp_path):
    network = deepres.create("resnet8")
    network.layer1[0].conv2.weight = network.layer1[0].conv1.weight
    path, other = tmp_path / "tied.safetensors", tmp_path / "other"
    save(path, network, card(), None)
    back = load(path).state_dict()
    assert torch.equal(back["layer1.0.conv1.weight"], back["layer1.0.conv2.weight"])
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_equal_runs_write_equal_bytes(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / f"{name}.safetensors", deepres.create("resnet8", seed=3), card(), None)
    one, two = (tmp_path / f"{n}.safetensors" for n in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_the_card_lies_beside_the_file(tmp_path):
    assert card_path(tmp_path / "weights.safetensors").name == "card.json"
    assert card_path(tmp_path / "resnet20.safetensors").name == "resnet20.json"


def test_a_mean_image_travels_with_the_weights(tmp_path):
    how = msgspec.structs.replace(HOW, mean_image=True)
    path, mean = tmp_path / "m.safetensors", torch.rand(3, 32, 32)
    save(path, deepres.create("resnet8"), card(preprocessing=how), mean)
    back = load(path)
    assert torch.equal(back.mean_image, mean)
    assert MEAN_IMAGE not in back.state_dict()
    save(path, deepres.create("resnet8"), card(preprocessing=how), None)
    with pytest.raises(UserError, match="mean image"):
        load(path)


def broken(tmp_path, change):
    path = tmp_path / "broken.safetensors"
    save(path, deepres.create("resnet8"), card(), None)
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"deepres": encode(card())})
    return path


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("fc.bias"), r"lacks fc\.bias\."),
        (lambda t: t.update(more=torch.zeros(1)), "has more, which"),
        (lambda t: t.update({"fc.bias": torch.zeros(9)}), r"fc\.bias is \(9,\); .* \(10,\)"),
        (lambda t: t["fc.bias"].fill_(float("nan")), r"fc\.bias holds NaN"),
        (lambda t: t["bn1.running_var"].fill_(float("inf")), r"bn1\.running_var holds NaN or inf"),
        (lambda t: t["bn1.running_var"][3].fill_(-0.1), r"bn1\.running_var holds variances below"),
    ],
)
def test_a_wrong_tensor_is_named(tmp_path, change, sentence):
    with pytest.raises(UserError, match=sentence):
        load(broken(tmp_path, change))


def test_a_variance_that_conversion_put_below_zero_by_an_epsilon_is_taken(tmp_path):
    """Another library's smaller epsilon is moved into it: the sum with ours is what counts."""
    path = broken(tmp_path, lambda t: t["bn1.running_var"][3].fill_(-0.9e-5))
    assert load(path)(torch.ones(1, 3, 32, 32)).isfinite().all()


def test_a_file_that_is_not_ours_says_so(tmp_path):
    path = tmp_path / "theirs.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    assert read_card(path) is None
    with pytest.raises(UserError, match="deepres convert"):
        load(path)
    path.write_bytes(b"not a safetensors file")
    with pytest.raises(UserError, match="not a whole safetensors file"):
        load(path)


@pytest.mark.parametrize("field", ["network", "preprocessing"])
def test_a_card_with_a_hole_is_refused_by_field(tmp_path, field):
    fields = json.loads(encode(card()))
    del fields[field]
    path = tmp_path / "hole.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"deepres": json.dumps(fields)})
    with pytest.raises(UserError, match=field):
        load(path)

"""What POST /look tells of a picture is what the network computes."""

import base64

import numpy as np
import pytest
import torch

pytest.importorskip("fastapi")

import deepres
from deepres.card import Card, Preprocessing
from deepres.models.pixels import normalised
from deepres.serve.look import looked

HOW = Preprocessing(size=32, resize=32, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
VIEW = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def seen(name):
    network = deepres.create(name, seed=2).eval()
    torch.nn.init.normal_(network.fc.bias)
    network.requires_grad_(False)
    card = Card(network=name, arch=network.arch, preprocessing=HOW)
    x = normalised(torch.from_numpy(VIEW)[None], HOW, None)
    return network, x, looked(network, card, VIEW, 5)


def test_the_mean_of_an_activation_map_is_its_logit_above_the_mean_logit():
    network, x, look = seen("resnet8")
    with torch.inference_mode():
        logits = network(x)[0]
    for evidence in look["evidence"]:
        above = float(logits[int(evidence["name"])] - logits.mean())
        assert np.mean(evidence["map"]) == pytest.approx(above, abs=1e-4)
        chance = float(logits.softmax(0)[int(evidence["name"])])
        assert evidence["probability"] == pytest.approx(chance, abs=1e-6)
    assert np.shape(look["evidence"][0]["map"]) == (8, 8)


def numbers(row, key):
    coded = np.frombuffer(base64.b64decode(row[key]), np.int8)
    return coded.astype(float) * row["largest"] / 127


def test_the_pictures_of_a_block_are_its_responses_and_add_up():
    network, x, look = seen("resnet8")
    addition = network.additions(x)["stage2.0"]
    block = look["stages"][1]["blocks"][0]
    assert (block["name"], block["height"], block["width"]) == ("stage2.0", 16, 16)
    for row in block["rows"]:
        for key in ("f", "x", "sum"):
            whole = getattr(addition, key)[0]
            true = whole.mean(0) if row["channel"] is None else whole[row["channel"]]
            assert np.abs(numbers(row, key) - true.flatten().numpy()).max() <= row["largest"] / 250
    assert block["deviation"]["f"] == pytest.approx(float(addition.f.std()), abs=1e-4)


def test_a_plain_network_has_no_x_and_a_deep_one_shows_some_blocks():
    assert "x" not in seen("plain8")[2]["stages"][0]["blocks"][0]["rows"][0]
    stage = seen("resnet122")[2]["stages"][0]
    places = [int(block["name"].split(".")[1]) for block in stage["blocks"]]
    assert (stage["of"], len(places), places[0], places[-1]) == (20, 18, 0, 19)

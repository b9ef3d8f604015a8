"""Starting from trained weights: what is frozen stays to the bit, what is old moves slowly."""

import json

import pytest
import torch
from msgspec import structs
from torch import nn

import deepres
from deepres.accel.folded import folded
from deepres.card import Card, Preprocessing
from deepres.data.batches import Batch
from deepres.data.synthetic import images as synthetic
from deepres.errors import UserError
from deepres.models import weights
from deepres.models.frozen import Still, chosen, freeze
from deepres.models.pixels import normalised
from deepres.models.zoo import arch
from deepres.population import normalisations
from deepres.runs.folder import Folder
from deepres.runs.log import Moment
from deepres.runs.pictures import Pictures
from deepres.runs.running import carried_out
from deepres.runs.start import described, digest, plain_input, started
from deepres.runs.work import Curve, Work, network_of
from deepres.spec import FINETUNE, Data, Plan, Run
from deepres.train import begun, eager, fit

SMALL = Pictures(synthetic("train", 64, 8), None, synthetic("test", 32, 8))
RECIPE = structs.replace(FINETUNE, batch=8, steps=9, drops=(6,), shift=1)


def trained(classes=5, how=None):
    """A network that was trained on other classes, with statistics that matter."""
    network = deepres.create("resnet8", classes, seed=4)
    draw = torch.Generator().manual_seed(0)
    for layer in normalisations(network).values():
        layer.running_mean.normal_(0, 0.1, generator=draw)
        layer.running_var.uniform_(0.5, 2, generator=draw)
    network.card = Card(
        network="resnet8",
        arch=network.arch,
        preprocessing=how
        or Preprocessing(size=8, resize=8, mean=(0.3, 0.4, 0.5), std=(0.2, 0.25, 0.5)),
        classes=tuple("vwxyz"[:classes]),
    )
    return network.eval()


def run(frozen="stem..conv3"):
    plain = Run(name="f", arch=arch("resnet8", 10), data=Data(name="synthetic"), recipe=RECIPE)
    return described(plain, trained(), frozen, None)


def carried(made, path, *stops):
    folder = Folder(path)
    for at in (*stops, None):
        folder.take()
        done = [0]
        work = Work(made, Plan(), SMALL, Curve(3, 16), save_every=1e9)
        network = started(made, trained())
        for item in carried_out(work, network, folder, lambda at=at, done=done: done[-1] == at):
            if isinstance(item, Moment):
                done.append(item.step)
        folder.leave()
    return folder


def test_what_is_frozen_ends_as_it_began_statistics_and_all(tmp_path):
    folder = carried(run(), tmp_path)
    before, after = trained().state_dict(), weights.load(folder.weights).state_dict()
    frozen = {n for n in before if n.startswith(("conv1", "bn1", "layer1", "layer2"))}
    assert len(frozen) > 20
    for name in frozen:
        assert torch.equal(before[name], after[name]), name
    moved = {n for n in before.keys() - frozen if not n.startswith("fc")}
    assert all(not torch.equal(before[n], after[n]) for n in moved if before[n].is_floating_point())
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["classes"] == list(SMALL.test.classes)
    assert card["preprocessing"]["mean"] == [0.3, 0.4, 0.5]
    assert card["preprocessing"]["std"] == [0.2, 0.25, 0.5]
    assert card["provenance"]["started_from"] == digest(trained())


def test_a_stop_changes_no_byte(tmp_path):
    whole, broken = carried(run(), tmp_path / "whole"), carried(run(), tmp_path / "broken", 2, 5)
    assert whole.weights.read_bytes() == broken.weights.read_bytes()


@pytest.mark.parametrize("step", [eager, folded])
def test_old_layers_move_at_a_share_of_the_rate(step):
    def moved(share):
        recipe = structs.replace(RECIPE, steps=1, old_rate=share, decay=0.0, momentum=0.0)
        network = deepres.create("resnet8", 4, seed=1).double()
        before = {n: p.detach().clone() for n, p in network.named_parameters()}
        x = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(2)).double()
        for _ in fit(begun(network, recipe), recipe, [Batch(x, torch.arange(8) % 4)], step):
            pass
        return {n: p.detach() - before[n] for n, p in network.named_parameters()}

    full, slow = moved(1.0), moved(0.1)
    for name, change in full.items():
        share = 1.0 if name.startswith("fc.") else 0.1
        assert torch.allclose(slow[name], share * change, atol=1e-12), name


def test_a_frozen_layer_follows_no_batch_in_training_mode():
    network = deepres.create("resnet8", 4)
    freeze(network, "conv2")
    network.train()
    still = [m for m in network.modules() if isinstance(m, Still)]
    assert len(still) == 2 and not any(layer.training for layer in still)
    assert network.bn1.training and not normalisations(network).keys() & {"layer1.0.bn1"}
    kept = [layer.running_mean.clone() for layer in still]
    network(torch.randn(4, 3, 8, 8) * 9 + 3)
    assert all(torch.equal(a, b.running_mean) for a, b in zip(kept, still, strict=True))
    assert not torch.equal(network.bn1.running_mean, torch.zeros(16))
    assert not any(p.requires_grad for p in network.layer1.parameters())


def test_parts_are_named_as_in_table_1():
    network = deepres.create("resnet18", 3)
    assert chosen(network, "stem..conv4")[-1] is network.layer3
    assert chosen(network, "conv5") == [network.layer4]
    assert chosen(network, "stem") == [network.conv1, network.bn1] and chosen(network, "") == []
    for wrong in ("conv6", "conv4..stem", "fc", "stem..", "..conv2"):
        with pytest.raises(UserError, match="the parts are stem, conv2, conv3, conv4, conv5"):
            chosen(network, wrong)


def test_a_network_of_another_s_pictures_becomes_one_of_plain_ones():
    how = Preprocessing(
        size=8, resize=8, colour="BGR", maximum=255, mean=(104, 117, 123), std=(1, 2, 4)
    )
    network = trained(how=how).double()
    plain = plain_input(network)
    assert (plain.card.preprocessing.colour, plain.card.preprocessing.maximum) == ("RGB", 1)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (4, 8, 8, 3), dtype=torch.uint8, generator=generator)
    with torch.no_grad():
        theirs = network(normalised(pixels, how, None).double())
        ours = plain(normalised(pixels, plain.card.preprocessing, None).double())
    assert (theirs - ours).norm() < 1e-6 * theirs.norm()  # a card's numbers are in fp32


def test_the_start_is_part_of_what_is_computed():
    made = run()
    assert made.key != run("").key
    other = trained()
    other.conv1.weight.data[0] += 1e-3
    with pytest.raises(UserError, match="not the weights that the run starts from"):
        started(made, other)
    head = trained()
    nn.init.zeros_(head.fc.weight)
    assert described(structs.replace(made, start=""), head, "", None).key != made.key
    with pytest.raises(UserError, match="name them by --from"):
        network_of(made, SMALL.train)
    with pytest.raises(UserError, match="weights are of resnet8, not of resnet14"):
        described(structs.replace(made, arch=arch("resnet14", 10)), trained(), None, None)

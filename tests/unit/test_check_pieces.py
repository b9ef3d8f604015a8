"""The parts of `check`: what is recorded, how it is put in order, what is said of places."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from deepres.check.agree import apart
from deepres.check.carry import stirred
from deepres.check.layout import layout
from deepres.check.path import Join, between, path
from deepres.check.record import Node, record
from deepres.check.shortcut import shortcut_of
from deepres.check.start import _fits, _uniform
from deepres.check.words import listed, where
from deepres.models.initialise import created
from deepres.models.zoo import arch


class Own(nn.Module):
    """A forward given as a function."""

    def __init__(self, forward):
        super().__init__()
        self.own = forward
        self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)

    def forward(self, x):
        return self.own(self, x)


def kinds(forward):
    recording = record(Own(forward), torch.randn(2, 3, 8, 8))
    return [
        step.node.kind if isinstance(step, Join) else step.kind
        for step in path(recording.input, recording.output)
    ]


def score(x):
    return x.mean((2, 3))


def test_in_place_work_is_seen_by_all_who_hold_the_tensor():
    """After relu_ the identity, too, is rectified: one way, no fork before the ReLU."""

    def written(self, x):
        y = identity = self.conv(x)
        y = F.relu(y, inplace=True)
        return score(self.conv(y) + identity)

    def apart_(self, x):
        y = identity = self.conv(x)
        y = F.relu(y)
        return score(self.conv(y) + identity)

    assert kinds(written) == ["conv", "relu", "add", "mean"]
    assert kinds(apart_) == ["conv", "add", "mean"]


def test_values_of_a_node_are_those_of_its_time():
    def forward(self, x):
        y = self.conv(x)
        y.relu_()
        y += 1
        return score(y)

    recording = record(Own(forward), torch.randn(2, 3, 8, 8))
    conv, relu, more = path(recording.input, recording.output)[:3]
    assert conv.tensor.min() < 0
    assert torch.equal(relu.tensor, conv.tensor.relu())
    assert torch.equal(more.tensor, relu.tensor + 1)


def test_data_is_followed_through_views_assignments_and_data():
    def assigned(self, x):
        y = self.conv(x)
        out = y.new_zeros(y.shape[0], 5, 8, 8)
        out[:, 1:4] = y
        return score(out)

    def through_data(self, x):
        return score(self.conv(x).data.view(2, 3, 64).view_as(x))

    assert kinds(assigned) == ["conv", "assignment", "mean"]
    assert kinds(through_data) == ["conv", "detach", "mean"]


def test_random_factors_are_dropout_however_they_are_drawn():
    def by_hand(self, x):
        y = self.conv(x)
        return score(y * (torch.rand(y.shape[0], 1, 1, 1) < 0.8) / 0.8)

    assert kinds(lambda self, x: score(F.dropout(self.conv(x))))[1] == "dropout"
    assert kinds(lambda self, x: score(F.dropout2d(self.conv(x))))[1] == "dropout"
    assert kinds(by_hand)[1] == "dropout"


def test_changed_weights_are_not_taken_for_the_weights():
    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 3))
    recording = record(nn.Sequential(normed, nn.Flatten()), torch.randn(2, 3, 3, 3))
    conv = next(node for node in recording.nodes if node.kind == "conv")
    assert "weight" not in conv.weights
    assert any("original1" in name for name in conv.origins)


@settings(max_examples=60)
@given(st.integers(2, 9), st.integers(0, 10_000))
def test_joins_begin_where_all_their_ways_meet(size, seed):
    """The fork of a join against brute force: the last node that every route passes."""
    draw = random.Random(seed)
    made = [Node("input", value=torch.zeros(1))]
    for n in range(size):
        inputs = draw.sample(made, min(len(made), draw.choice([1, 1, 2])))
        made.append(Node(str(n), tuple(inputs), torch.zeros(1)))
    start, end = made[0], made[-1]

    def routes(node):
        if node is start:
            return [[start]]
        return [[*route, node] for source in node.sources for route in routes(source)]

    inside = between(start, end)
    for node in inside:
        found = path(start, node)[-1]
        if isinstance(found, Join):
            common = set.intersection(*({*map(id, route[:-1])} for route in routes(node)))
            assert found.fork is [n for n in made if id(n) in common][-1]
    assert {id(n) for route in routes(end) for n in route} == {id(start), *map(id, inside)}


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        (lambda x: x[:, :, ::2, ::2], "every second pixel"),
        (lambda x: F.avg_pool2d(x, 2), "2x2 average pooling"),
        (lambda x: F.avg_pool2d(x, 3, 2, 1), "3x3 average pooling"),
        (lambda x: F.max_pool2d(x, 2), "2x2 max-pooling"),
        (lambda x: F.max_pool2d(x, 3, 2, 1), "3x3 max-pooling"),
    ],
)
@pytest.mark.parametrize(("before", "where"), [(0, "at the end"), (4, "on both sides"), (8, "in")])
def test_a_shortcut_without_weights_is_told_by_its_values(taken, words, before, where):
    """Computed here in another way than there: by an assignment into zeros."""
    fork = Node("relu", value=torch.randn(2, 8, 8, 8).relu())
    small = taken(fork.tensor)
    added = torch.zeros(2, 16, 4, 4)
    added[:, before : before + 8] = small
    way = (Node("other", (fork,), added),)
    found = shortcut_of(fork, way, Node("add", (fork,), added))
    assert found.words.startswith(words)
    assert f"zeros for the new channels {where}" in found.words


def test_places_are_said_briefly():
    labels = [(s, n) for s in (1, 2, 3) for n in (1, 2, 3)]
    firsts = [i for i, (_, n) in enumerate(labels) if n == 1]
    assert where(range(9), labels) == "in every block"
    assert where(firsts, labels) == "in the first block of every stage"
    assert where(firsts[1:], labels) == "in the first block of stages 2 and 3"
    assert where([4], labels) == "in block 2 of stage 2"
    assert where([3, 4, 5], labels) == "in every block of stage 2"
    assert where([0, 4], labels) == "in block 1 of stage 1 and block 2 of stage 2"
    rest = [i for i in range(9) if i not in firsts]
    assert where(rest, labels) == "in every block but the first of every stage"
    assert where([0, *rest], labels) == "in every block but the first of stages 2 and 3"
    assert where([1, 2, 4, 8], labels) == "in 4 of 9 blocks, first in block 2 of stage 1"
    assert [listed(range(n)) for n in range(4)] == ["nothing", "0", "0 and 1", "0, 1 and 2"]


@settings(max_examples=30)
@given(st.sampled_from([3, 16, 64]), st.sampled_from([16, 64]), st.integers(0, 10_000))
@torch.no_grad()
def test_a_start_is_told_by_its_deviation(inputs, outputs, seed):
    torch.manual_seed(seed)
    conv = nn.Conv2d(inputs, outputs, 3)
    default = _fits(conv.weight)
    nn.init.kaiming_normal_(conv.weight)
    fan_in, normal = _fits(conv.weight), _uniform([conv.weight])
    nn.init.kaiming_normal_(conv.weight, mode="fan_out")
    fan_out = _fits(conv.weight)
    nn.init.kaiming_uniform_(conv.weight, nonlinearity="relu")
    assert "torch" in default and "fan_in" not in default
    assert "fan_in" in fan_in and not normal
    assert "fan_out" in fan_out and ("fan_in" in fan_out) == (inputs == outputs)
    assert "fan_in" in _fits(conv.weight) and _uniform([conv.weight])
    assert not _fits(torch.full((outputs, inputs, 3, 3), 0.1))


@pytest.mark.parametrize("name", ["resnet20", "resnet110", "plain20", "resnet11-bottleneck"])
def test_stirred_statistics_keep_values_in_range_at_any_depth(name):
    """Else double precision itself would drown: residual sums grow with every block."""
    network = created(arch(name)).double()
    pictures = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    stirred(network, pictures)
    with torch.no_grad():
        largest = float(network.eval()(pictures).abs().max())
    assert 1e-3 < largest < 1e3
    assert not torch.equal(network.bn1.weight, torch.ones(16, dtype=torch.float64))


def test_nothing_is_close_to_nan():
    assert apart(torch.tensor([float("nan")]), torch.ones(1)) == float("inf")
    assert apart(torch.tensor([1.5]), torch.tensor([-2.0])) == 1.75


def test_layers_in_a_row_are_cut_into_blocks_of_the_paper():
    recording = record(created(arch("plain20")), torch.randn(2, 3, 32, 32))
    assert layout(recording, 2).depths == [3, 3, 3]
    assert layout(recording, 3).depths == [2, 2, 2]
    assert layout(recording, 2).layers == layout(recording, 3).layers == 20

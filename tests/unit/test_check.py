"""Networks in many styles: the faithful are called the same, the flawed exactly what they are."""

import re

import check_faithful
import check_flawed
import pytest
import torch
from check_expected import EXPECTED
from torch import nn
from torch.nn import functional as F

from deepres import create
from deepres.check.verdict import check, held
from deepres.errors import UserError

FAITHFUL = [
    ("classes", "resnet20"),
    ("both_sides", "resnet20-a-both"),
    ("flat", "resnet20"),
    ("Functional", "resnet20"),
    ("sequential", "resnet20"),
    ("untraceable", "resnet20"),
    ("plain", "plain20"),
]


def verdict(module, name, against):
    torch.manual_seed(0)
    return held(getattr(module, name)(), name, against)


@pytest.mark.parametrize(("name", "against"), FAITHFUL)
def test_a_faithful_network_is_the_same_however_it_is_written(name, against):
    found = verdict(check_faithful, name, against)
    assert found.same and found.differences == []
    assert found.yours == found.paper
    assert found.compared.endswith("(to 1e-10 of the largest, in double precision)")
    assert found.compared.startswith("with 97 tensors of weights carried over")


SLOW = {("wide_18", "resnet18")}  # it has to be tried at 224 first


@pytest.mark.parametrize(
    ("name", "against"),
    [pytest.param(*pair, marks=[pytest.mark.slow] * (pair in SLOW)) for pair in EXPECTED],
)
def test_a_flawed_network_is_called_what_it_is_and_nothing_else(name, against):
    found = verdict(check_flawed, name, against)
    said = [re.sub(r"up to [\d.]+ of", "up to N of", text) for text in found.differences]
    assert said == EXPECTED[name, against]
    assert found.same is (not found.differences)


def test_every_flawed_network_is_expected():
    made = {
        name
        for name, value in vars(check_flawed).items()
        if getattr(value, "__module__", "") == "check_flawed" and not isinstance(value, type)
    }
    apart = {"exchanged", "no_max_pool", "bottleneck_164"}
    assert made - apart == {name for name, _ in EXPECTED}


def test_zeros_on_both_sides_are_a_named_difference_to_zeros_at_the_end():
    found = verdict(check_faithful, "both_sides", "resnet20")
    assert found.resembles == "resnet20-a-both"
    assert found.differences == [
        "this is resnet20-a-both to the letter, not resnet20",
        "its shortcuts are option A with half of the zeros on each side; the paper's are option A,"
        " zeros for the new channels at the end",
    ]


def test_a_plain_network_that_is_called_residual_is_found_out():
    found = verdict(check_faithful, "plain", "resnet20")
    assert found.differences == [
        "this is plain20 to the letter, not resnet20",
        "nothing is added anywhere: it is a plain network; the paper's has 9 shortcuts",
    ]


def test_a_residual_network_that_is_called_plain_is_found_out():
    found = verdict(check_faithful, "classes", "plain20")
    assert found.differences == [
        "this is resnet20 to the letter, not plain20",
        "it has 9 shortcuts; the paper's is plain and has none",
    ]


@pytest.mark.slow
def test_the_published_110_layers_that_are_164():
    found = verdict(check_flawed, "bottleneck_164", "resnet110")
    assert found.resembles == "resnet164-v1.5-b-bottleneck"
    assert found.differences[:3] == [
        "this is resnet164-v1.5-b-bottleneck to the letter, not resnet110",
        "in every block the branch has 3 convolutions, 1x1, 3x3 and 1x1 (a bottleneck); the"
        " paper's has 2 convolutions, 3x3 and 3x3",
        "its shortcuts are option B, projections where dimensions grow; the paper's are option A,"
        " zeros for the new channels at the end",
    ]
    assert found.differences[3].startswith("it has 164 layers, 1,704,154 parameters")
    assert len(found.differences) == 4


@pytest.mark.slow
def test_a_forgotten_max_pooling():
    found = verdict(check_flawed, "no_max_pool", "resnet18")
    assert found.differences[0] == (
        "the stem is a 7x7 convolution with stride 2, not pooled; the paper's is a 7x7 convolution"
        " with stride 2 and 3x3 max-pooling with stride 2 and padding 1"
    )
    assert found.differences[1].startswith("it has 6,900,208,640 multiply-adds")


def test_what_the_paper_leaves_open_is_a_remark():
    epsilon = verdict(check_flawed, "large_epsilon", "resnet8")
    fan_out = verdict(check_flawed, "fan_out_start", "resnet8")
    assert epsilon.same and "epsilon 0.001" in epsilon.remarks[0]
    assert fan_out.same and "sqrt(2 / fan_out), torchvision's choice" in fan_out.remarks[0]


def test_where_activations_part_is_named():
    """Against the known place of the flaw, found by running alone."""
    places = {
        "stride_lost": "in the first convolution of block 1 of stage 3",
        "averaged": "in the shortcut of block 1 of stage 2",
        "no_last_relu": "at the end of block 1 of stage 1",
        "option_c": "in the addition of block 1 of stage 1",
    }
    for name, place in places.items():
        found = verdict(check_flawed, name, "resnet8")
        assert found.compared.endswith(f"activations part first {place}"), name


def test_the_number_of_classes_is_read_off_or_held_against_the_one_given(monkeypatch, tmp_path):
    (tmp_path / "hundred.py").write_text(
        "from check_faithful import ClassesNet, started\n"
        "def net(): return started(ClassesNet(num_classes=100))\n"
        "def any(num_classes=7): return started(ClassesNet(num_classes=num_classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert check("hundred:net", "resnet20").same
    assert check("hundred:any", "resnet20").same
    assert check("hundred:any", "resnet20", classes=5).same
    ten = check("hundred:net", "resnet20", classes=10)
    assert ten.differences[-1] == (
        "it has 275,572 parameters and 40,556,800 multiply-adds; the paper's resnet20 has"
        " 269,722 and 40,551,040"
    )


def test_numbers_of_the_user_are_neither_used_nor_moved(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a = check("check_flawed:dropout", "resnet8")
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    assert a == check("check_flawed:dropout", "resnet8")
    assert torch.get_default_dtype() is torch.float32


ZOO = (
    *("resnet8", "resnet8-a-both", "resnet8-b", "resnet8-c", "plain8", "resnet14"),
    *("resnet11-bottleneck", "resnet11-v1.5-bottleneck", "resnet11-c-bottleneck"),
)


@pytest.mark.parametrize(("name", "other"), [*zip(ZOO, ZOO[1:] + ZOO[:1], strict=True)])
def test_each_network_of_the_zoo_is_itself_and_no_other(name, other):
    same = held(create(name, seed=1), "own", name)
    assert same.same and same.resembles is None and same.remarks == []
    apart = held(create(name, seed=1), "own", other)
    assert not apart.same and apart.resembles == name
    assert apart.differences[0] == f"this is {name} to the letter, not {other}"
    assert 2 <= len(apart.differences) <= 5


def test_the_stride_in_the_3x3_is_named():
    found = held(create("resnet11-v1.5-bottleneck"), "own", "resnet11-bottleneck")
    assert found.differences[1] == (
        "in the first block of stages 2 and 3 the stride 2 is on the second convolution (3x3), in"
        " the paper on the first convolution (1x1)"
    )


def test_another_stem_is_named():
    found = held(create("resnet10-1.1.1.1-pool"), "own", "resnet10-1.1.1.1-cifar")
    assert found.differences[1] == (
        "the stem is a 3x3 convolution and 3x3 max-pooling with stride 2 and padding 1; the paper's"
        " is a 3x3 convolution, not pooled"
    )


class Pooled(nn.Module):
    """Table 1's body behind a stem in another order."""

    def __init__(self, *order):
        super().__init__()
        self.order, self.network = order, create("resnet10-1.1.1.1-pool")

    def forward(self, x):
        network = self.network
        x = network.conv1(x)
        parts = {"bn": network.bn1, "relu": F.relu, "pool": network.maxpool}
        for part in self.order:
            x = parts[part](x)
        for stage in network.stages():
            x = stage(x)
        return network.fc(x.mean((2, 3)))


def test_max_pooling_may_stand_before_relu_but_not_before_batch_normalisation():
    """The largest of rectified values is the rectified largest; a negative gamma turns it round."""
    assert held(Pooled("bn", "pool", "relu"), "own", "resnet10-1.1.1.1-pool").same
    (difference,) = held(Pooled("pool", "bn", "relu"), "own", "resnet10-1.1.1.1-pool").differences
    assert difference.startswith("with the same weights outputs differ, by 0.")
    assert difference.endswith("activations part first behind the first convolution of the stem")


def wrapped(forward):
    class Wrapped(check_faithful.ClassesNet):
        def forward(self, x):
            return forward(super().forward, x)

    torch.manual_seed(0)
    return check_faithful.started(Wrapped(n=1))


def test_code_that_insists_on_single_precision_is_compared_in_it():
    found = held(wrapped(lambda forward, x: forward(x.float())), "own", "resnet8")
    assert found.same
    assert found.compared.endswith("(to 0.001 of the largest, in single precision)")


def test_noise_that_stays_on_is_named():
    noisy = wrapped(lambda forward, x: forward(x + 0.1 * torch.randn_like(x)))
    assert held(noisy, "own", "resnet8").differences == [
        "random noise stands before the first convolution, in the paper not",
        "random noise stays on in evaluation mode",
    ]
    always = wrapped(lambda forward, x: F.dropout(forward(x), 0.3))
    assert "dropout stays on in evaluation mode" in held(always, "own", "resnet8").differences


@pytest.mark.slow
def test_what_compiling_and_spreading_put_around_a_network_is_taken_off():
    compiled = torch.compile(wrapped(lambda forward, x: forward(x)), backend="eager")
    assert held(nn.DataParallel(compiled), "own", "resnet8").same


def test_weights_whose_shape_comes_with_the_first_picture():
    def lazy():
        network = check_faithful.ClassesNet(n=1)
        network.linear = nn.LazyLinear(10)
        return check_faithful.started(network)

    assert held(lazy(), "own", "resnet8").same


def test_a_stem_that_is_a_matrix_product_is_told_as_no_convolution():
    """Convolution by unfolding: the same numbers by another layer, which the record does not see
    as one."""

    class Unfolded(check_faithful.ClassesNet):
        def forward(self, x):
            patches = F.unfold(x, 3, padding=1)
            out = (self.conv1.weight.flatten(1) @ patches).view(len(x), 16, *x.shape[2:])
            out = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(out)))))
            return self.linear(out.mean((2, 3)))

    found = held(check_faithful.started(Unfolded(n=1)), "Unfolded", "resnet8")
    assert not found.same
    assert any("the stem is no convolution" in text for text in found.differences)


def test_a_network_without_values_is_refused():
    with torch.device("meta"):
        network = check_faithful.ClassesNet(n=1)
    with pytest.raises(UserError, match=r"Net has no values in conv1\.weight, on the meta device"):
        held(network, "Net", "resnet8")

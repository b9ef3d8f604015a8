"""Networks in many styles: the faithful are called the same, the flawed exactly what they are."""

import check_faithful
import check_flawed
import pytest
import torch
from check_expected import EXPECTED

from deepres.check.verdict import check, held

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
    assert found.differences == EXPECTED[name, against]
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

"""Names stand for one architecture each, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepres.errors import UserError
from deepres.models.zoo import NAMES, arch, name_of

TOKENS = ["a", "b", "c", "both", "v1.5", "cifar", "pool", "ceil", "bottleneck", "2.2.2.2"]


@pytest.mark.parametrize("name", NAMES)
def test_contract_names_are_their_own_shortest_name(name):
    made = arch(name)
    assert name_of(made) == name
    assert made.layers == int(name.strip("plainrest"))


@given(
    st.sampled_from(["plain", "resnet"]),
    st.one_of(st.sampled_from([18, 20, 34, 50, 56, 101, 152, 164]), st.integers(0, 1300)),
    st.lists(st.sampled_from(TOKENS), max_size=4),
)
def test_any_spelling_names_one_network_or_is_refused_in_a_sentence(kind, layers, tokens):
    name = "-".join([f"{kind}{layers}", *tokens])
    try:
        made = arch(name, 7)
    except UserError as error:
        assert str(layers) in str(error)
        return
    assert made.layers == layers
    assert arch(name_of(made), 7) == made
    assert arch("-".join([f"{kind}{layers}", *reversed(tokens)]), 7) == made


def test_suffixes_combine():
    made = arch("resnet50-v1.5-cifar")
    assert (made.stem, made.stride_at, made.shortcut, made.classes) == ("3x3", "3x3", "B", 10)
    assert arch("resnet34-c").shortcut == "C"
    assert arch("resnet20").shortcut == "A"
    assert arch("resnet20-both") == arch("resnet20-a-both")
    assert arch("resnet20-both").shortcut == "A-both"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("resnt20", "Did you mean resnet20"),
        ("resnet21", "the nearest are 20 and 26"),
        ("plain20-a", "no shortcuts"),
        ("resnet50-a-b", "choose one shortcut option"),
        ("resnet50-cifar-ceil", "choose one stem"),
        ("resnet20-ceil", "Table 1"),
        ("resnet34-bottleneck", "no bottlenecks"),
        ("resnet0", "nearest"),
        ("", "There is no network ''"),
        ("resnet26-2.2.2.2", "make 18 layers, not 26"),
    ],
)
def test_a_wrong_name_says_what_would_be_right(name, sentence):
    with pytest.raises(UserError, match=sentence):
        arch(name)

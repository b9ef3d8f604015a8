"""Other libraries' networks held against the paper's: v1.5 is found out, the rest is the same."""

import pytest
import torch

from deepres.check.verdict import held


def made(library, name):
    torch.manual_seed(0)
    return getattr(library.models, name)(num_classes=10)


def test_torchvisions_resnet18_is_the_papers(peer):
    found = held(made(peer("torchvision"), "resnet18"), "torchvision", "resnet18")
    assert found.same, found
    assert "torchvision's choice" in found.remarks[0]


@pytest.mark.slow
def test_torchvisions_resnet50_is_not_the_papers_but_v1_5(peer):
    found = held(made(peer("torchvision"), "resnet50"), "torchvision", "resnet50")
    assert found.resembles == "resnet50-v1.5"
    assert found.differences[:2] == [
        "this is resnet50-v1.5 to the letter, not resnet50",
        "in the first block of stages 2, 3 and 4 the stride 2 is on the second convolution (3x3),"
        " in the paper on the first convolution (1x1)",
    ]
    assert found.differences[2].startswith("it has 4,087,156,736 multiply-adds")
    assert len(found.differences) == 3
    assert found.compared.endswith("in the first convolution of block 1 of stage 2")
    assert held(made(peer("torchvision"), "resnet50"), "torchvision", "resnet50-v1.5").same


@pytest.mark.slow
def test_wide_and_grouped_relatives_are_told_apart(peer):
    wide = held(made(peer("torchvision"), "wide_resnet50_2"), "torchvision", "resnet50-v1.5")
    assert wide.differences[:1] == [
        "in every block the first and second convolutions give 2 times the paper's channels:"
        " 128, 256, 512 and 1024 in its stages, the paper's 64, 128, 256 and 512"
    ]
    grouped = held(made(peer("torchvision"), "resnext50_32x4d"), "torchvision", "resnet50-v1.5")
    assert "in every block the second convolution works in 32 groups, the paper's in 1" in (
        grouped.differences
    )


@pytest.mark.slow
def test_the_hubs_classes_return_more_than_scores(peer):
    library = peer("transformers")
    config = library.ResNetConfig(
        embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2],
        layer_type="basic", num_labels=10,
    )  # fmt: skip
    torch.manual_seed(0)
    found = held(library.ResNetForImageClassification(config), "transformers", "resnet18")
    assert found.differences == [
        "it returns an ImageClassifierOutputWithNoAttention with 1 tensor, the paper's the scores"
        " alone"
    ]

"""Files that are sound and not ours to read: each is told by what it is."""

import re
import tarfile

import pytest
import torch
from PIL import Image

import deepres


def small(name="resnet14-b"):
    return dict(deepres.create(name, seed=1).state_dict())


def test_files_that_are_no_weights(tmp_path, refused):
    path = tmp_path / "resnet20.pth"
    for content, told in (
        (b"", "is empty"),
        (b"resnet20, trained with care\n" * 9, "is a text file"),
        ("Gewichte für ResNet\n".encode() * 40, "is a text file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "is a Git LFS pointer"),
        (b"<!DOCTYPE html><html>404</html>", "is a web page"),
        (b"<html>quota exceeded</html>", "is a web page"),
        (b"\x1f\x8b\x08\x00" + bytes(99), "is packed by gzip"),
        (b"\x93NUMPY\x01\x00v\x00", "is a single NumPy array"),
        (b"PK\x05\x06" + bytes(18), "is an empty zip archive"),
        (bytes(range(256)) * 8, "is no weights file that can be told by its content"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0" + bytes(40), "is no weights file"),  # ONNX
    ):
        path.write_bytes(content)
        assert told in refused(path), content[:20]
    Image.new("RGB", (8, 8)).save(path, "PNG")
    assert "is a PNG picture" in refused(path)
    with tarfile.open(path, "w") as archive:
        archive.add(__file__)
    assert "is a tar archive" in refused(path)


def test_folders_and_names_that_are_not_there(tmp_path, refused):
    (tmp_path / "in").mkdir()
    assert "holds neither model.safetensors nor pytorch_model.bin" in refused(tmp_path / "in")
    assert "there is no such file or folder" in refused(tmp_path / "none.pth")


def tampered(tmp_path, change):
    tensors = small()
    change(tensors)
    path = tmp_path / "cifar10_resnet8.pt"
    torch.save(tensors, path)
    return path


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.pop("layer2.0.bn2.running_mean"), "lacks layer2.0.bn2.running_mean"),
        (lambda t: t.pop("conv1.weight"), "no kind of ResNet file"),
        (lambda t: t.pop("layer2.0.conv1.weight"), "lacks layer2.0.conv1.weight"),
        (lambda t: t.pop("fc.bias"), "lacks fc.bias"),
        (lambda t: t.update({"aux.weight": torch.ones(3)}), "has aux.weight"),
        (lambda t: t.update({"layer1.0.conv7.weight": torch.ones(3)}), "layer1.0.conv7.weight"),
        (
            lambda t: t.update({"layer1.7.conv1.weight": torch.ones(16, 16, 3, 3)}),
            "lacks layer1.2.conv1.weight",
        ),
        (
            lambda t: t.update({"layer2.0.conv2.weight": torch.ones(32, 32, 1, 1)}),
            "layer2.0.conv2.weight is (32, 32, 1, 1); this network's is (32, 32, 3, 3)",
        ),
        (lambda t: t.update({"bn1.bias": torch.ones(17)}), "bn1.bias is (17,)"),
        (
            lambda t: t.update({"fc.weight": torch.ones(10, 32)}),
            "fc.weight is (10, 32); this network's is (10, 64)",
        ),
        (lambda t: t.update({"fc.weight": torch.tensor(1.0)}), "fc.weight is a single number"),
        (lambda t: t["layer3.0.bn1.weight"].fill_(float("nan")), "layer3.0.bn1.weight holds NaN"),
        (lambda t: t["conv1.weight"][3, 2, 1].fill_(float("inf")), "conv1.weight holds NaN"),
        (
            lambda t: [t.pop(k) for k in list(t) if k.startswith("layer2.0.downsample")],
            "layer2.0 lacks a projection",
        ),
        (
            lambda t: t.update(
                {k.replace("layer2.0", "layer1.0"): v for k, v in t.items() if "sample" in k}
            ),
            "layer1.0 has a projection",
        ),
    ],
)
def test_a_tensor_that_is_missing_extra_misshapen_or_lost_is_named(tmp_path, refused, change, told):
    assert told in refused(tampered(tmp_path, change))


def test_a_tensor_of_an_authors_is_named_as_its_author_did(tmp_path, refused):
    tensors = small("resnet14")
    names = {re.sub(r"^fc", "linear", name): tensor for name, tensor in tensors.items()}
    names["layer3.0.bn2.bias"] = torch.ones(63)
    names["linear.weight"] = names["linear.weight"].double()
    path = tmp_path / "x.th"
    torch.save(names, path)
    assert "layer3.0.bn2.bias is (63,)" in refused(path)
    names["layer3.0.bn2.bias"] = torch.ones(64)
    names["linear.bias"] = torch.full((10,), float("nan"))
    torch.save(names, path)
    assert "linear.bias holds NaN" in refused(path)


NOT_THE_PAPERS = {
    "features.denseblock1.denselayer1.norm1.weight": "is a DenseNet",
    "layer1.0.se.fc1.weight": "squeeze-and-excitation",
    "layer1.0.fc1.weight": "squeeze-and-excitation",
    "conv1.3.weight": "has a deep stem",
    "layer2.0.downsample.2.weight": "is a ResNet-D",
    "features.0.weight": "is a VGG or AlexNet",
    "cls_token": "is a vision transformer",
    "rpn.head.conv.weight": "is a detector",
}


@pytest.mark.parametrize("key", NOT_THE_PAPERS)
def test_other_peoples_ideas_are_called_by_their_names(tmp_path, refused, key):
    path = tmp_path / "model.pth"
    torch.save(small() | {key: torch.ones(2, 2)}, path)
    assert NOT_THE_PAPERS[key] in refused(path)


def test_shapes_tell_what_names_do_not(tmp_path, refused):
    path = tmp_path / "model.pth"
    bottleneck = dict(deepres.create("resnet14-v1.5-bottleneck-1.1.1.1").state_dict())
    torch.save(bottleneck | {"layer1.0.conv2.weight": torch.ones(64, 2, 3, 3)}, path)
    assert "is a ResNeXt: its 3x3 convolutions work in 32 groups" in refused(path)
    torch.save(bottleneck | {"layer1.0.conv2.weight": torch.ones(128, 128, 3, 3)}, path)
    assert "is a wide ResNet: its first bottleneck is 128 wide" in refused(path)
    groups = {k: v for k, v in bottleneck.items() if "running" not in k and "batches" not in k}
    torch.save(groups, path)
    assert "has no running statistics" in refused(path)
    torch.save({k: v for k, v in bottleneck.items() if not k.startswith("bn1.")}, path)
    assert "pre-activation" in refused(path)
    stem = {"conv1.weight": torch.ones(16, 3, 5, 5)}
    torch.save(small() | stem, path)
    assert "no kind of ResNet file" in refused(path)
    widths = {k: torch.ones([24 if n == 16 else n for n in v.shape]) for k, v in small().items()}
    torch.save(widths, path)
    assert "are not in the paper" in refused(path)

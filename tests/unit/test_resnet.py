"""The networks against the paper's numbers and against the same arithmetic in NumPy."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import deepres
from deepres.models.count import count
from deepres.models.resnet import ResNet
from deepres.models.zoo import arch


def by_hand(made):
    """Parameters and multiply-adds from Table 1's rows alone, no network built."""
    edge = 112 if made.stem == "7x7" else 32
    kernel = 49 if made.stem == "7x7" else 9
    convolutions = [(kernel, 3, made.widths[0], edge)]
    edge = edge // 2 if made.stem == "7x7" else edge
    channels = made.widths[0]
    for stage, (depth, width) in enumerate(zip(made.depths, made.widths, strict=True)):
        for block in range(depth):
            before = edge
            if stage and not block:
                edge //= 2
            if made.block == "basic":
                out = width
                convolutions += [(9, channels, width, edge), (9, width, width, edge)]
            else:
                out = 4 * width
                first = edge if made.stride_at == "first" else before
                convolutions += [(1, channels, width, first), (9, width, width, edge)]
                convolutions += [(1, width, out, edge)]
            grows = channels != out or before != edge
            if made.shortcut == "C" or (made.shortcut == "B" and grows):
                convolutions.append((1, channels, out, edge))
            channels = out
    weights = sum(k * i * o for k, i, o, _ in convolutions)
    norms = sum(2 * o for _, _, o, _ in convolutions)
    work = sum(k * i * o * e * e for k, i, o, e in convolutions)
    classifier = channels * made.classes
    return weights + norms + classifier + made.classes, work + classifier


def size_of(name):
    made = arch(name)
    with torch.device("meta"):
        return count(ResNet(made), made.input_size)


@pytest.mark.parametrize(
    "name",
    ["plain20", "resnet20", "resnet56-b", "resnet44-c", "resnet110", "resnet32-a-both", "plain18"]
    + ["resnet18", "resnet34-a", "resnet34-c", "resnet50", "resnet50-v1.5", "resnet101-c"]
    + ["resnet152", "resnet18-cifar", "resnet50-v1.5-cifar", "resnet164-bottleneck"],
)
def test_measured_size_equals_the_sum_over_layers(name):
    found = size_of(name)
    assert (found.parameters, found.multiply_adds) == by_hand(arch(name))
    assert found.layers == arch(name).layers


# paper.md: exact parameters by option (A or plain, B, C).
@pytest.mark.parametrize(
    ("layers", "a", "b", "c"),
    [
        (20, 269_722, 272_474, 283_962),
        (32, 464_154, 466_906, 489_594),
        (44, 658_586, 661_338, 695_226),
        (56, 853_018, 855_770, 900_858),
        (110, 1_727_962, 1_730_714, 1_826_202),
        (1202, 19_421_274, 19_424_026, 20_538_714),
    ],
)
def test_parameters_of_section_4_2(layers, a, b, c):
    sizes = [by_hand(arch(f"resnet{layers}{suffix}"))[0] for suffix in ("", "-b", "-c")]
    assert sizes == [a, b, c]
    assert by_hand(arch(f"plain{layers}"))[0] == a
    if layers < 1202:
        assert size_of(f"resnet{layers}").parameters == a


# paper.md: multiply-adds in units of 1e9, as printed there, by option.
@pytest.mark.parametrize(
    ("name", "printed", "digits"),
    [
        ("resnet18-a", 1.795, 3),
        ("plain18", 1.795, 3),
        ("resnet18", 1.814, 3),
        ("resnet18-c", 1.878, 3),
        ("resnet34-a", 3.644, 3),
        ("plain34", 3.644, 3),
        ("resnet34", 3.664, 3),
        ("resnet34-c", 3.831, 3),
        ("resnet50", 3.86, 2),
        ("resnet50-v1.5", 4.09, 2),
        ("resnet101", 7.57, 2),
        ("resnet152", 11.28, 2),
    ],
)
def test_multiply_adds_of_table_1(name, printed, digits):
    assert round(size_of(name).multiply_adds / 1e9, digits) == printed


def numpy_forward(network, x):
    """The same network in NumPy: loops over kernel positions, nothing shared with torch."""
    state = {k: v.numpy() for k, v in network.state_dict().items()}

    def conv(x, name, stride):
        w = state[name + ".weight"]
        edge, pad = w.shape[2], w.shape[2] // 2
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        height = (x.shape[2] - edge) // stride + 1
        out = np.zeros((x.shape[0], w.shape[0], height, height))
        for i in range(edge):
            for j in range(edge):
                window = x[:, :, i : i + stride * height : stride, j : j + stride * height : stride]
                out += np.einsum("nchw,oc->nohw", window, w[:, :, i, j])
        return out

    def bn(x, name):
        g, b, m, v = (
            state[f"{name}.{k}"][:, None, None]
            for k in ("weight", "bias", "running_mean", "running_var")
        )
        return g * (x - m) / np.sqrt(v + 1e-5) + b

    def relu(x):
        return np.maximum(x, 0)

    made = network.arch
    x = relu(bn(conv(x, "conv1", 2 if made.stem == "7x7" else 1), "bn1"))
    if made.stem == "7x7":
        x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))  # x is not negative: zero never wins
        height = (x.shape[2] - 3) // 2 + 1
        parts = [
            x[:, :, i : i + 2 * height : 2, j : j + 2 * height : 2]
            for i in range(3)
            for j in range(3)
        ]
        x = np.max(parts, axis=0)
    for stage, depth in enumerate(made.depths, 1):
        for block in range(depth):
            at, stride = f"layer{stage}.{block}.", 2 if stage > 1 and block == 0 else 1
            first = stride if made.block == "basic" or made.stride_at == "first" else 1
            f = relu(bn(conv(x, at + "conv1", first), at + "bn1"))
            if made.block == "basic":
                f = bn(conv(f, at + "conv2", 1), at + "bn2")
            else:
                f = relu(bn(conv(f, at + "conv2", stride // first), at + "bn2"))
                f = bn(conv(f, at + "conv3", 1), at + "bn3")
            if made.shortcut != "none":
                if at + "downsample.0.weight" in state:
                    y = bn(conv(x, at + "downsample.0", stride), at + "downsample.1")
                else:
                    y = x[:, :, ::stride, ::stride]
                    new = f.shape[1] - y.shape[1]
                    before = new // 2 if made.shortcut == "A-both" else 0
                    y = np.pad(y, ((0, 0), (before, new - before), (0, 0), (0, 0)))
                f = f + y
            x = relu(f)
    return x.mean((2, 3)) @ state["fc.weight"].T + state["fc.bias"]


def shaken(network):
    """Random BN parameters and statistics, so that a swap of any two shows."""
    generator = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 1.5, generator=generator)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_(0, 0.2, generator=generator)
    return network.eval().double()


@pytest.mark.parametrize(
    ("name", "edge"),
    [("plain8", 12), ("resnet8", 12), ("resnet8-a-both", 12), ("resnet14-b", 12)]
    + [("resnet14-c", 12), ("resnet11-bottleneck", 12), ("resnet11-v1.5-bottleneck", 12)]
    + [("resnet18-a", 64), ("resnet18", 64), ("plain18", 64), ("resnet18-cifar", 16)]
    + [("resnet50", 64), ("resnet50-v1.5", 64)],
)
def test_forward_equals_numpy(name, edge):
    network = shaken(deepres.create(name, 7, seed=3))
    x = np.random.default_rng(0).normal(size=(2, 3, edge, edge))
    with torch.no_grad():
        ours = network(torch.from_numpy(x)).numpy()
    theirs = numpy_forward(network, x)
    assert np.abs(ours - theirs).max() <= 1e-10 * np.abs(theirs).max()


def test_caffe_pools_without_padding_and_rounds_up():
    maps = deepres.create("resnet18-ceil").eval().features(torch.rand(1, 3, 224, 224))
    assert [m.shape[-1] for m in maps.values()] == [56, 56, 28, 14, 7]
    x = torch.rand(1, 64, 112, 112)
    pooled = deepres.create("resnet18-ceil").maxpool(x)
    assert torch.equal(pooled[0, :, 0, 0], x[0, :, :3, :3].amax((1, 2)))
    assert torch.equal(pooled[0, :, 55, 55], x[0, :, 110:, 110:].amax((1, 2)))


def test_features_end_in_what_the_classifier_sees():
    network = deepres.create("resnet20").eval()
    x = torch.rand(2, 3, 32, 32)
    maps = list(network.features(x).values())
    assert [tuple(m.shape[1:]) for m in maps] == [(16, 32, 32)] * 2 + [(32, 16, 16), (64, 8, 8)]
    assert torch.equal(network.fc(maps[-1].mean((2, 3))), network(x))


@pytest.mark.parametrize("fan", ["in", "out"])
def test_initialisation(fan):
    network = deepres.create("resnet50", 10, seed=1, fan=fan)
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            channels = module.in_channels if fan == "in" else module.out_channels
            expected = math.sqrt(2 / (channels * module.kernel_size[0] ** 2))
            weight = module.weight.detach().double().flatten()
            # five standard errors of a normal sample's deviation and mean
            n = len(weight)
            assert abs(weight.std() / expected - 1) < 5 / math.sqrt(2 * n), name
            assert abs(weight.mean()) < 5 * expected / math.sqrt(n), name
            assert weight.abs().max() > 2.5 * expected or n < 1000, name  # not uniform
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
    weight = network.fc.weight.detach().double()
    assert abs(weight.std() * math.sqrt(2048) - 1) < 5 / math.sqrt(2 * weight.numel())
    assert (network.fc.bias == 0).all()


def test_the_seed_alone_decides_the_weights():
    one, same, other = (deepres.create("resnet20", seed=s).state_dict() for s in (4, 4, 5))
    assert all(torch.equal(one[k], same[k]) for k in one)
    assert not torch.equal(one["conv1.weight"], other["conv1.weight"])


def test_creating_leaves_torchs_own_random_numbers_alone():
    torch.manual_seed(0)
    undisturbed = torch.rand(1)
    torch.manual_seed(0)
    deepres.create("resnet8", seed=9)
    assert torch.equal(undisturbed, torch.rand(1))

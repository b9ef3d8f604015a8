"""Whatever single thing is changed in a faithful network is reported; names never matter."""

import random

import torch
from check_faithful import ClassesNet, Lambda, started
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from deepres.check.verdict import held
from deepres.errors import UserError


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def blocks(network):
    return [*network.layer1, *network.layer2, *network.layer3]


def remade(conv, **changes):
    """A convolution like another but for what is given, started as the paper's."""
    facts = {
        "in_channels": conv.in_channels,
        "out_channels": conv.out_channels,
        "kernel_size": conv.kernel_size,
        "stride": conv.stride,
        "padding": conv.padding,
        "bias": False,
    } | changes
    return started(nn.Sequential(nn.Conv2d(**facts)))[0]


def put(network, old, new):
    for module in network.modules():
        for name, child in module.named_children():
            if child is old:
                setattr(module, name, new)
                return


def exchange(**changes):
    def change(network, draw):
        conv = draw.choice(convolutions(network))
        put(network, conv, remade(conv, **changes))

    return change


def dilated(network, draw):
    conv = draw.choice(convolutions(network))
    put(network, conv, remade(conv, dilation=2, padding=2))


def grouped(network, draw):
    conv = draw.choice(convolutions(network)[1:])
    put(network, conv, remade(conv, groups=draw.choice([2, 4])))


def behind(*makers):
    """Something more behind a convolution."""

    def change(network, draw):
        conv = draw.choice(convolutions(network))
        put(network, conv, nn.Sequential(conv, draw.choice(makers)()))

    return change


def normalised(*makers):
    def change(network, draw):
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        norm = draw.choice(norms)
        put(network, norm, draw.choice(makers)(norm.num_features))

    return change


def rescaled(network, draw):
    with torch.no_grad():
        draw.choice(convolutions(network)).weight.mul_(draw.choice([0.5, 0.7, 1.5, 2]))


def begun(role, value):
    def change(network, draw):
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        nn.init.constant_(getattr(draw.choice(norms), role), value)

    return change


def shortcut(*functions):
    """Another shortcut for a block whose own is the identity."""

    def change(network, draw):
        same = [b for b in blocks(network) if not isinstance(b.shortcut, Lambda)]
        draw.choice(same).shortcut = Lambda(draw.choice(functions))

    return change


def grown(*functions):
    """Another shortcut for a block that halves the map and doubles the channels."""

    def change(network, draw):
        growing = [b for b in blocks(network) if isinstance(b.shortcut, Lambda)]
        draw.choice(growing).shortcut = Lambda(draw.choice(functions))

    return change


def padded(maps, before):
    new = maps.shape[1]
    return F.pad(maps, (0, 0, 0, 0, before, new - before))


def reshaped(*bodies):
    """Another order of the same parts in one block."""

    def change(network, draw):
        block, body = draw.choice(blocks(network)), draw.choice(bodies)
        block.forward = lambda x: body(block, x)

    return change


def headed(*heads):
    def change(network, draw):
        network.linear = draw.choice(heads)(network.linear)

    return change


def frozen(network, draw):
    draw.choice(list(network.parameters())).requires_grad_(False)


def lengthened(network, draw):
    layer = draw.choice([network.layer1, network.layer2, network.layer3])
    width = layer[-1].conv2.out_channels
    layer.append(started(type(layer[0])(width, width)))


def shared(network, draw):
    block = draw.choice(blocks(network)[:1])
    block.conv2 = block.conv1


def nothing_else(network, draw):
    network.extra = nn.Linear(3, 3)


MUTATIONS = {
    "wider kernel": exchange(kernel_size=5, padding=2),
    "narrower kernel": exchange(kernel_size=1, padding=0),
    "bias": exchange(bias=True),
    "mirrored padding": exchange(padding_mode="reflect"),
    "dilation": dilated,
    "groups": grouped,
    "activation": behind(nn.ReLU, nn.Tanh, nn.GELU, nn.LeakyReLU, nn.Softplus),
    "dropout": behind(nn.Dropout, nn.Dropout2d),
    "computation": behind(
        lambda: Lambda(lambda x: x * 1.1),
        lambda: Lambda(lambda x: x + 0.1),
        lambda: Lambda(lambda x: x.flip(3)),
        lambda: Lambda(lambda x: x.roll(1, 1)),
        lambda: Lambda(lambda x: x.detach() + x - x.detach() * 1.5),
        lambda: Lambda(lambda x: -x),
    ),
    "normalisation": normalised(
        lambda channels: nn.Identity(),
        lambda channels: nn.BatchNorm2d(channels, affine=False),
        lambda channels: nn.BatchNorm2d(channels, track_running_stats=False),
        lambda channels: nn.GroupNorm(4, channels),
        lambda channels: nn.InstanceNorm2d(channels, affine=True),
        lambda channels: nn.Sequential(nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)),
    ),
    "deviation": rescaled,
    "gamma": begun("weight", 0.5),
    "zero gamma": begun("weight", 0.0),
    "beta": begun("bias", 0.1),
    "shortcut": shortcut(
        lambda x: x * 0.5,
        lambda x: x.detach(),
        lambda x: x.roll(1, 1),
        lambda x: F.avg_pool2d(x, 3, 1, 1),
        lambda x: torch.zeros_like(x),
        lambda x: F.dropout(x, 0.2),
    ),
    "growing shortcut": grown(
        lambda x: padded(x[:, :, ::2, ::2], 0) * 0.9,
        lambda x: padded(x[:, :, 1::2, 1::2], 0),
        lambda x: padded(x[:, :, ::2, ::2], 3),
        lambda x: padded(x[:, :, ::2, ::2], x.shape[1]),
        lambda x: padded(F.avg_pool2d(x, 2), 0),
        lambda x: padded(F.max_pool2d(x, 2), 0),
        lambda x: padded(F.interpolate(x, scale_factor=0.5, mode="bilinear"), 0),
        lambda x: x[:, :, ::2, ::2].repeat(1, 2, 1, 1),
        lambda x: x[:, :, ::2, ::2].repeat_interleave(2, 1),
    ),
    "order": reshaped(
        lambda b, x: F.relu(b.bn2(b.conv2(b.bn1(F.relu(b.conv1(x))))) + b.shortcut(x)),
        lambda b, x: F.relu(b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x)))) + b.shortcut(x))),
        lambda b, x: F.relu(b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x)))))) + b.shortcut(x),
        lambda b, x: b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x))))) + b.shortcut(x),
        lambda b, x: F.relu(b.bn2(b.conv2(b.bn1(b.conv1(x)))) + b.shortcut(x)),
        lambda b, x: F.relu(b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x)))))),
        lambda b, x: F.relu(b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x))))) - b.shortcut(x)),
        lambda b, x: F.relu(b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x))))) * b.shortcut(x)),
        lambda b, x: torch.add(b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x))))), b.shortcut(x), alpha=2),
        lambda b, x: F.relu(b.shortcut(x)) + 0 * b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x))))),
    ),
    "head": headed(
        lambda linear: nn.Linear(64, 10, bias=False),
        lambda linear: nn.Sequential(nn.Dropout(0.5), linear),
        lambda linear: nn.Sequential(linear, nn.Softmax(1)),
        lambda linear: nn.Sequential(linear, nn.ReLU()),
        lambda linear: nn.Sequential(nn.Linear(64, 64), linear),
        lambda linear: nn.Sequential(nn.BatchNorm1d(64), linear),
    ),
    "frozen": frozen,
    "deeper": lengthened,
    "shared": shared,
    "unused": nothing_else,
}


@settings(max_examples=25)
@given(st.sampled_from(sorted(MUTATIONS)), st.integers(0, 10_000))
def test_any_single_change_is_reported(name, seed):
    torch.manual_seed(seed)
    network = started(ClassesNet(n=1))
    MUTATIONS[name](network, random.Random(seed))
    try:
        found = held(network, name, "resnet8")
    except UserError:  # it does not even run
        return
    assert not found.same, (name, found)


class Named(nn.Module):
    """A network that calls its parts by arbitrary names and registers them in arbitrary order."""

    def __init__(self, names, draw):
        super().__init__()
        plan, inputs = [("stem", 3, 16, 1)], 16
        for stage, width in enumerate((16, 32, 64)):
            plan += [(f"a{stage}", inputs, width, width // inputs), (f"b{stage}", width, width, 1)]
            inputs = width
        parts = {"head": nn.Linear(64, 10)}
        for part, i, o, stride in plan:
            parts[f"conv {part}"] = nn.Conv2d(i, o, 3, stride, 1, bias=False)
            parts[f"norm {part}"] = nn.BatchNorm2d(o)
        self.called = dict(zip(parts, names, strict=False))
        for part in draw.sample(sorted(parts), len(parts)):
            self.add_module(self.called[part], parts[part])

    def part(self, name, x):
        return getattr(self, self.called[name])(x)

    def layer(self, name, x):
        return self.part(f"norm {name}", self.part(f"conv {name}", x))

    def forward(self, x):
        x = self.layer("stem", x).relu()
        for stage in range(3):
            f = self.layer(f"b{stage}", self.layer(f"a{stage}", x).relu())
            if stage:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, x.shape[1]))
            x = (x + f).relu()
        return self.part("head", x.mean((2, 3)))


words = st.sampled_from(["conv", "bn", "downsample", "shortcut", "layer", "fc", "skip", "proj"])
names = st.lists(st.tuples(words, st.integers(0, 99)), min_size=15, max_size=15, unique=True)


@settings(max_examples=6)
@given(names, st.integers(0, 10_000))
def test_names_and_their_order_never_matter(chosen, seed):
    torch.manual_seed(seed)
    network = started(Named([f"{word}{n}" for word, n in chosen], random.Random(seed)))
    found = held(network, "named", "resnet8")
    assert found.same, found

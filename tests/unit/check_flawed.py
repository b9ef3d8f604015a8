"""Networks that circulate under the paper's names and are not the paper's, each for one reason."""

import torch
from check_faithful import BasicBlock, ClassesNet, Functional, Lambda, started, zeros_at_end
from torch import nn
from torch.nn import functional as F
from torch.nn import init

from deepres import create


class Small(ClassesNet):
    """Eight layers, which are enough to be wrong."""

    def __init__(self, n=1, **options):
        super().__init__(n, **options)


class Block(BasicBlock):
    """A basic block whose parts can be exchanged."""

    def __init__(self, in_planes, planes, stride=1, shortcut=zeros_at_end, dropout=0.0):
        super().__init__(in_planes, planes, stride, shortcut)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.dropout(out)
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


def no_relu():
    class Linear(Block):
        def forward(self, x):
            return F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))) + self.shortcut(x))

    return started(Small(block=Linear))


def relu_before_addition():
    class Early(Block):
        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out))) + self.shortcut(x)

    return started(Small(block=Early))


def extra_relu():
    class Twice(Block):
        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(F.relu(self.bn2(self.conv2(out))) + self.shortcut(x))

    return started(Small(block=Twice))


def no_last_relu():
    class Open(Block):
        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return self.bn2(self.conv2(out)) + self.shortcut(x)

    return started(Small(block=Open))


def bn_after_addition():
    class Late(Block):
        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out) + self.shortcut(x)))

    return started(Small(block=Late))


def relu_then_bn():
    class Swapped(Block):
        def forward(self, x):
            out = self.bn1(F.relu(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))

    return started(Small(block=Swapped))


def no_bn():
    class Bare(Block):
        def forward(self, x):
            out = F.relu(self.conv1(x))
            return F.relu(self.conv2(out) + self.shortcut(x))

    network = started(Small(block=Bare))
    for block in (*network.layer1, *network.layer2, *network.layer3):
        del block.bn1, block.bn2
    return network


def dropout():
    return started(Small(block=Block, dropout=0.3))


class Projected(Block):
    """Option B; with `always` option C; with `bn` False a bare projection."""

    def __init__(self, in_planes, planes, stride=1, always=False, bn=True):
        super().__init__(in_planes, planes, stride)
        if always or in_planes != planes:
            conv = nn.Conv2d(in_planes, planes, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(planes)) if bn else conv


def option_b():
    return started(Small(block=Projected))


def option_c():
    return started(Small(block=Projected, always=True))


def bare_projection():
    return started(Small(block=Projected, bn=False))


def averaged():
    def shrunk(planes, x):
        return F.pad(F.avg_pool2d(x, 2), (0, 0, 0, 0, 0, planes // 2))

    return started(Small(shortcut=shrunk))


def stride_lost():
    network = started(Small())
    block = network.layer3[0]
    block.conv1.stride = (1, 1)
    block.shortcut = Lambda(lambda x: F.pad(x, (0, 0, 0, 0, 0, 32)))
    return network


def stride_moved():
    """The second block of stage 2 shrinks the map instead of the first."""
    network = started(Small(n=3))
    first, second = network.layer2[0], network.layer2[1]
    first.conv1.stride, second.conv1.stride = (1, 1), (2, 2)
    first.shortcut = Lambda(lambda x: F.pad(x, (0, 0, 0, 0, 0, 16)))
    second.shortcut = Lambda(lambda x: x[:, :, ::2, ::2])
    return network


def conv_biases():
    network = Small()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = nn.Parameter(torch.zeros(module.out_channels))
    return started(network)


def two_blocks():
    return started(Small(n=2))


def default_start():
    return Small()


def glorot_start():
    network = Small()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            init.xavier_normal_(module.weight)
    return network


def fan_out_start():
    network = Small()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def zero_gamma():
    network = started(Small())
    for module in network.modules():
        if isinstance(module, BasicBlock):
            init.zeros_(module.bn2.weight)
    return network


def with_log_softmax():
    class Ended(Small):
        def forward(self, x):
            return F.log_softmax(super().forward(x), dim=1)

    return started(Ended())


def with_softmax():
    class Ended(Small):
        def forward(self, x):
            return super().forward(x).softmax(1)

    return started(Ended())


def with_features():
    class Two(Small):
        def forward(self, x):
            scores = super().forward(x)
            return scores, x

    return started(Two())


def detached():
    """The gradient does not go through the shortcuts; the outputs say nothing of it."""

    class Cut(Block):
        def forward(self, x):
            with torch.no_grad():
                identity = self.shortcut(x)
            return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + identity)

    return started(Small(block=Cut))


def scaled():
    class Tenth(Block):
        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out)) * 0.1 + self.shortcut(x))

    return started(Small(block=Tenth))


def layer_scale():
    """A learned factor, 1 at first, so that nothing shows in the outputs yet."""

    class Scaled(Block):
        def __init__(self, *sizes):
            super().__init__(*sizes)
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out)) * self.scale + self.shortcut(x))

    return started(Small(block=Scaled))


def gated():
    """Squeeze and excitation."""

    class Gated(Block):
        def __init__(self, in_planes, planes, stride=1):
            super().__init__(in_planes, planes, stride)
            self.down, self.up = nn.Linear(planes, planes // 2), nn.Linear(planes // 2, planes)

        def forward(self, x):
            out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            gate = self.up(F.relu(self.down(out.mean((2, 3))))).sigmoid()
            return F.relu(out * gate[:, :, None, None] + self.shortcut(x))

    return started(Small(block=Gated))


def subtracted():
    class Minus(Block):
        def forward(self, x):
            out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(self.shortcut(x) - out)

    return started(Small(block=Minus))


def half_added():
    class Half(Block):
        def forward(self, x):
            out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(torch.add(out, self.shortcut(x), alpha=0.5))

    return started(Small(block=Half))


def turned():
    """Pictures turned to their negative, maps mirrored twice."""

    class Flipped(Functional):
        def layer(self, x, index, stride):
            return super().layer(x.flip(2).flip(2) if index else -x, index, stride)

    return Flipped()


def negated():
    class Negated(Small):
        def forward(self, x):
            self.conv1.weight.data.neg_()
            return super().forward(x)

    return started(Negated())


def frozen_statistics():
    class Frozen(nn.BatchNorm2d):
        def train(self, mode=True):
            return super().train(False)

    return exchanged(nn.BatchNorm2d, lambda bn: Frozen(bn.num_features).eval())


def exchanged(kind, made):
    """Every module of a kind replaced by another."""
    network = started(Small())
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, kind):
                setattr(module, name, made(child))
    return network


def no_statistics():
    return exchanged(
        nn.BatchNorm2d, lambda bn: nn.BatchNorm2d(bn.num_features, track_running_stats=False)
    )


def group_normalisation():
    return exchanged(nn.BatchNorm2d, lambda bn: nn.GroupNorm(4, bn.num_features))


def no_scale():
    return exchanged(nn.BatchNorm2d, lambda bn: nn.BatchNorm2d(bn.num_features, affine=False))


def large_epsilon():
    return exchanged(nn.BatchNorm2d, lambda bn: nn.BatchNorm2d(bn.num_features, eps=1e-3))


def leaky():
    class Leaky(Block):
        def forward(self, x):
            out = F.leaky_relu(self.bn1(self.conv1(x)), 0.1)
            return F.leaky_relu(self.bn2(self.conv2(out)) + self.shortcut(x), 0.1)

    class Net(Small):
        def forward(self, x):
            out = F.leaky_relu(self.bn1(self.conv1(x)), 0.1)
            out = self.layer3(self.layer2(self.layer1(out)))
            return self.linear(out.mean((2, 3)))

    return started(Net(block=Leaky))


def relu6_in_one_block():
    class Six(Block):
        def forward(self, x):
            out = F.relu6(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))

    network = started(Small(n=3))
    network.layer2[1] = started(Six(32, 32))
    return network


def one_shortcut_missing():
    network = started(Small(n=3))
    block = network.layer2[1]
    block.forward = lambda x: F.relu(block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x))))))
    return network


def in_place():
    """A ReLU that writes over the block's input: outputs are the same, training is impossible."""

    class Own(Block):
        def forward(self, x):
            x = F.relu(x, inplace=True)
            return super().forward(x)

    return started(Small(block=Own))


def grouped():
    network = Small()
    network.layer2[0].conv2 = nn.Conv2d(32, 32, 3, 1, 1, groups=2, bias=False)
    return started(network)


def narrower_branch():
    network = Small(n=3)
    block = network.layer1[1]
    block.conv1, block.bn1 = nn.Conv2d(16, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8)
    block.conv2 = nn.Conv2d(8, 16, 3, 1, 1, bias=False)
    return started(network)


def five_by_five():
    network = Small(n=3)
    network.layer3[2].conv2 = nn.Conv2d(64, 64, 5, 1, 2, bias=False)
    return started(network)


def max_pooled_at_the_end():
    class Most(Small):
        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.layer3(self.layer2(self.layer1(out)))
            return self.linear(out.amax((2, 3)))

    return started(Most())


def dropout_before_classifier():
    network = started(Small())
    network.linear = nn.Sequential(nn.Dropout(0.5), network.linear)
    return network


def no_classifier_bias():
    network = Small()
    network.linear = nn.Linear(64, 10, bias=False)
    return started(network)


def two_classifiers():
    network = Small()
    network.linear = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return started(network)


def lonely_layer_start():
    network = started(Small())
    with torch.no_grad():
        network.layer2[0].conv1.weight.mul_(2)
    return network


def unused():
    network = started(Small())
    network.auxiliary = nn.Linear(64, 10)
    return network


def one_bn_for_all():
    network = started(Small())
    for block in network.layer1:
        block.bn2 = block.bn1
    return network


def wide():
    """Twice the widths."""
    network = Wide()
    return started(network)


class Wide(Small):
    def __init__(self):
        nn.Module.__init__(self)
        self.in_planes = 32
        self.conv1, self.bn1 = nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32)
        self.layer1 = self._make_layer(BasicBlock, 32, 3, 1, {})
        self.layer2 = self._make_layer(BasicBlock, 64, 3, 2, {})
        self.layer3 = self._make_layer(BasicBlock, 128, 3, 2, {})
        self.linear = nn.Linear(128, 10)


class PreBlock(nn.Module):
    """Later work's block: BN and ReLU before each convolution, nothing after the addition."""

    def __init__(self, inputs, planes, stride=1):
        super().__init__()
        self.bn1, self.conv1 = (
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, planes, 3, stride, 1, bias=False),
        )
        self.bn2, self.conv2 = (
            nn.BatchNorm2d(planes),
            nn.Conv2d(planes, planes, 3, 1, 1, bias=False),
        )
        if inputs != planes:
            self.shortcut = nn.Conv2d(inputs, planes, 1, stride, bias=False)

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        return self.conv2(F.relu(self.bn2(out))) + shortcut


def pre_activation():
    class Pre(Small):
        def __init__(self):
            super().__init__(block=PreBlock)
            self.bn1 = nn.BatchNorm2d(64)

        def forward(self, x):
            out = self.layer3(self.layer2(self.layer1(self.conv1(x))))
            out = F.relu(self.bn1(out)).mean((2, 3))
            return self.linear(out)

    return started(Pre())


# What is called ResNet-18 and so on over a 3x3 stem: Table 1's body, four stages from 64 channels.


class WideBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class WideNet(nn.Module):
    def __init__(self, depths=(2, 2, 2, 2), num_classes=10):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        inputs, layers = 64, []
        for width, depth, stride in zip((64, 128, 256, 512), depths, (1, 2, 2, 2), strict=True):
            for number in range(depth):
                layers.append(WideBlock(inputs, width, stride if number == 0 else 1))
                inputs = width
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(512, num_classes)

    def forward(self, x):
        out = self.layers(F.relu(self.bn1(self.conv1(x))))
        return self.linear(F.avg_pool2d(out, 4).view(x.size(0), -1))


def wide_18():
    return WideNet()


class Bottleneck(nn.Module):
    """Its stride is on the 3x3; its shortcut is option B."""

    def __init__(self, inputs, planes, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = (
            nn.Conv2d(planes, 4 * planes, 1, bias=False),
            nn.BatchNorm2d(4 * planes),
        )
        self.downsample = None
        if stride != 1 or inputs != 4 * planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * planes, 1, stride, bias=False), nn.BatchNorm2d(4 * planes)
            )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


def bottleneck_164():
    """Published as ResNet-110: (110 - 2) / 6 blocks a stage, but of three convolutions."""
    n = (110 - 2) // 6
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    inputs = 16
    for width in (16, 32, 64):
        for number in range(n):
            layers.append(Bottleneck(inputs, width, 2 if width > 16 and number == 0 else 1))
            inputs = 4 * width
    layers += [nn.AvgPool2d(8), nn.Flatten(), nn.Linear(256, 10)]
    network = nn.Sequential(*layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            n = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            module.weight.data.normal_(0, (2.0 / n) ** 0.5)
    return network


def no_max_pool():
    """A 7x7 stem whose max-pooling was forgotten, over Table 1's body."""

    class Unpooled(WideNet):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)

        def forward(self, x):
            out = self.layers(F.relu(self.bn1(self.conv1(x))))
            return self.linear(F.adaptive_avg_pool2d(out, 1).flatten(1))

    return started(Unpooled())


class OneByOne(nn.Module):
    """The paper's network, called once for each picture."""

    def __init__(self):
        super().__init__()
        self.network = create("resnet8")

    def forward(self, x):
        return torch.cat([self.network(picture[None]) for picture in x])


def one_by_one():
    return OneByOne()

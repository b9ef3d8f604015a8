"""The paper's networks as people write them, each in another style, all of them faithful."""

from functools import partial
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn import init


def started(network):
    """Sec. 3.4: normal with sqrt(2 / fan_in)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight)
    return network


# Classes, a lambda for the shortcut, F.relu, an average pooling of the last map's size.


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def zeros_at_end(planes, x):
    return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, planes // 2))


def zeros_on_both_sides(planes, x):
    return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, planes // 4, planes // 4), "constant", 0)


class BasicBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1, shortcut=zeros_at_end):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = Lambda(partial(shortcut, planes))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ClassesNet(nn.Module):
    def __init__(self, n=3, num_classes=10, block=BasicBlock, **options):
        super().__init__()
        self.in_planes = 16
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._make_layer(block, 16, n, 1, options)
        self.layer2 = self._make_layer(block, 32, n, 2, options)
        self.layer3 = self._make_layer(block, 64, n, 2, options)
        self.linear = nn.Linear(64, num_classes)

    def _make_layer(self, block, planes, blocks, stride, options):
        layers = []
        for s in [stride] + [1] * (blocks - 1):
            layers.append(block(self.in_planes, planes, s, **options))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, out.size()[3])
        return self.linear(out.view(out.size(0), -1))


def classes(**options):
    return started(ClassesNet(**options))


def both_sides():
    return started(ClassesNet(shortcut=zeros_on_both_sides))


# One ReLU for all, concatenation with zeros, flat lists of blocks, mean over the axes.


class ConvBN(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.norm = nn.BatchNorm2d(outputs)
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)

    def forward(self, x):
        return self.norm(self.conv(x))


class Wrapped(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.second = ConvBN(outputs, outputs)
        self.first = ConvBN(inputs, outputs, outputs // inputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        identity = x
        f = self.second(self.relu(self.first(x)))
        if f.shape[1] != x.shape[1]:
            identity = F.avg_pool2d(identity, 1, 2)
            identity = torch.cat((identity, identity.mul(0)), dim=1)
        f += identity
        return self.relu(f * 1.0 + torch.zeros_like(f))


class FlatNet(nn.Module):
    def __init__(self):
        super().__init__()
        channels = [16] * 4 + [32] * 3 + [64] * 3
        self.blocks = nn.ModuleList(Wrapped(*c) for c in pairwise(channels))
        self.stem = ConvBN(3, 16)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        x = self.stem(x).clamp(min=0)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(3).mean(2))


def flat():
    return started(FlatNet())


# Functions and a dictionary of parameters, zeros assigned, no modules but the outermost one.


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterDict()
        for index, (i, o, _) in enumerate(self.plan()):
            weight = nn.Parameter(torch.randn(o, i, 3, 3) * (2 / (9 * i)) ** 0.5)
            self.weights[f"w{index}"] = weight
            self.weights[f"gamma{index}"] = nn.Parameter(torch.ones(o))
            self.weights[f"beta{index}"] = nn.Parameter(torch.zeros(o))
            self.register_buffer(f"mean{index}", torch.zeros(o))
            self.register_buffer(f"var{index}", torch.ones(o))
        self.weights["fc"] = nn.Parameter(torch.randn(10, 64) / 8)
        self.weights["b"] = nn.Parameter(torch.zeros(10))

    @staticmethod
    def plan():
        widths = [16] * 3 + [32] * 3 + [64] * 3
        inputs = [16, *widths]
        yield 3, 16, 1
        for before, width in zip(inputs, widths, strict=False):
            yield before, width, width // before
            yield width, width, 1

    def layer(self, x, index, stride):
        w = self.weights
        x = F.conv2d(x, w[f"w{index}"], stride=stride, padding=1)
        mean, var = getattr(self, f"mean{index}"), getattr(self, f"var{index}")
        return F.batch_norm(
            x, mean, var, w[f"gamma{index}"], w[f"beta{index}"], self.training, 0.1, 1e-5
        )

    def forward(self, x):
        plan = list(self.plan())
        x = torch.relu(self.layer(x, 0, 1))
        for index in range(1, len(plan), 2):
            stride = plan[index][2]
            f = F.threshold(self.layer(x, index, stride), 0, 0)
            f = self.layer(f, index + 1, 1)
            shortcut = torch.zeros_like(f)
            shortcut[:, : x.shape[1]] = x[..., ::stride, ::stride]
            x = torch.relu_(shortcut + f)
        return torch.addmm(self.weights["b"], x.flatten(2).mean(2), self.weights["fc"].t())


# Sequential all through, reused ReLU, zero padding apart from the convolutions, 1x1 classifier.


class Add(nn.Sequential):
    def forward(self, x):
        return super().forward(x) + x


class Grow(nn.Sequential):
    def forward(self, x):
        shrunk = F.max_pool2d(x, 1, 2)
        zeros = shrunk.new_zeros(shrunk.shape)
        return torch.cat([shrunk, zeros], 1).add(super().forward(x))


def sequential():
    relu = nn.ReLU()

    def branch(i, o):
        return (
            *(nn.ZeroPad2d(1), nn.Conv2d(i, o, 3, o // i, bias=False), nn.BatchNorm2d(o), relu),
            *(nn.Conv2d(o, o, 3, padding="same", bias=False), nn.BatchNorm2d(o)),
        )

    steps = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), relu]
    for width in (16, 32, 64):
        for number in range(3):
            grows = width > 16 and number == 0
            kind, inputs = (Grow, width // 2) if grows else (Add, width)
            steps += [kind(*branch(inputs, width)), relu]
    steps += [nn.AdaptiveAvgPool2d(1), nn.Conv2d(64, 10, 1), nn.Flatten()]
    return started(nn.Sequential(*steps))


class Untraceable(ClassesNet):
    """Control flow on values, which symbolic tracing cannot follow."""

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        blocks = [*self.layer1, *self.layer2, *self.layer3]
        while blocks:
            block = blocks.pop(0)
            out = block(out) if float(out.detach().sum()) > -1e30 else out
        assert out.min().item() >= 0
        return self.linear(F.adaptive_avg_pool2d(out, (1, 1)).squeeze())


def untraceable():
    return started(Untraceable())


class PlainNet(nn.Module):
    def __init__(self):
        super().__init__()
        channels = [3, *[16] * 7, *[32] * 6, *[64] * 6]
        layers = []
        for i, o in pairwise(channels):
            stride = 2 if i != o and i != 3 else 1
            layers += [nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(True)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def plain():
    return started(PlainNet())

"""Other people's networks, written down again from what is known of their files.

Nothing here looks at the readers' tables: names of modules make the keys, as they did for their
authors, and the forward says what the keys do not.
"""

import torch
from torch import nn
from torch.nn import functional as F


def conv(inputs, outputs, edge, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, edge, stride, edge // 2, bias=bias)


def shaken(network, seed=0):
    """Random weights and, which an untrained network lacks, random batch statistics."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 1.2, generator=generator)
            nn.init.normal_(module.bias, 0, 0.2, generator=generator)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(
                module.weight, 0, (1.5 / module.weight[0].numel()) ** 0.5, generator=generator
            )
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.3, generator=generator)
    return network.eval()


class Pick(nn.Module):
    """Every other pixel, then zeros for the new channels, so many of them first."""

    def __init__(self, before, after):
        super().__init__()
        self.zeros = (0, 0, 0, 0, before, after)

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], self.zeros)


class Akamaster(nn.Module):
    """16, 32, 64 channels, `linear`; a quarter of the new width in zeros on each side."""

    class Block(nn.Module):
        def __init__(self, inputs, outputs, option):
            super().__init__()
            stride = 1 if inputs == outputs else 2
            self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = conv(outputs, outputs, 3), nn.BatchNorm2d(outputs)
            self.shortcut = nn.Sequential()
            if inputs != outputs and option == "A":
                self.shortcut = Pick(outputs // 4, outputs // 4)
            elif inputs != outputs:
                self.shortcut = nn.Sequential(
                    conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
                )

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(y + self.shortcut(x))

    def __init__(self, n, option="A"):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16, 3), nn.BatchNorm2d(16)
        for stage, (inputs, width) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
            blocks = [self.Block(inputs if i == 0 else width, width, option) for i in range(n)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(F.avg_pool2d(x, x.shape[3]).flatten(1))


class AMartyn(nn.Module):
    """Stacks 1, 2a, 2b, 3a, 3b; shortcuts are an argument of the forward; ends in log-softmax."""

    class Block(nn.Module):
        def __init__(self, filters, halves):
            super().__init__()
            inputs, stride = (filters // 2, 2) if halves else (filters, 1)
            self.conv1, self.bn1 = conv(inputs, filters, 3, stride), nn.BatchNorm2d(filters)
            self.conv2, self.bn2 = conv(filters, filters, 3), nn.BatchNorm2d(filters)

        def forward(self, x, shortcuts):
            z = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            if shortcuts and x.shape != z.shape:
                picked = F.avg_pool2d(x, kernel_size=1, stride=2)
                z = z + torch.cat((picked, torch.zeros_like(picked)), dim=1)
            elif shortcuts:
                z = z + x
            return F.relu(z)

    def __init__(self, n, shortcuts):
        super().__init__()
        self.shortcuts = shortcuts
        self.convIn, self.bnIn = conv(3, 16, 3), nn.BatchNorm2d(16)
        self.stack1 = nn.ModuleList(self.Block(16, False) for _ in range(n))
        self.stack2a = self.Block(32, True)
        self.stack2b = nn.ModuleList(self.Block(32, False) for _ in range(n - 1))
        self.stack3a = self.Block(64, True)
        self.stack3b = nn.ModuleList(self.Block(64, False) for _ in range(n - 1))
        self.fcOut = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bnIn(self.convIn(x)))
        for block in (*self.stack1, self.stack2a, *self.stack2b, self.stack3a, *self.stack3b):
            x = block(x, self.shortcuts)
        return F.log_softmax(self.fcOut(x.mean((2, 3))), dim=-1)


class Kuangliu(nn.Module):
    """Table 1's body behind a 3x3 stem, `shortcut` and `linear`, stride on the 3x3."""

    class Basic(nn.Module):
        grows = 1

        def __init__(self, inputs, width, stride):
            super().__init__()
            self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)

        def residual(self, x):
            return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    class Bottleneck(nn.Module):
        grows = 4

        def __init__(self, inputs, width, stride):
            super().__init__()
            self.conv1, self.bn1 = conv(inputs, width, 1), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
            self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)

        def residual(self, x):
            x = F.relu(self.bn1(self.conv1(x)))
            return self.bn3(self.conv3(F.relu(self.bn2(self.conv2(x)))))

    def __init__(self, kind, depths, classes=10):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 64, 3), nn.BatchNorm2d(64)
        inputs = 64
        for stage, depth in enumerate(depths, 1):
            width, blocks = 32 * 2**stage, []
            for i in range(depth):
                stride = 2 if stage > 1 and i == 0 else 1
                block = kind(inputs, width, stride)
                block.shortcut = nn.Sequential()
                if stride > 1 or inputs != width * kind.grows:
                    block.shortcut = nn.Sequential(
                        conv(inputs, width * kind.grows, 1, stride),
                        nn.BatchNorm2d(width * kind.grows),
                    )
                blocks.append(block)
                inputs = width * kind.grows
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in stage:
                x = F.relu(block.residual(x) + block.shortcut(x))
        return self.linear(F.avg_pool2d(x, 4).flatten(1))


class Weiaicunzai(nn.Module):
    """The same networks again, residual functions as sequences of modules, ReLUs counted."""

    class Block(nn.Module):
        def __init__(self, inputs, width, stride, bottleneck):
            super().__init__()
            outputs = 4 * width if bottleneck else width
            layers = (
                [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
                if bottleneck
                else [(inputs, width, 3, stride), (width, width, 3, 1)]
            )
            parts = []
            for a, b, edge, step in layers:
                parts += [conv(a, b, edge, step), nn.BatchNorm2d(b), nn.ReLU()]
            self.residual_function = nn.Sequential(*parts[:-1])
            self.shortcut = nn.Sequential()
            if stride != 1 or inputs != outputs:
                self.shortcut = nn.Sequential(
                    conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
                )

        def forward(self, x):
            return F.relu(self.residual_function(x) + self.shortcut(x))

    def __init__(self, depths, bottleneck):
        super().__init__()
        self.conv1 = nn.Sequential(conv(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU())
        inputs = 64
        for name, depth, width in zip("2345", depths, (64, 128, 256, 512), strict=True):
            blocks = []
            for i in range(depth):
                stride = 2 if name != "2" and i == 0 else 1
                blocks.append(self.Block(inputs, width, stride, bottleneck))
                inputs = 4 * width if bottleneck else width
            setattr(self, f"conv{name}_x", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, 100)

    def forward(self, x):
        x = self.conv5_x(self.conv4_x(self.conv3_x(self.conv2_x(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


class Nabla(nn.Module):
    """A module named `skip_connection`, which only a projection fills with tensors."""

    class Projection(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.conv, self.bn = conv(inputs, outputs, 1, 2), nn.BatchNorm2d(outputs)

        def forward(self, x):
            return self.bn(self.conv(x))

    class Block(nn.Module):
        def __init__(self, inputs, outputs, skip):
            super().__init__()
            self.plain = skip == "plain"
            if inputs != outputs and skip == "conv1x1":
                self.skip_connection = Nabla.Projection(inputs, outputs)
            elif inputs != outputs and skip == "zeropad":
                self.skip_connection = Pick(0, outputs - inputs)
            else:
                self.skip_connection = None
            stride = 1 if inputs == outputs else 2
            self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = conv(outputs, outputs, 3), nn.BatchNorm2d(outputs)

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            if self.plain:
                return F.relu(y)
            return F.relu(y + (x if self.skip_connection is None else self.skip_connection(x)))

    def __init__(self, n, skip):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16, 3), nn.BatchNorm2d(16)
        for stage, (inputs, width) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
            blocks = [self.Block(inputs if i == 0 else width, width, skip) for i in range(n)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc(F.avg_pool2d(self.layer3(self.layer2(self.layer1(x))), 8).flatten(1))


class Torchvisions(nn.Module):
    """torchvision's names, which many kept, with what each of them changed."""

    class Block(nn.Module):
        def __init__(self, inputs, width, stride, expansion, first, bias):
            super().__init__()
            layers = [(inputs, width, 3, stride), (width, width, 3, 1)]
            if expansion == 4:
                one, three = (stride, 1) if first else (1, stride)
                layers = [
                    (inputs, width, 1, one),
                    (width, width, 3, three),
                    (width, 4 * width, 1, 1),
                ]
            for number, (a, b, edge, step) in enumerate(layers, 1):
                setattr(self, f"conv{number}", conv(a, b, edge, step, bias))
                setattr(self, f"bn{number}", nn.BatchNorm2d(b))
            self.depth, self.downsample = len(layers), None
            if stride != 1 or inputs != expansion * width:
                self.downsample = nn.Sequential(
                    conv(inputs, expansion * width, 1, stride, bias),
                    nn.BatchNorm2d(expansion * width),
                )

        def forward(self, x):
            y = x
            for number in range(1, self.depth + 1):
                y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
                y = F.relu(y) if number < self.depth else y
            return F.relu(y + (x if self.downsample is None else self.downsample(x)))

    def __init__(
        self,
        depths,
        widths,
        *,
        expansion=1,
        stem=3,
        pool=None,
        first=False,
        bias=False,
        head="fc",
        classes=10,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], stem, 2 if stem == 7 else 1, stem // 2, bias=bias)
        self.bn1, self.pool, self.head = nn.BatchNorm2d(widths[0]), pool, head
        inputs = widths[0]
        for stage, (depth, width) in enumerate(zip(depths, widths, strict=True), 1):
            blocks = []
            for i in range(depth):
                stride = 2 if stage > 1 and i == 0 else 1
                blocks.append(self.Block(inputs, width, stride, expansion, first, bias))
                inputs = expansion * width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        setattr(self, head, nn.Linear(inputs, classes))
        self.stages = len(depths)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = x if self.pool is None else self.pool(x)
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return getattr(self, self.head)(x.mean((2, 3)))

"""The networks of the paper, plain and residual, for ImageNet (Sec. 3.3) and CIFAR (Sec. 4.2).

A plain network is the same blocks without the shortcut. Names inside the state dict are
torchvision's, so that weights go both ways.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F

from ..card import Card
from ..spec import EXPANSION, Arch
from .features import additions, features
from .predict import predict


def conv(inputs: int, outputs: int, edge: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias: batch normalisation behind it brings one (Sec. 3.4)."""
    return nn.Conv2d(inputs, outputs, edge, stride, padding=edge // 2, bias=False)


class Zeros(nn.Module):
    """Option A: the identity at stride 2, new channels filled with zeros. No parameters."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.padding, self.stride = (0, 0, 0, 0, before, after), stride

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], self.padding)


def shortcut(arch: Arch, inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """What is added to F(x): Eqn (1) where dimensions agree, Eqn (2) or zeros where they grow."""
    grows = stride > 1 or inputs != outputs
    if arch.shortcut == "none":
        return None
    if arch.shortcut == "C" or (arch.shortcut == "B" and grows):
        return nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
    if not grows:
        return nn.Identity()
    before = (outputs - inputs) // 2 if arch.shortcut == "A-both" else 0
    return Zeros(before, outputs - inputs - before, stride)


class Basic(nn.Module):
    """Two 3x3 convolutions: y = F(x) + x, ReLU after the addition (Fig. 2, Fig. 5 left)."""

    def __init__(self, arch: Arch, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.downsample = shortcut(arch, inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        f = F.relu(self.bn1(self.conv1(x)))
        f = self.bn2(self.conv2(f))
        return F.relu(f if self.downsample is None else f + self.downsample(x))


class Bottleneck(nn.Module):
    """1x1 reduces, 3x3 works, 1x1 restores four times the width (Fig. 5 right)."""

    def __init__(self, arch: Arch, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        first, second = (stride, 1) if arch.stride_at == "first" else (1, stride)
        self.conv1, self.bn1 = conv(inputs, width, 1, first), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, second), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.downsample = shortcut(arch, inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        f = F.relu(self.bn1(self.conv1(x)))
        f = F.relu(self.bn2(self.conv2(f)))
        f = self.bn3(self.conv3(f))
        return F.relu(f if self.downsample is None else f + self.downsample(x))


class ResNet(nn.Module):
    """Stem, stages of blocks, global average pooling, classifier (Table 1)."""

    card: Card | None = None  # what its pictures must look like; there once weights are loaded
    mean_image: Tensor | None = None  # 3 x H x W, where the card says that one is subtracted
    predict, features, additions = predict, features, additions

    def __init__(self, arch: Arch) -> None:
        super().__init__()
        self.arch = arch
        self.conv1, self.bn1, self.maxpool = *stem(arch), pool(arch)
        inputs = arch.widths[0]
        for number, (depth, width) in enumerate(zip(arch.depths, arch.widths, strict=True), 1):
            block, outputs = BLOCKS[arch.block], width * EXPANSION[arch.block]
            strides = [1 if number == 1 else 2] + [1] * (depth - 1)
            channels = [inputs] + [outputs] * (depth - 1)
            blocks = [block(arch, c, width, s) for c, s in zip(channels, strides, strict=True)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            inputs = outputs
        self.fc = nn.Linear(inputs, arch.classes)

    def stages(self) -> Iterator[nn.Module]:
        """conv2_x to conv5_x of Table 1, or the three map sizes of Sec. 4.2."""
        return (getattr(self, f"layer{n}") for n in range(1, len(self.arch.depths) + 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for stage in self.stages():
            x = stage(x)
        return self.fc(x.mean(dim=(2, 3)))  # N x features -> N x classes


BLOCKS: dict[str, type[Basic] | type[Bottleneck]] = {"basic": Basic, "bottleneck": Bottleneck}


def stem(arch: Arch) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """7x7 at stride 2 (Table 1) or 3x3 at stride 1 (Sec. 4.2)."""
    edge, stride = (7, 2) if arch.stem.startswith("7x7") else (3, 1)
    return conv(3, arch.widths[0], edge, stride), nn.BatchNorm2d(arch.widths[0])


def pool(arch: Arch) -> nn.Module:
    """3x3 max-pool at stride 2; `-ceil` is Caffe's: no padding, a cut window at the far edge."""
    if arch.stem == "3x3":
        return nn.Identity()
    ceil = arch.stem == "7x7-ceil"
    return nn.MaxPool2d(3, 2, padding=0 if ceil else 1, ceil_mode=ceil)

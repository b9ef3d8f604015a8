"""fb.resnet.torch: Lua's networks, told by their modules, which say strides and eps themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from msgspec import structs
from torch import Tensor

from ..card import Preprocessing
from ..errors import UserError
from .cifar import classes_of
from .family import Checkpoint, Family, Profile
from .folding import OUR_EPS, folded
from .inputs import IMAGENET, Triple
from .t7 import Module, Reader
from .torchvision import NAMES as TORCHVISION

# A prefix, so that no family whose files keep less about themselves takes these for its own.
NAMES = tuple((rf"lua\.{pattern}", name) for pattern, name in TORCHVISION)
KINDS = {
    "SpatialConvolution": "conv",
    "SpatialConvolutionMM": "conv",
    "SpatialBatchNormalization": "bn",
    "Reshape": "View",
}
POOLS = {(1, False): "usual", (0, True): "ceil"}  # padding, sizes rounded up
# Of its training sets, by how many classes there are.
CIFAR: dict[int, tuple[Triple, Triple]] = {
    10: ((125.3, 123.0, 113.9), (63.0, 62.1, 66.7)),
    100: ((129.3, 124.1, 112.4), (68.2, 65.4, 70.4)),
}


class Walk:
    """A network's modules on their way to our names; refuses what ours do not have."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tensors: dict[str, Tensor] = {}
        self.config = {"pool": "usual", "stride_at": "3x3"}

    def network(self, root: Module) -> None:
        """Stem, stages, average, classifier."""
        modules = self.inside(root)
        kinds = [kind(module) for module in modules]
        first = kinds.index("Sequential") if "Sequential" in kinds else 0
        last = first + kinds[first:].count("Sequential")
        if kinds[first:last] != ["Sequential"] * (last - first) or first == last:
            raise self.other(root, f"its modules are {', '.join(kinds[:6])} ...")
        tail = [name for name in kinds[last:] if name not in ("SoftMax", "LogSoftMax")]
        pooled = kinds[3:first] == ["SpatialMaxPooling"]
        if kinds[: 3 + pooled] != kinds[:first] or kinds[:3] != ["conv", "bn", "ReLU"]:
            raise self.other(root, f"it starts with {', '.join(kinds[:first])}")
        if tail != ["SpatialAveragePooling", "View", "Linear"]:
            raise self.other(root, f"it ends in {', '.join(tail)}")
        self.unit("conv1", "bn1", modules[0], modules[1])
        if pooled:
            self.config["pool"] = self.pooling(modules[3])
        for stage, module in enumerate(modules[first:last], 1):
            for number, block in enumerate(self.inside(module)):
                self.block(block, f"layer{stage}.{number}", 2 if stage > 1 and number == 0 else 1)
        linear = modules[last + 2]
        for name in ("weight", "bias"):
            self.tensors[f"fc.{name}"] = self.tensor(linear, name)

    def block(self, block: Module, here: str, stride: int) -> None:
        """Branch and shortcut side by side, their sum, ReLU."""
        parts = self.inside(block)
        kinds = [kind(part) for part in parts]
        if kinds == ["ConcatTable", "CAddTable", "bn", "ReLU"]:
            raise self.other(block, f"{here} normalises after the addition, as the published 50")
        if kinds != ["ConcatTable", "CAddTable", "ReLU"] or len(self.inside(parts[0])) != 2:
            raise self.other(block, f"{here} is made of {', '.join(kinds)}")
        branch, beside = self.inside(parts[0])
        units = [unit for unit in self.inside(branch) if kind(unit) != "ReLU"]
        row = ["conv", "bn", "ReLU"] * (len(units) // 2)
        if [kind(unit) for unit in self.inside(branch)] != row[:-1]:
            raise self.other(branch, f"{here} has another order than conv, bn, ReLU")
        convolutions = units[::2]
        for number, (conv, norm) in enumerate(zip(convolutions, units[1::2], strict=True), 1):
            self.unit(f"{here}.conv{number}", f"{here}.bn{number}", conv, norm)
        strides = [int(self.number(conv, "dW")) for conv in convolutions]
        places = {"first": [stride, 1, 1], "3x3": [1, stride, 1]}
        if len(strides) == 3 and stride == 2 and strides in places.values():
            self.config["stride_at"] = "first" if strides == places["first"] else "3x3"
        elif strides != [stride, 1, 1][: len(strides)]:
            raise self.other(block, f"{here} strides by {strides}")
        self.shortcut(beside, here, stride)

    def shortcut(self, module: Module, here: str, stride: int) -> None:
        """Nothing, zeros behind the identity, or a projection, with or without normalisation."""
        parts = [module] if kind(module) != "Sequential" else self.inside(module)
        kinds = [kind(part) for part in parts]
        if kinds in (["conv"], ["conv", "bn"]):
            norm = parts[1] if len(parts) == 2 else None
            self.unit(f"{here}.downsample.0", f"{here}.downsample.1", parts[0], norm)
        elif kinds == ["SpatialAveragePooling", "Concat"]:
            both = [kind(half) for half in self.inside(parts[1])]
            zero = self.inside(parts[1])[-1].fields.get("constant_scalar")
            if both != ["Identity", "MulConstant"] or zero != 0:
                raise self.other(module, f"{here} joins {both} where zeros should come last")
        elif kinds != ["Identity"] or stride != 1:
            raise self.other(module, f"{here} has the shortcut {', '.join(kinds)}")
        if kinds != ["Identity"] and self.number(parts[0], "dW") != stride:
            raise self.other(module, f"{here}'s shortcut strides by {parts[0].fields['dW']:g}")

    def unit(self, conv: str, bn: str, module: Module, norm: Module | None) -> None:
        """A convolution and its normalisation; without one, its bias alone."""
        edge, weight = int(self.number(module, "kW")), self.tensor(module, "weight")
        if weight.dim() == 2 and weight.shape[1] % (edge * edge) == 0 < edge:  # MM's
            weight = weight.reshape(len(weight), -1, edge, edge)
        if int(self.number(module, "padW")) != edge // 2:
            raise self.other(module, f"{conv} is padded by {module.fields['padW']:g}")
        self.tensors[f"{conv}.weight"] = weight
        bias = module.fields.get("bias")
        bias = bias if isinstance(bias, Tensor) else None
        if norm is None:
            shift = torch.zeros(len(weight)) if bias is None else bias
            scale, mean, variance = (torch.full((len(weight),), n) for n in (1, 0, 1 - OUR_EPS))
            found = (scale.float(), shift, mean.float(), variance)
        else:
            eps = float(norm.fields.get("eps", OUR_EPS))
            statistics = self.tensor(norm, "running_mean"), self.variance(norm, eps)
            mean, variance = folded(f"{self.path}, {conv}", *statistics, bias, eps)
            found = (self.tensor(norm, "weight"), self.tensor(norm, "bias"), mean, variance)
        for name, tensor in zip(
            ("weight", "bias", "running_mean", "running_var"), found, strict=True
        ):
            self.tensors[f"{bn}.{name}"] = tensor

    def variance(self, norm: Module, eps: float) -> Tensor:
        """Files of 2015 hold 1 / sqrt(variance + eps) and call it running_std."""
        if isinstance(norm.fields.get("running_var"), Tensor):
            return self.tensor(norm, "running_var")
        return self.tensor(norm, "running_std").double() ** -2 - eps

    def pooling(self, module: Module) -> str:
        padding, ceil = int(self.number(module, "padW")), bool(module.fields.get("ceil_mode"))
        if (padding, ceil) not in POOLS or module.fields.get("kW") != 3:
            raise self.other(module, f"it pools with padding {padding}, ceil_mode {ceil}")
        return POOLS[padding, ceil]

    def inside(self, module: Any) -> list[Module]:
        """The modules within one, in order."""
        found = module.fields.get("modules") if isinstance(module, Module) else None
        listed = [found.get(n) for n in range(1, len(found) + 1)] if isinstance(found, dict) else []
        if not listed or not all(isinstance(part, Module) for part in listed):
            raise self.other(module, "a module that should hold others holds none")
        return [part for part in listed if isinstance(part, Module)]

    def tensor(self, module: Module, name: str) -> Tensor:
        found = module.fields.get(name)
        if not isinstance(found, Tensor):
            raise self.other(module, f"a {module.kind} lacks its {name}")
        return found

    def number(self, module: Module, name: str) -> float:
        found = module.fields.get(name)
        if not isinstance(found, float) or not found.is_integer():
            raise self.other(module, f"a {module.kind} lacks its {name}")
        return found

    def other(self, module: Any, how: str) -> UserError:
        return UserError(
            f"{self.path} is another network than fb.resnet.torch's ResNets ({how}); those can be"
            " read."
        )


def kind(module: Module) -> str:
    """`cudnn.SpatialConvolution`, `nn.SpatialConvolutionMM`: a conv."""
    name = module.kind.rpartition(".")[2]
    return KINDS.get(name, name)


def read(path: Path) -> Checkpoint:
    """The network's tensors under our names; its strides and its max-pool as configuration."""
    root = Reader(path).value()
    if isinstance(root, dict):
        root = root.get("model", root.get("net"))
    walk = Walk(path)
    if isinstance(root, Module) and kind(root) == "DataParallelTable":
        root = walk.inside(root)[0]
    if not isinstance(root, Module):
        raise walk.other(root, "it holds no network")
    walk.network(root)
    tensors = {f"lua.{name}": tensor for name, tensor in walk.tensors.items()}
    return Checkpoint(path, "torch7", tensors, walk.config)


def fits(checkpoint: Checkpoint) -> bool:
    return checkpoint.container == "torch7"


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """Pictures as its trainer made them for ImageNet, or for CIFAR by the number of classes."""
    outputs = tensors["fc.weight"].shape[:1].numel()
    if tensors["conv1.weight"].shape[2:] == (7, 7):
        how, classes = structs.replace(IMAGENET, interpolation="bicubic"), None
    else:
        mean, std = CIFAR.get(outputs, CIFAR[10])
        how = Preprocessing(size=32, resize=32, maximum=255, mean=mean, std=std)
        classes = classes_of(tensors)
    return Profile(
        how, classes, stride_at=checkpoint.config["stride_at"], pool=checkpoint.config["pool"]
    )


FAMILY = Family(
    name="torch7",
    about="fb.resnet.torch",
    fits=fits,
    names=NAMES,
    profile=profile,
)

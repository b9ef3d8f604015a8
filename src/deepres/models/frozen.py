"""Parts of a network that do not learn: neither their weights nor their statistics move."""

from torch import nn

from ..errors import UserError
from .resnet import ResNet


class Still(nn.BatchNorm2d):
    """Batch normalisation by the statistics it has, in training too.

    A layer that is only kept from learning still follows its batches in training mode: "frozen"
    networks drift so.
    """

    def train(self, mode: bool = True) -> "Still":
        """Whatever is asked for, it stays as in a test."""
        return super().train(False)


def parts(network: ResNet) -> dict[str, list[nn.Module]]:
    """The parts in their order, as Table 1 calls them: stem, conv2, conv3, ..."""
    found: dict[str, list[nn.Module]] = {"stem": [network.conv1, network.bn1]}
    for number, stage in enumerate(network.stages(), 2):
        found[f"conv{number}"] = [stage]
    return found


def chosen(network: ResNet, which: str) -> list[nn.Module]:
    """The modules of `stem..conv4`, of `conv2`, or of nothing."""
    there = parts(network)
    names = list(there)
    first, dots, last = which.partition("..")
    ends = (first, last if dots else first)
    if not which:
        return []
    if not all(end in there for end in ends) or names.index(ends[0]) > names.index(ends[1]):
        raise UserError(
            f"--freeze {which}: write one part or a range such as stem..{names[-2]}; the parts are"
            f" {', '.join(names)}."
        )
    range_ = names[names.index(ends[0]) : names.index(ends[1]) + 1]
    return [module for name in range_ for module in there[name]]


def freeze(network: ResNet, which: str) -> None:
    """Keeps parts of a network as they are, whatever trains the rest."""
    for part in chosen(network, which):
        part.requires_grad_(False)
        for module in part.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.__class__ = Still
                module.eval()

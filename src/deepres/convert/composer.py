"""composer's CIFAR networks (open_lth's too): option B, blocks numbered through all stages."""

import re
from collections.abc import Mapping

from torch import Tensor

from ..errors import UserError
from .cifar import classes_of
from .family import Checkpoint, Family, Profile
from .inputs import cifar
from .torchvision import BN

PICTURES = cifar((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))
KEY = re.compile(r"blocks\.(0|[1-9]\d{0,3})\.(.+)")
NAMES = (
    (r"conv\.weight", "conv1.weight"),
    (rf"bn\.({BN})", r"bn1.\1"),
    (rf"(layer\d\.\d+\.(?:conv[12]\.weight|bn[12]\.{BN}))", r"\1"),
    (rf"(layer\d\.\d+)\.shortcut\.(0\.weight|1\.{BN})", r"\1.downsample.\2"),
    (r"fc\.(weight|bias)", r"fc.\1"),
)


def fits(checkpoint: Checkpoint) -> bool:
    return {"conv.weight", "blocks.0.conv1.weight", "fc.weight"} <= checkpoint.tensors.keys()


def prepare(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """`blocks.4` of nine is `layer2.1`: the stages are equally deep (6n+2)."""
    blocks = {int(match[1]) for key in checkpoint.tensors if (match := KEY.fullmatch(key))}
    n, rest = divmod(len(blocks), 3)
    if rest or blocks != set(range(3 * n)):
        raise UserError(
            f"{checkpoint.path} has {len(blocks)} blocks, the last numbered {max(blocks)}: a"
            " network of Sec. 4.2 has 3n, numbered from 0."
        )
    return {
        KEY.sub(lambda m: f"layer{int(m[1]) // n + 1}.{int(m[1]) % n}.{m[2]}", key): tensor
        for key, tensor in checkpoint.tensors.items()
    }


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    return Profile(PICTURES, classes_of(tensors))


FAMILY = Family(
    name="composer",
    about="composer's CIFAR networks and open_lth's",
    fits=fits,
    names=NAMES,
    profile=profile,
    prepare=prepare,
)

"""OpenMMLab's mmpretrain (once mmclassification): torchvision's names behind two prefixes."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..card import Preprocessing
from .cifar import classes_of
from .family import Checkpoint, Family, Profile
from .torchvision import NAMES as TORCHVISION

NAMES = (
    *((rf"backbone\.{pattern}", name) for pattern, name in TORCHVISION),
    (r"head\.fc\.(weight|bias)", r"fc.\1"),
)
IMAGENET = Preprocessing(
    size=224,
    resize=256,
    maximum=255,
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
)
# Of its own training sets; by how many classes there are behind a 3x3 stem.
CIFAR = {
    10: Preprocessing(
        size=32,
        resize=32,
        maximum=255,
        mean=(125.307, 122.961, 113.8575),
        std=(51.5865, 50.847, 51.255),
    ),
    100: Preprocessing(
        size=32,
        resize=32,
        maximum=255,
        mean=(129.304, 124.07, 112.434),
        std=(68.17, 65.392, 70.418),
    ),
}


def fits(checkpoint: Checkpoint) -> bool:
    return {"backbone.conv1.weight", "head.fc.weight"} <= checkpoint.tensors.keys()


def profile(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Profile:
    """What its base configurations say, unless the one kept in the file says otherwise."""
    meta = checkpoint.config.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    small = tensors["conv1.weight"].shape[2:] == (3, 3)
    outputs = tensors["fc.weight"].shape[:1].numel()
    return Profile(
        CIFAR.get(outputs, CIFAR[10]) if small else IMAGENET,
        classes(meta, outputs) or (classes_of(tensors) if small else None),
        stride_at="first" if caffe_style(meta) else "3x3",
        guessed=("Its pictures are prepared as mmpretrain's base configurations say.",),
    )


def classes(meta: Mapping[str, Any], how_many: int) -> tuple[str, ...] | None:
    """The data set's, kept by mmengine in `dataset_meta`, before that in `CLASSES`."""
    data = meta.get("dataset_meta")
    names = data.get("classes") if isinstance(data, Mapping) else meta.get("CLASSES")
    if not isinstance(names, list | tuple) or len(names) != how_many:
        return None
    return tuple(str(name) for name in names)


def caffe_style(meta: Mapping[str, Any]) -> bool:
    """Whether the configuration in the file strides where the authors did, on the first 1x1."""
    texts = (meta.get("cfg"), meta.get("config"))
    return any(re.search(r"style\s*=\s*['\"]caffe['\"]", t) for t in texts if isinstance(t, str))


FAMILY = Family(
    name="mmpretrain",
    about="OpenMMLab's mmpretrain and mmclassification",
    fits=fits,
    names=NAMES,
    profile=profile,
)

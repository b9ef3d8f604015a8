"""Networks that are not the paper's, told by their tensors' names or shapes."""

import re
from collections.abc import Mapping

from torch import Tensor

OURS = "the paper's networks"
# What a key says, and the sentence's end behind the file's name.
MARKS: tuple[tuple[str, str], ...] = (
    (r".*blur_filter", "was trained with blur pooling (BlurPool), which {ours} do not have"),
    (
        r"(.*\.)?(denseblock[0-9]+|dense[0-9]+)\..*",
        "is a DenseNet, which concatenates where {ours} add",
    ),
    (
        r".*(\.se\.|\.se_module\.|\.se_layer\.|\.excitation\.).*|layer[0-9]\.[0-9]+\.fc[12]\.weight",
        "is an SE-ResNet: its blocks reweigh channels (squeeze-and-excitation), {ours} do not",
    ),
    (
        r".*(cls_token|class_token|patch_embed|relative_position_bias_table|pos_embed).*",
        "is a vision transformer, not a ResNet: {ours} are convolutional",
    ),
    (
        r"features\.[0-9]+\.(weight|bias)|classifier\.[36]\.weight",
        "is a VGG or AlexNet, which have no residual blocks; {ours} are read here",
    ),
    (
        r".*(conv_dw|depthwise|conv_pw|dwconv).*|features\.[0-9]+\.(conv|block)\..*",
        "is a network of depthwise convolutions (MobileNet, EfficientNet, ConvNeXt);"
        " {ours} have none",
    ),
    (
        r"(backbone\.)?(rpn|roi_heads|neck|bbox_head|rpn_head)\..*",
        "is a detector; {ours} are read here as classifiers only",
    ),
    (
        r"(backbone\.)?layer[1-4]\.[0-9]+\.downsample\.2\..*",
        "is a ResNet-D: it averages before its projections, which {ours} do not",
    ),
    (
        r"(backbone\.)?(conv1\.[36]|stem\.[036])\.weight",
        "has a deep stem of three convolutions (ResNet-C, -D, -S or -T); {ours} have one 7x7",
    ),
    (r"Mixed_[567].*|inception.*", "is an Inception network; {ours} are read here"),
)


def told_by_names(tensors: Mapping[str, Tensor]) -> str | None:
    """What these keys are, if it is something else than a ResNet of the paper."""
    for pattern, what in MARKS:
        compiled = re.compile(pattern)
        if key := next((key for key in tensors if compiled.fullmatch(key)), None):
            return f"{what.format(ours=OURS)} (its key {key})"
    return None


def told_by_shapes(tensors: Mapping[str, Tensor]) -> str | None:
    """Grouped, widened or group-normalised networks: torchvision's names, other shapes."""
    first = tensors.get("layer1.0.conv2.weight")
    if first is not None and "layer1.0.conv3.weight" in tensors and first.dim() == 4:
        outputs, inputs = first.shape[:2]
        if inputs < outputs:
            return (
                f"is a ResNeXt: its 3x3 convolutions work in {outputs // max(1, inputs)} groups;"
                f" {OURS} do not group"
            )
        stem = tensors.get("conv1.weight")
        if stem is not None and outputs > len(stem):
            return (
                f"is a wide ResNet: its first bottleneck is {outputs} wide behind a stem of"
                f" {len(stem)}; in {OURS} both are equal"
            )
    if "bn1.weight" in tensors and "bn1.running_mean" not in tensors:
        return (
            f"has no running statistics: it was trained with another normalisation than the batch"
            f" normalisation of {OURS}"
        )
    if "layer1.0.conv1.weight" in tensors and "bn1.weight" not in tensors:
        return (
            f"has no normalisation behind its first convolution, as pre-activation nets; {OURS} do"
        )
    return None

"""What the operations of torch are called here, and which of their arguments matter.

Networks are written in many ways but executed in few: `nn.ReLU`, `F.relu(x, inplace=True)` and
`x.clamp(min=0)` are one kind, `flatten` and `view` none at all.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

# The same numbers in another shape, place or memory order: no step of a network.
TRANSPARENT = {
    *("view", "_unsafe_view", "reshape", "squeeze", "unsqueeze", "alias", "clone", "_to_copy"),
    *("contiguous", "lift_fresh", "lift_fresh_copy", "expand", "t", "flatten", "copy"),
}
# Take shape or type from a picture, but no value.
_MADE = ("zeros", "ones", "empty", "full", "rand", "randn", "randint")
MAKERS = {f"new_{what}" for what in (*_MADE, "empty_strided")} | {f"{what}_like" for what in _MADE}
RANDOM = {"bernoulli", "rand", "rand_like", "randn", "randn_like", "uniform", "normal", "randint"}
NORMALISATIONS = {
    *("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm"),
    *("_native_batch_norm_legit", "_native_batch_norm_legit_no_training"),
    *("_batch_norm_with_update", "_batch_norm_no_update"),
}
KINDS = {
    "convolution": "conv",
    "_convolution": "conv",
    "max_pool2d_with_indices": "maxpool",
    "max_pool2d": "maxpool",
    "avg_pool2d": "avgpool",
    "addmm": "linear",
    "mm": "linear",
    "bmm": "linear",
    "linear": "linear",
    "_softmax": "softmax",
    "_log_softmax": "log-softmax",
    "native_dropout": "dropout",
    "sigmoid": "sigmoid",
    "native_group_norm": "group normalisation",
    "native_layer_norm": "layer normalisation",
    "constant_pad_nd": "padding",
    "cat": "concatenation",
    "mul": "multiplication",
    "sub": "subtraction",
    "detach": "detach",
    "leaky_relu": "leaky ReLU",
    "_prelu_kernel": "PReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "elu": "ELU",
    "tanh": "tanh",
    "softplus": "softplus",
    "slice": "slicing",
    "_adaptive_avg_pool2d": "adaptive average pooling",
}
# The arguments of matrix products, by what they are where a classifier is meant.
ROLES = {
    "addmm": {"self": "bias", "mat1": "weight", "mat2": "weight"},
    "mm": {"self": "weight", "mat2": "weight"},
    "bmm": {"self": "weight", "mat2": "weight"},
}


def kind_of(name: str, given: Mapping[str, Any], summands: int, random: bool) -> str:
    """The kind of an operation; `summands` is how many of its inputs come from the pictures."""
    if name in NORMALISATIONS:
        instance = given["input"].shape[0] == 1 and given.get("running_mean") is None
        return "instance normalisation" if instance else "bn"
    if _is_relu(name, given):
        return "relu"
    if name == "hardtanh" and given.get("min_val") == 0:
        return f"ReLU{given['max_val']:g}"
    if random and name in ("mul", "div", "add", "sub"):
        return "dropout" if name in ("mul", "div") else "random noise"
    if name == "add" and summands == 2 and given.get("alpha", 1) != 1:
        return "weighted addition"
    return KINDS.get(name, name)


def _is_relu(name: str, given: Mapping[str, Any]) -> bool:
    if name == "relu":
        return True
    if name == "threshold":
        return bool(given["threshold"] == 0 and given["value"] == 0)
    if name == "leaky_relu":
        return given.get("negative_slope", 0.01) == 0
    if name == "clamp_min":
        return isinstance(given["min"], int | float) and given["min"] == 0
    return name == "clamp" and given.get("min") == 0 and given.get("max") is None


def facts_of(kind: str, name: str, given: Mapping[str, Any], result: Tensor) -> dict[str, Any]:
    """The arguments by which two operations of one kind can differ; `work` is multiply-adds."""
    if kind == "conv":
        return _convolution(given, result)
    if kind == "linear":
        rows = given.get("mat1", given.get("input", given.get("self")))
        return {
            "inputs": rows.shape[-1],
            "outputs": result.shape[-1],
            "bias": name == "addmm" or given.get("bias") is not None,
            "work": result.numel() * rows.shape[-1],
        }
    if kind in ("maxpool", "avgpool"):
        kernel = _pair(given["kernel_size"])
        return {
            "kernel": kernel,
            "stride": _pair(given.get("stride") or kernel),
            "padding": _pair(given.get("padding", 0)),
            "dilation": _pair(given.get("dilation", 1)),
            "ceil": bool(given.get("ceil_mode", False)),
        }
    if kind == "bn":
        return _normalisation(given)
    if kind == "padding":
        return {"pad": tuple(given["pad"]), "value": given.get("value", 0)}
    return {key: value for key, value in given.items() if isinstance(value, int | float)}


def _convolution(given: Mapping[str, Any], result: Tensor) -> dict[str, Any]:
    weight, pictures = given["weight"], given["input"]
    places = pictures.numel() if given["transposed"] else result.numel()
    return {
        "kernel": tuple(weight.shape[2:]),
        **{key: _pair(given[key]) for key in ("stride", "padding", "dilation")},
        "groups": given["groups"],
        "inputs": pictures.shape[1],
        "outputs": result.shape[1],
        "bias": given["bias"] is not None,
        "transposed": given["transposed"],
        "work": places * weight[0].numel(),
    }


def _normalisation(given: Mapping[str, Any]) -> dict[str, Any]:
    training = bool(given.get("training", given.get("running_mean") is None))
    return {
        "eps": given.get("eps", given.get("epsilon")),
        "momentum": given.get("momentum", given.get("exponential_average_factor")),
        "affine": given.get("weight") is not None,
        "tracked": given.get("running_mean") is not None,
        "training": training,
    }


def _pair(value: Any) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * 2 if len(values) == 1 else values

"""Every global that a checkpoint's pickle may name, and what stands in for those of no use here.

Whoever adds one: it must do nothing when it is called with anything. Classes of others belong among
the inert ones, which are never looked up, let alone called.
"""

import argparse
from collections import OrderedDict
from typing import Any

from .pickles import ITEM_SIZES


class Inert:
    """Stands for whatever a trainer left beside the weights: takes anything, does nothing."""

    def __new__(cls, *arguments: Any, **named: Any) -> "Inert":
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def empty_dict(*arguments: Any) -> "OrderedDict[Any, Any]":
    """A defaultdict without its factory."""
    return OrderedDict()


# torch's own reader knows these; nothing else that it would allow is needed here.
KNOWN = {
    "collections.OrderedDict",
    "collections.Counter",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.nn.parameter.Parameter",
    "torch.Size",
    "torch.device",
    "_codecs.encode",
    "builtins.set",
    *(f"torch.{storage}" for storage in ITEM_SIZES),
    *(f"torch.{kind}" for kind in ("float64", "float32", "float16", "bfloat16", "int64", "bool")),
}
LIGHTNING = (
    "pytorch_lightning.utilities.parsing",
    "lightning.pytorch.utilities.parsing",
    "lightning_fabric.utilities.data",
    "lightning.fabric.utilities.data",
)
INERT: dict[str, tuple[str, ...]] = {
    "builtins": ("dict", "list", "tuple", "int", "float", "str", "bool"),
    "datetime": ("datetime", "timedelta"),
    "mmengine.logging.history_buffer": ("HistoryBuffer",),
    "numpy": ("ndarray", "dtype"),
    "numpy.core.multiarray": ("scalar", "_reconstruct"),
    "numpy._core.multiarray": ("scalar", "_reconstruct"),
    "numpy.dtypes": ("Float64DType", "Float32DType", "Int64DType", "Int32DType", "BoolDType"),
    "omegaconf.base": ("ContainerMetadata", "Metadata"),
    "omegaconf.dictconfig": ("DictConfig",),
    "omegaconf.listconfig": ("ListConfig",),
    "omegaconf.nodes": ("AnyNode", "StringNode", "IntegerNode", "FloatNode", "BooleanNode"),
    "pathlib": ("Path", "PosixPath", "PurePosixPath", "WindowsPath"),
    "pathlib._local": ("Path", "PosixPath", "PurePosixPath", "WindowsPath"),
    "pytorch_lightning.callbacks.early_stopping": ("EarlyStopping",),
    "pytorch_lightning.callbacks.model_checkpoint": ("ModelCheckpoint",),
    "torch.torch_version": ("TorchVersion",),
    "typing": ("Any",),
}
STAND_INS: dict[str, Any] = {
    "argparse.Namespace": argparse.Namespace,
    "collections.defaultdict": empty_dict,
    **{f"{module}.AttributeDict": OrderedDict for module in LIGHTNING},
    **{f"{module}.{name}": Inert for module, names in INERT.items() for name in names},
}
ALLOWED = KNOWN | STAND_INS.keys()

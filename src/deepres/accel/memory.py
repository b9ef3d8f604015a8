"""How much memory a step's activations take, and how much there is."""

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

GROUP = Path("/sys/fs/cgroup")  # where a container's limit stands on Linux
UNKNOWN = 1 << 62


def activation_bytes(network: nn.Module, edge: int, share: int) -> int:
    """What the forward pass of a share keeps for the backward pass, measured on two pictures.

    Batch normalisation wants two; parameters do not count, nor does the network change.
    """
    kept: dict[int, int] = {}

    def counted(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    twin = copy.deepcopy(network).train()
    own = {p.untyped_storage().data_ptr() for p in twin.parameters()}
    some = next(twin.parameters())
    pictures = torch.zeros(2, 3, edge, edge, dtype=some.dtype, device=some.device)
    with (
        torch.random.fork_rng(devices=[]),
        torch.autograd.graph.saved_tensors_hooks(counted, lambda tensor: tensor),
    ):
        output = twin(pictures)
    del output
    return sum(kept.values()) * share // 2


def available_bytes() -> int:
    """Memory that this process may still take: the machine's, or less within a container."""
    return min(_of_machine(), _of_container())


def _of_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return UNKNOWN  # no Linux: nothing is known to be short
    named = dict(line.split(":", 1) for line in lines)
    return int(named["MemAvailable"].split()[0]) * 1024


def _of_container() -> int:
    try:
        limit = (GROUP / "memory.max").read_text().strip()
        used = (GROUP / "memory.current").read_text().strip()
    except OSError:
        return UNKNOWN
    return UNKNOWN if limit == "max" else max(0, int(limit) - int(used))

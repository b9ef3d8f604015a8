"""How large the gradients are, layer by layer: whether they vanish on their way down."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def gradient_norms(network: nn.Module, images: Tensor, labels: Tensor) -> list[tuple[str, float]]:
    """The Euclidean norm of the loss's gradient in each convolution's weights, first layer first.

    The network is in training mode, as Sec. 4.1 speaks of it, and stays as it was.
    """
    modes = {module: module.training for module in network.modules()}
    kept = {name: t.clone() for name, t in network.state_dict().items()}
    network.train()
    weights = {
        f"{name}.weight": module.weight
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d)
    }
    loss = F.cross_entropy(network(images), labels)
    gradients = torch.autograd.grad(loss, list(weights.values()))
    network.load_state_dict(kept)
    for module, training in modes.items():
        module.training = training
    return [(name, float(g.norm())) for name, g in zip(weights, gradients, strict=True)]

"""A `.pt2` file of torch.export: any batch, the card within, and no pickle in it."""

import io
import warnings

import torch

from ..card import encode
from ..models.predict import carded
from ..models.resnet import ResNet
from .takes import Takes, traceable

CARD, ENTRY = "card.json", "takes"  # extra files of the archive


def exported(network: ResNet, takes: Takes) -> bytes:
    """The whole file's content."""
    module, example = traceable(network, takes)
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, to torch's own developers
        program = torch.export.export(
            module, (example,), dynamic_shapes=({0: batch},), strict=False
        )
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # paths of this machine
        program._example_inputs = None  # would be a pickle in the file
        file = io.BytesIO()
        extra = {CARD: encode(carded(network)), ENTRY: takes}
        torch.export.save(program, file, extra_files=extra)
    return file.getvalue()

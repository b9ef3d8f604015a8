"""Every picture of the pages by its name."""

from collections.abc import Callable

from . import beside, blocks, measured, networks, ours, printed
from .canvas import Picture

PICTURES: dict[str, Callable[[], Picture]] = {
    "costs": beside.costs,
    "gates": beside.gates,
    "block": blocks.residual_block,
    "bottleneck": blocks.bottleneck,
    "stride": blocks.stride_of_bottleneck,
    "options": blocks.shortcut_options,
    "depths": networks.depths,
    "shapes": networks.shapes,
    "plain-and-residual": networks.plain_and_residual,
    "identity": networks.identity_layers,
    "schedule": measured.schedule,
    "momentum": measured.momentum,
    "statistics": measured.statistics,
    "gradients": measured.gradients,
    "windows": measured.padded_windows,
    "ten-crops": measured.ten_crops,
    "scales": measured.scales,
    "degradation": printed.degradation,
    "table6": printed.table_6,
    "detection": printed.detection,
    "figure1": ours.figure_1,
    "figure6": ours.figure_6,
    "figure7": ours.figure_7,
}

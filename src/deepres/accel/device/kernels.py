"""Batch normalisation with addition and ReLU in two launches forward and two back, in Triton.

A tile is some rows (a row is a pixel, its channels side by side) of one replica. A first launch
leaves a mean and a sum of squares for each run of tiles; a second adds these up anew in each
program, which costs less than a third launch, and applies them. No atomic additions: equal input
gives equal bits.

Written without a GPU: these have run in Triton's interpreter and nowhere else; a test makes an
H100's machine code of them.
"""
# mypy: ignore-errors
# Triton's functions are a language of their own that only looks like Python.

import torch
import triton
import triton.language as tl
from torch import Tensor

from .normalised import Backward, Forward

TILE = 8_192  # values at once: 32 for each of 256 threads
PIECES = 128  # runs of tiles in a replica, at most: what the second launch adds up
WARPS = 8


@triton.jit
def _moments(x, partial, rows, channels, ROWS: tl.constexpr, C: tl.constexpr, TILES: tl.constexpr):
    """Count, mean and sum of squared deviations of a piece: replicas x pieces x 3 x channels."""
    piece, replica, pieces = tl.program_id(0), tl.program_id(1), tl.num_programs(0)
    column = tl.arange(0, C)
    mean = tl.zeros((C,), tl.float32)
    square = tl.zeros((C,), tl.float32)
    count = tl.zeros((C,), tl.float32)
    for tile in range(TILES):
        row = (piece * TILES + tile) * ROWS + tl.arange(0, ROWS)
        here = (row < rows)[:, None] & (column < channels)[None, :]
        at = (replica * rows + row)[:, None] * channels + column[None, :]
        value = tl.load(x + at, mask=here, other=0.0).to(tl.float32)
        more = tl.maximum(tl.minimum(rows - (piece * TILES + tile) * ROWS, ROWS), 0).to(tl.float32)
        its_mean = tl.sum(value, 0) / tl.maximum(more, 1.0)
        away = tl.where(here, value - its_mean[None, :], 0.0)
        apart, both = its_mean - mean, count + more
        square += tl.sum(away * away, 0) + apart * apart * count * more / tl.maximum(both, 1.0)
        mean += apart * more / tl.maximum(both, 1.0)
        count = both
    into = partial + (replica * pieces + piece) * 3 * C + column
    tl.store(into, count)
    tl.store(into + C, mean)
    tl.store(into + 2 * C, square)


@triton.jit
def _apply(
    x, gamma, beta, add, y, partial, mean_out, scale_out, unbiased_out,
    rows, channels, eps,
    ADDS: tl.constexpr, ROWS: tl.constexpr, C: tl.constexpr, TILES: tl.constexpr,
    PIECES: tl.constexpr, MANY: tl.constexpr,
):  # fmt: skip
    """relu(gamma (x - mean) / deviation + beta + add) of a piece."""
    piece, replica = tl.program_id(0), tl.program_id(1)
    column, every = tl.arange(0, C), tl.arange(0, MANY)
    inside = column < channels
    there = (every < PIECES)[:, None] & (column >= 0)[None, :]
    of = partial + (replica * PIECES + every)[:, None] * 3 * C + column[None, :]
    count = tl.load(of, mask=there, other=0.0)
    means = tl.load(of + C, mask=there, other=0.0)
    squares = tl.load(of + 2 * C, mask=there, other=0.0)
    total = rows * 1.0
    mean = tl.sum(count * means, 0) / total
    away = means - mean[None, :]
    variance = tl.sum(squares + count * away * away, 0) / total
    scale = 1.0 / tl.sqrt(variance + eps)
    if piece == 0:
        tl.store(mean_out + replica * channels + column, mean, mask=inside)
        tl.store(scale_out + replica * channels + column, scale, mask=inside)
        unbiased = variance * (total / (total - 1.0))
        tl.store(unbiased_out + replica * channels + column, unbiased, mask=inside)
    factor = scale * tl.load(gamma + column, mask=inside, other=0.0)
    shift = tl.load(beta + column, mask=inside, other=0.0)
    for tile in range(TILES):
        row = (piece * TILES + tile) * ROWS + tl.arange(0, ROWS)
        here = (row < rows)[:, None] & inside[None, :]
        at = (replica * rows + row)[:, None] * channels + column[None, :]
        value = tl.load(x + at, mask=here, other=0.0).to(tl.float32)
        value = (value - mean[None, :]) * factor[None, :] + shift[None, :]
        if ADDS:
            value += tl.load(add + at, mask=here, other=0.0).to(tl.float32)
        value = tl.where(value <= 0.0, 0.0, value)  # what is no number stays none
        tl.store(y + at, value.to(y.dtype.element_ty), mask=here)


@triton.jit
def _sums(
    g, y, x, mean, scale, partial, rows, channels,
    ROWS: tl.constexpr, C: tl.constexpr, TILES: tl.constexpr,
):  # fmt: skip
    """Sums of the gradient, and of it times the normalised input: replicas x pieces x 2 x C."""
    piece, replica, pieces = tl.program_id(0), tl.program_id(1), tl.num_programs(0)
    column = tl.arange(0, C)
    inside = column < channels
    middle = tl.load(mean + replica * channels + column, mask=inside, other=0.0)
    width = tl.load(scale + replica * channels + column, mask=inside, other=0.0)
    of_beta = tl.zeros((C,), tl.float32)
    of_gamma = tl.zeros((C,), tl.float32)
    for tile in range(TILES):
        row = (piece * TILES + tile) * ROWS + tl.arange(0, ROWS)
        here = (row < rows)[:, None] & inside[None, :]
        at = (replica * rows + row)[:, None] * channels + column[None, :]
        alive = tl.load(y + at, mask=here, other=0.0).to(tl.float32) > 0.0
        arrived = tl.where(alive, tl.load(g + at, mask=here, other=0.0).to(tl.float32), 0.0)
        value = tl.load(x + at, mask=here, other=0.0).to(tl.float32)
        of_beta += tl.sum(arrived, 0)
        of_gamma += tl.sum(arrived * (value - middle[None, :]) * width[None, :], 0)
    into = partial + (replica * pieces + piece) * 2 * C + column
    tl.store(into, of_beta)
    tl.store(into + C, of_gamma)


@triton.jit
def _back(
    g, y, x, gamma, mean, scale, partial, of_x, of_add, gamma_out, beta_out, rows, channels,
    ADDS: tl.constexpr, ROWS: tl.constexpr, C: tl.constexpr, TILES: tl.constexpr,
    PIECES: tl.constexpr, MANY: tl.constexpr, REPLICAS: tl.constexpr,
):  # fmt: skip
    """Gradients of a piece's input and of what was added; the first program's, of the layer's."""
    piece, replica = tl.program_id(0), tl.program_id(1)
    column, every = tl.arange(0, C), tl.arange(0, MANY)
    inside = column < channels
    there = (every < PIECES)[:, None] & (column >= 0)[None, :]
    row_of = every[:, None] * 2 * C + column[None, :]
    of = partial + replica * PIECES * 2 * C + row_of
    of_beta = tl.sum(tl.load(of, mask=there, other=0.0), 0)
    of_gamma = tl.sum(tl.load(of + C, mask=there, other=0.0), 0)
    if (piece == 0) & (replica == 0):
        whole_beta, whole_gamma = of_beta, of_gamma
        for other in range(1, REPLICAS):
            its = partial + other * PIECES * 2 * C + row_of
            whole_beta += tl.sum(tl.load(its, mask=there, other=0.0), 0)
            whole_gamma += tl.sum(tl.load(its + C, mask=there, other=0.0), 0)
        tl.store(beta_out + column, whole_beta, mask=inside)
        tl.store(gamma_out + column, whole_gamma, mask=inside)
    middle = tl.load(mean + replica * channels + column, mask=inside, other=0.0)
    width = tl.load(scale + replica * channels + column, mask=inside, other=0.0)
    factor = width * tl.load(gamma + column, mask=inside, other=0.0)
    total = rows * 1.0
    for tile in range(TILES):
        row = (piece * TILES + tile) * ROWS + tl.arange(0, ROWS)
        here = (row < rows)[:, None] & inside[None, :]
        at = (replica * rows + row)[:, None] * channels + column[None, :]
        alive = tl.load(y + at, mask=here, other=0.0).to(tl.float32) > 0.0
        arrived = tl.where(alive, tl.load(g + at, mask=here, other=0.0).to(tl.float32), 0.0)
        normal = (tl.load(x + at, mask=here, other=0.0).to(tl.float32) - middle[None, :]) * width
        inner = arrived - of_beta[None, :] / total - normal * (of_gamma[None, :] / total)
        tl.store(of_x + at, (inner * factor[None, :]).to(of_x.dtype.element_ty), mask=here)
        if ADDS:
            tl.store(of_add + at, arrived.to(of_add.dtype.element_ty), mask=here)


class Kernels:
    """What `Formulas` computes, for channels-last tensors; statistics in fp32."""

    def forward(
        self, x: Tensor, gamma: Tensor, beta: Tensor, add: Tensor | None, eps: float, replicas: int
    ) -> Forward:
        """Two launches."""
        rows, channels, grid, shape = _shape(x, replicas)
        pieces, wide = grid[0], shape["C"]
        partial = torch.empty(replicas, pieces, 3, wide, device=x.device)
        y, few = torch.empty_like(x), gamma.new_empty(3, replicas, channels)
        _moments[grid](x, partial, rows, channels, **shape, num_warps=WARPS)
        _apply[grid](
            x, gamma, beta, x if add is None else add, y, partial, few[0], few[1], few[2],
            rows, channels, eps,
            ADDS=add is not None, **shape, **_many(pieces), num_warps=WARPS,
        )  # fmt: skip
        return Forward(y, few[0], few[1], few[2])

    def backward(self, g: Tensor, x: Tensor, gamma: Tensor, found: Forward, adds: bool) -> Backward:
        """Two launches."""
        replicas = len(found.mean)
        rows, channels, grid, shape = _shape(x, replicas)
        pieces, wide = grid[0], shape["C"]
        partial = torch.empty(replicas, pieces, 2, wide, device=x.device)
        of_x, few = torch.empty_like(x), gamma.new_empty(2, channels)
        of_add = torch.empty_like(x) if adds else of_x
        mean, scale = found.mean, found.scale
        _sums[grid](g, found.y, x, mean, scale, partial, rows, channels, **shape, num_warps=WARPS)
        _back[grid](
            g, found.y, x, gamma, mean, scale, partial, of_x, of_add, few[0], few[1],
            rows, channels,
            ADDS=adds, **shape, **_many(pieces), REPLICAS=replicas, num_warps=WARPS,
        )  # fmt: skip
        return Backward(of_x, of_add if adds else None, few[0], few[1])


def _shape(x: Tensor, replicas: int) -> tuple[int, int, tuple[int, int], dict[str, int]]:
    """Rows of a replica, channels, the grid, and the sizes that are compiled in."""
    if not (x.is_contiguous(memory_format=torch.channels_last) and x.numel() < 1 << 31):
        raise ValueError(f"{tuple(x.shape)} is not channels last, or too large.")
    channels = x.shape[1]
    rows = x.numel() // channels // replicas
    wide = max(16, triton.next_power_of_2(channels))
    tall = max(1, TILE // wide)
    tiles = triton.cdiv(triton.cdiv(rows, tall), PIECES)
    pieces = triton.cdiv(rows, tall * tiles)
    return rows, channels, (pieces, replicas), {"ROWS": tall, "C": wide, "TILES": tiles}


def _many(pieces: int) -> dict[str, int]:
    return {"PIECES": pieces, "MANY": triton.next_power_of_2(pieces)}

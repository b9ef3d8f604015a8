"""The paper's training written a second time, in NumPy alone: nothing here comes from deepres.

A residual network of basic blocks with option A, forward and backward by hand, replicas in turn,
Caffe's momentum. Parameters are a dict under the names of the state dict.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Arrays = dict[str, np.ndarray]
EPS = 1e-5


def patches(x: np.ndarray, stride: int) -> np.ndarray:
    """Every 3x3 neighbourhood of a map with a border of zeros: N x C x H x W x 3 x 3."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::stride, ::stride]


def conv(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    return np.einsum("nchwij,ocij->nohw", patches(x, stride), w, optimize=True)


def conv_back(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int
) -> tuple[np.ndarray, np.ndarray]:
    dw = np.einsum("nchwij,nohw->ocij", patches(x, stride), dy, optimize=True)
    spread = np.zeros((dy.shape[0], dy.shape[1], *x.shape[2:]))
    spread[:, :, ::stride, ::stride] = dy
    dx = np.einsum("nohwij,ocij->nchw", patches(spread, 1), w[:, :, ::-1, ::-1], optimize=True)
    return dx, dw


class Reference:
    """The network's parameters, running statistics and velocity, and one step of training."""

    def __init__(self, parameters: Arrays, running: Arrays, depths: tuple[int, ...]) -> None:
        self.w = {k: v.copy() for k, v in parameters.items()}
        self.running = {k: v.copy() for k, v in running.items()}
        self.v = {k: np.zeros_like(v) for k, v in parameters.items()}
        self.depths = depths

    def norm(self, x: np.ndarray, name: str, tape: list) -> np.ndarray:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
        values = x[:, 0].size
        for key, seen in (("mean", mean), ("var", var * values / (values - 1))):
            running = self.running[f"{name}.running_{key}"]
            running[:] = 0.9 * running + 0.1 * seen
        deviation = np.sqrt(var + EPS)[:, None, None]
        hat = (x - mean[:, None, None]) / deviation
        tape.append((hat, deviation))
        w = self.w
        return hat * w[f"{name}.weight"][:, None, None] + w[f"{name}.bias"][:, None, None]

    def norm_back(self, dy: np.ndarray, name: str, tape: list, grads: Arrays) -> np.ndarray:
        hat, deviation = tape.pop()
        grads[f"{name}.bias"] += dy.sum((0, 2, 3))
        grads[f"{name}.weight"] += (dy * hat).sum((0, 2, 3))
        dhat = dy * self.w[f"{name}.weight"][:, None, None]
        over = (0, 2, 3)
        centred = dhat - dhat.mean(over, keepdims=True)
        return (centred - hat * (dhat * hat).mean(over, keepdims=True)) / deviation

    def blocks(self) -> list[tuple[str, int]]:
        """Each block's name and stride."""
        return [
            (f"layer{stage}.{i}", 2 if stage > 1 and i == 0 else 1)
            for stage, depth in enumerate(self.depths, 1)
            for i in range(depth)
        ]

    def share(self, x: np.ndarray, labels: np.ndarray, grads: Arrays) -> tuple[float, int]:
        """Loss and errors of one replica; adds its gradients up."""
        w, tape = self.w, []
        h = conv(x, w["conv1.weight"], 1)
        h = self.norm(h, "bn1", tape)
        stem = h
        h = np.maximum(h, 0)
        kept = []
        for name, stride in self.blocks():
            into = h
            a = self.norm(conv(into, w[f"{name}.conv1.weight"], stride), f"{name}.bn1", tape)
            b = np.maximum(a, 0)
            c = self.norm(conv(b, w[f"{name}.conv2.weight"], 1), f"{name}.bn2", tape)
            grown = c.shape[1] - into.shape[1]
            c = c + np.pad(into[:, :, ::stride, ::stride], ((0, 0), (0, grown), (0, 0), (0, 0)))
            h = np.maximum(c, 0)
            kept.append((into, a, b, c))
        pooled = h.mean((2, 3))
        logits = pooled @ w["fc.weight"].T + w["fc.bias"]
        shifted = logits - logits.max(1, keepdims=True)
        logp = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        rows = np.arange(len(labels))
        d = np.exp(logp)
        d[rows, labels] -= 1
        d /= len(labels)
        grads["fc.weight"] += d.T @ pooled
        grads["fc.bias"] += d.sum(0)
        dh = np.broadcast_to((d @ w["fc.weight"])[:, :, None, None], h.shape) / h[0, 0].size
        for (name, stride), (into, a, b, c) in zip(self.blocks()[::-1], kept[::-1], strict=True):
            dc = dh * (c > 0)
            db, dw = conv_back(
                self.norm_back(dc, f"{name}.bn2", tape, grads), b, w[f"{name}.conv2.weight"], 1
            )
            grads[f"{name}.conv2.weight"] += dw
            da = db * (a > 0)
            dh, dw = conv_back(
                self.norm_back(da, f"{name}.bn1", tape, grads),
                into,
                w[f"{name}.conv1.weight"],
                stride,
            )
            grads[f"{name}.conv1.weight"] += dw
            dh[:, :, ::stride, ::stride] += dc[:, : into.shape[1]]
        dx = self.norm_back(dh * (stem > 0), "bn1", tape, grads)
        grads["conv1.weight"] += conv_back(dx, x, w["conv1.weight"], 1)[1]
        return -logp[rows, labels].mean(), int((logits.argmax(1) != labels).sum())

    def step(
        self, x: np.ndarray, labels: np.ndarray, rate: float, replicas: int
    ) -> tuple[float, int]:
        """Forward, backward, update as Caffe: v <- m v + r (g + d w); w <- w - v."""
        grads = {k: np.zeros_like(v) for k, v in self.w.items()}
        losses, wrong = [], 0
        for part, of in zip(np.split(x, replicas), np.split(labels, replicas), strict=True):
            loss, errors = self.share(part, of, grads)
            losses.append(loss)
            wrong += errors
        for k, w in self.w.items():
            self.v[k] = 0.9 * self.v[k] + rate * (grads[k] / replicas + 1e-4 * w)
            w -= self.v[k]
        return float(np.mean(losses)), wrong

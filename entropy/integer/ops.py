"""NumpyOps: the normative definition of every operation of an exact network, in int64.

Slow and short. Every other backend must give the same integers; the tests compare them with this
one. Arrays are (B, H, W, C) int64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from entropy.integer.network import IntegerLayer, IntegerNetwork, output_range
from entropy.integer.spec import ACT_MAX, COMPAND_SIZE, Z_BITS

__all__ = ["NumpyOps", "shift_round"]

Ints = NDArray[np.int64]


def shift_round(x: Ints, shift: Ints) -> Ints:
    """floor((x + 2^(shift-1)) / 2^shift): division by a power of two, halves up; shift 0 changes
    nothing.
    """
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    return (x + half) >> shift


class NumpyOps:
    """`entropy.models.quadtree.Ops` over integers, for one quality level."""

    def __init__(self, network: IntegerNetwork, level: int) -> None:
        self._network = network
        self._level = level

    def _finish(self, layer: IntegerLayer, acc: Ints) -> Ints:
        bias = layer.bias[self._level if layer.spec.leveled else 0].astype(np.int64)
        return shift_round(acc + bias, layer.shift.astype(np.int64)).clip(*output_range(layer.spec))

    def linear(self, name: str, x: Ints) -> Ints:
        layer = self._network.layers[name]
        return self._finish(layer, x @ layer.weight.astype(np.int64).T)

    def depthwise(self, name: str, x: Ints) -> Ints:
        layer = self._network.layers[name]
        _, h, w, _ = x.shape
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        acc = np.zeros_like(x)
        for i in range(3):
            for j in range(3):
                acc += padded[:, i : i + h, j : j + w] * layer.weight[:, i, j].astype(np.int64)
        return self._finish(layer, acc)

    def head(self, name: str, group: int, x: Ints) -> tuple[Ints, Ints]:
        return self.linear(f"{name}.mean.{group}", x), self.linear(f"{name}.index.{group}", x)

    def add(self, x: Ints, y: Ints, relu: bool = False) -> Ints:
        return (x + y).clip(0 if relu else -ACT_MAX, ACT_MAX)

    def from_z(self, z_symbols: Ints) -> Ints:
        return (z_symbols << Z_BITS).clip(-ACT_MAX, ACT_MAX)

    def from_y(self, y_hat: Ints, group: int) -> Ints:
        size = y_hat.shape[-1]
        shifts = self._network.input_shifts[group * size : (group + 1) * size].astype(np.int64)
        linear = shift_round(y_hat, shifts).clip(-ACT_MAX, ACT_MAX)
        last = COMPAND_SIZE - 1
        companded = self._network.compand.astype(np.int64)[y_hat.clip(-last, last) + last]
        return np.concatenate([linear, companded], -1)

    def shuffle(self, x: Ints) -> Ints:
        b, h, w, c = x.shape
        x = x.reshape(b, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(b, 2 * h, 2 * w, c // 4)

    def join(self, cells: list[Ints]) -> Ints:
        b, h, w, c = cells[0].shape
        x = np.stack(cells, 3).reshape(b, h, w, 2, 2, c).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(b, 2 * h, 2 * w, c)

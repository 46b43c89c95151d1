"""Integers for the layers of a network, given what a unit of every channel stands for.

An activation is an integer times the *unit* of its channel. A unit is chosen so that the largest
value seen on photographs takes a stated share of the range; what is beyond the range saturates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from networks.bounds import SUM_LIMIT
from networks.errors import InvalidNetwork

__all__ = ["LARGEST", "Sums", "from_linear", "to_linear", "to_nearest", "unit_of"]

Floats = NDArray[np.float64]
LARGEST = 32767
"""Of an activation and of a weight of 16 bits."""
ROOM = 0.995
"""Share of the bound of a sum that is used: rounding may add to what is counted before it."""
MAX_SHIFT = 28


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """A linear or depthwise layer in integers: weight (O, I), bias (rows, O), shift (O)."""

    weight: NDArray[np.integer]
    bias: NDArray[np.int32]
    shift: NDArray[np.int8]


def unit_of(largest: Floats, limit: int, headroom: float) -> Floats:
    """Units (C,) with which `headroom` times the largest value seen (C,) is `limit`.

    Channels in which nothing was seen get the unit of a very small one: they count for nothing.
    """
    floor = 1e-6 * max(float(largest.max()), 1e-12)
    return np.asarray(np.maximum(largest, floor) * headroom / limit)


def to_nearest(weight: Floats) -> Floats:
    """Each weight to the nearest integer."""
    return np.rint(weight)


def to_linear(
    matrix: Floats,
    bias: Floats,
    units: tuple[Floats, Floats],
    magnitude: int,
    bits: int = 16,
    rounder: Callable[[Floats], Floats] = to_nearest,
) -> Sums:
    """Integers of out = matrix @ in + bias.

    Args:
        matrix: (O, I) in real units. bias: (rows, O) in real units, a row for every level or one.
        units: of the inputs (I,) and of the outputs (O,).
        magnitude: largest integer that an input can be.
        bits: of the weights, 8 or 16.
        rounder: (scaled weights (O, I)) -> integers; the nearest by default.

    Raises:
        InvalidNetwork: no shift keeps the sums of a channel within 32 bits.
    """
    inputs, outputs = units
    scaled = matrix * inputs[None, :] / outputs[:, None]
    offset = bias / outputs[None, :]
    most = (1 << (bits - 1)) - 1
    fan_in = matrix.shape[1]
    total = np.abs(scaled).sum(1) * magnitude + np.abs(offset).max(0) + 1
    # Rounding may add half a unit to every weight.
    room = SUM_LIMIT * ROOM - 0.5 * fan_in * magnitude
    by_sum = np.floor(np.log2(room / np.maximum(total, 1e-30)))
    by_weight = np.floor(np.log2(most / np.maximum(np.abs(scaled).max(1), 1e-30)))
    shift = np.minimum(np.minimum(by_sum, by_weight), MAX_SHIFT)
    if room <= 0 or shift.min() < 0:
        raise InvalidNetwork(f"channel {int(shift.argmin())}: its outputs do not fit 32 bits")
    power = 2.0**shift
    rounded = rounder(scaled * power[:, None])
    weight = np.clip(rounded, -most, most)
    return Sums(
        weight.astype(np.int16 if bits == 16 else np.int8),
        np.rint(offset * power[None, :]).astype(np.int32),
        shift.astype(np.int8),
    )


def from_linear(sums: Sums, units: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The inverse of `to_linear`: matrix (O, I) and bias (rows, O) in real units."""
    inputs, outputs = units
    power = outputs * 2.0 ** -sums.shift.astype(np.float64)
    matrix = sums.weight.astype(np.float64) * power[:, None] / inputs[None, :]
    return matrix, sums.bias.astype(np.float64) * power[None, :]

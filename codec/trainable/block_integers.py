"""Gated blocks and the layers around a trunk in integers: units from what photographs reach, and
back to floats. What `codec.trainable.integers` and the filter of video share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.trainable.blocks import interpolate_gain
from codec.trainable.folded import Largest
from networks.bounds import SUM_LIMIT
from networks.definition import GATE_BITS
from networks.export.quantise import LARGEST, Floats, Sums, from_linear, to_linear, unit_of
from networks.program import Type
from networks.record import Layer
from networks.train.training import interpolate_knots

__all__ = [
    "HEADROOM",
    "Limits",
    "Units",
    "arrays",
    "block_floats",
    "block_layers",
    "filter_floats",
    "filter_sums",
    "gains",
    "knots_of",
    "linear_layer",
    "scale_layer",
    "tensors_of",
]

HEADROOM = 1.5
"""Ranges, in the largest value of photographs."""
INSIDE = 1.35
"""The same for what a block filters, and for its values before their gates."""
FINER = 4
"""A branch may count up to 2^-4 of the trunk's unit."""

Units = dict[str, NDArray[np.float64]]
"""Units of channels by place, of several parts `PART/PLACE`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Widths inside the blocks.

    filtered, value: largest activation after the filter and of a value. bits: of the weights of
    `expand` and `reduce`, 8 or 16.
    """

    filtered: int = 16383
    value: int = 16383
    bits: int = 16


def block_layers(
    w: dict[str, Floats], name: str, trunk: Floats, largest: Largest, limits: Limits, levels: int
) -> tuple[Layer, Units]:
    """A gated block on a trunk whose channels count `trunk`, and its units: `NAME.filter`,
    `NAME.value`, `NAME.branch`.

    Raises:
        InvalidNetwork: sums do not fit 32 bits.
    """
    filtered = unit_of(largest[f"{name}.filter"], limits.filtered, INSIDE)
    # A channel in which next to nothing was seen: no finer than what its sums can be.
    reach = np.abs(w[f"{name}.spatial"]).reshape(len(trunk), 9).sum(1)
    filtered = np.maximum(filtered, trunk * reach / 2**14)
    value = unit_of(largest[f"{name}.value"], limits.value, INSIDE)
    gain = gains(w[f"{name}.gain.log_gain"], levels)
    branch = _branch_unit(trunk, gain.max(0), largest[f"{name}.branch"])
    spatial = filter_sums(w[f"{name}.spatial"], w[f"{name}.spatial_bias"], trunk, filtered)
    gates = np.full(len(value), 2.0**-GATE_BITS)
    expand = to_linear(
        w[f"{name}.expand.weight"], w[f"{name}.expand.bias"][None],
        (filtered, np.concatenate([value, gates])), limits.filtered, limits.bits,
    )  # fmt: skip
    reduce = to_linear(
        w[f"{name}.reduce.weight"], w[f"{name}.reduce.bias"][None], (value, branch),
        limits.value, limits.bits,
    )  # fmt: skip
    factor = np.rint(gain * (branch / trunk)[None] * 2**15).astype(np.int16)
    tensors: dict[str, NDArray[Any]] = {"gain": factor}
    for label, sums in (("spatial", spatial), ("expand", expand), ("reduce", reduce)):
        tensors |= {
            label: sums.weight,
            f"{label}_bias": sums.bias,
            f"{label}_shift": sums.shift,
        }
    units = {f"{name}.filter": filtered, f"{name}.value": value, f"{name}.branch": branch}
    return Layer(tensors, (limits.filtered, limits.value)), units


def _branch_unit(trunk: Floats, gain: Floats, largest: Floats) -> Floats:
    """Units of a block's branch: with the largest gain it is added to the trunk times just below 1,
    or a power of two finer where its values leave room for that.
    """
    coarsest = trunk / gain * (LARGEST / 2**15)
    needed = np.maximum(largest * HEADROOM / LARGEST, 1e-30)
    return np.asarray(coarsest / 2.0 ** np.clip(np.floor(np.log2(coarsest / needed)), 0, FINER))


def filter_sums(kernel: Floats, bias: Floats, inputs: Floats, outputs: Floats) -> Sums:
    """A 3x3 filter (C, 1, 3, 3) in integers: weight (9, C), bias (1, C), shift (C,)."""
    scaled = kernel.reshape(len(bias), 9) * (inputs / outputs)[:, None]
    offset = bias / outputs
    total = np.abs(scaled).sum(1) * (LARGEST + 1) + np.abs(offset) + 1
    room = SUM_LIMIT * 0.995 - 4.5 * (LARGEST + 1)
    by_weight = np.log2(LARGEST / np.maximum(np.abs(scaled).max(1), 1e-30))
    shift = np.minimum(np.floor(np.minimum(np.log2(room / total), by_weight)), 28).clip(0)
    power = 2.0**shift
    return Sums(
        np.ascontiguousarray(np.rint(scaled * power[:, None]).T.astype(np.int16)),
        np.rint(offset * power)[None].astype(np.int32),
        shift.astype(np.int8),
    )


def linear_layer(sums: Sums, kind: Type, reach: tuple[int, int] | None = None) -> Layer:
    """A linear layer that gives `kind`, clamped to `reach` or to the range of that type."""
    low, high = reach or kind.range
    outputs = len(sums.shift)
    ends = {"low": np.full(outputs, low, np.int32), "high": np.full(outputs, high, np.int32)}
    return Layer({**tensors_of(sums), **ends}, (int(kind),))


def tensors_of(sums: Sums) -> dict[str, NDArray[np.integer]]:
    """Sums by the names of their tensors."""
    return {"weight": sums.weight, "bias": sums.bias, "shift": sums.shift}


def scale_layer(factor: Floats, reach: tuple[int, int], kind: Type) -> Layer:
    """Factors (levels, C) as integers with as many digits as they can have."""
    shift = np.floor(np.log2((2**31 - 1) / factor.max(0))).clip(0, 38)
    tensors = {
        "factor": np.rint(factor * 2.0**shift).astype(np.int32),
        "shift": shift.astype(np.int8),
    }
    return Layer(tensors, (*reach, int(kind)))


def gains(log_gain: Floats, levels: int) -> Floats:
    """(knots, C) logarithms -> (levels, C) gains."""
    found: Floats = interpolate_gain(torch.from_numpy(log_gain), levels).numpy()
    return found


def arrays(weights: dict[str, Tensor]) -> dict[str, Floats]:
    """Folded weights in 64 bits."""
    return {name: value.double().numpy() for name, value in weights.items()}


def block_floats(
    place: str,
    name: str,
    get: Callable[[str], NDArray[Any]],
    units: Units,
    trunk: Floats,
    knots: int,
) -> dict[str, Floats]:
    """The inverse of `block_layers`, up to its rounding: weights called NAME.spatial and so on.

    place: where the units of the block are. get: the tensor of a name. knots: rows of the gain.
    """
    filtered, value, branch = (units[f"{place}.{p}"] for p in ("filter", "value", "branch"))
    gates = np.full(len(value), 2.0**-GATE_BITS)

    def sums(label: str) -> Sums:
        return Sums(get(label), get(f"{label}_bias"), get(f"{label}_shift"))

    spatial, bias = filter_floats(sums("spatial"), trunk, filtered)
    expand = from_linear(sums("expand"), (filtered, np.concatenate([value, gates])))
    reduce = from_linear(sums("reduce"), (value, branch))
    gain = get("gain") / 2.0**15 / (branch / trunk)[None]
    return {
        f"{name}.spatial": spatial,
        f"{name}.spatial_bias": bias,
        f"{name}.expand.weight": expand[0],
        f"{name}.expand.bias": expand[1][0],
        f"{name}.reduce.weight": reduce[0],
        f"{name}.reduce.bias": reduce[1][0],
        f"{name}.gain.log_gain": knots_of(gain, knots),
    }


def filter_floats(sums: Sums, inputs: Floats, outputs: Floats) -> tuple[Floats, Floats]:
    """The inverse of `filter_sums`: kernel (C, 1, 3, 3) and bias (C,) in real units."""
    power = outputs * 2.0 ** -sums.shift.astype(np.float64)
    kernel = (sums.weight * power[None, :] / inputs[None, :]).T.reshape(-1, 1, 3, 3)
    return kernel, sums.bias[0] * power


def knots_of(gain: Floats, knots: int) -> Floats:
    """Logarithms of gains (levels, C) as the knots that interpolate to about them."""
    log_gain = torch.from_numpy(np.log(np.maximum(gain, 1e-9)))
    found: Floats = interpolate_knots(log_gain, knots).numpy()
    return found

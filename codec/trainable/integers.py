"""The transforms in integers: units from what photographs reach, programs, and back to floats.

    folded floats, photographs ──► largest values ──► units ──► layers ──► programs
    programs, units ──► folded floats                       (to train on, and to refine latents)

What a network computes is bounded by saturation. Inside the blocks a channel's range is INSIDE
times the largest value that photographs reach in it: that keeps pictures which are no photographs
from exploding, and photographs do not touch it. What is linear, from latents through the trunk to
pixels, has room for any picture instead: stripes and flat colours go through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.trainable.blocks import interpolate_gain
from codec.trainable.folded import Folded, Largest
from codec.transforms.wavelet import STEM, WaveletConfig, analyse, synthesise
from entropy.models.hyper_graph import hyper_analyse
from entropy.models.quadtree import EntropyConfig
from entropy.models.record import Y_HAT_RANGE, Z_RANGE
from networks.bounds import SUM_LIMIT
from networks.definition import GATE_BITS
from networks.export.quantise import LARGEST, Floats, Sums, from_linear, to_linear, unit_of
from networks.program import Program, Type
from networks.record import Layer, Recorder
from networks.train.training import interpolate_knots

__all__ = ["Limits", "Parts", "Units", "floats_of", "largest_values", "transform_programs"]

HEADROOM = 1.5
"""Ranges, in the largest value of photographs."""
INSIDE = 1.35
"""The same for what a block filters, and for its values before their gates."""
ENDS = 3.0
"""Range of latents next to the trunk, all alike, in the largest value of any of them."""
TRUNK_REACH = 9.0
"""Least range of a channel of the trunk; a coefficient of pixels in 0..1 is at most 4 sqrt(3)."""
PURE_HEADROOM = 1.1
"""Ranges, in the largest value of planes of pure red, green, blue and what they mix to: few
photographs have such, and all graphics.
"""
Y_BITS = 8
"""y counts 2^-8 symbol, and y_hat 2^-5."""
Y_HAT_BITS = 5
Y_RANGE = 1 << 20
"""y is clamped to this, 4096 symbols."""
DOWN_BITS = 23
"""Of what `down` gives before its gain."""
ASINH_BITS = 5
"""The table of the inverse hyperbolic sine counts its argument in 2^-5 symbol ..."""
ASINH_REACH = 8192
"""... up to 256 symbols."""
FINER = 4
"""A branch may count up to 2^-4 of the trunk's unit."""

Parts = dict[str, dict[str, Tensor]]
"""Folded floats of "analysis", "synthesis" and "hyper_analysis"."""
Units = dict[str, NDArray[np.float64]]
"""Units of channels by part and place, `PART/PLACE`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Widths inside the blocks.

    filtered, value: largest activation after the filter and of a value. bits: of the weights of
    `expand` and `reduce`, 8 or 16.
    """

    filtered: int = 16383
    value: int = 16383
    bits: int = 16


@torch.inference_mode()
def largest_values(
    parts: Parts, config: WaveletConfig, samples: Sequence[Tensor], levels: Sequence[int]
) -> dict[str, Largest]:
    """Largest values of every part on photographs (H, W, 3) uint8, sides multiples of 64, each of
    them at two of the levels in turn, and, for their headroom, on planes of pure colours at all
    levels.
    """
    found: dict[str, Largest] = {name: {} for name in parts}
    for n, picture in enumerate(samples):
        for level in levels[n % 2 :: 2]:
            _see(parts, config, picture, level, found)
    pure: dict[str, Largest] = {name: {} for name in parts}
    for colour in product((0, 255), repeat=3):
        plane = torch.tensor(colour, dtype=torch.uint8).expand(64, 64, 3)
        for level in levels:
            _see(parts, config, plane, level, pure)
    share = PURE_HEADROOM / HEADROOM
    return {
        name: {place: np.maximum(value, pure[name][place] * share) for place, value in seen.items()}
        for name, seen in found.items()
    }


def _see(
    parts: Parts, config: WaveletConfig, picture: Tensor, level: int, found: dict[str, Largest]
) -> None:
    """Notes what one picture reaches at one level."""

    def ops(part: str) -> Folded:
        return Folded(parts[part], config.levels, level, found[part])

    y = analyse(ops("analysis"), config, picture.float() / 255 - 0.5)
    hyper_analyse(ops("hyper_analysis"), y)
    synthesise(ops("synthesis"), config, y.round())


def transform_programs(
    parts: Parts,
    config: WaveletConfig,
    entropy: EntropyConfig,
    largest: dict[str, Largest],
    limits: Limits | None = None,
) -> tuple[dict[str, Program], Units]:
    """Programs "analysis", "synthesis" and "hyper_analysis", and the units of their channels.

    Raises:
        InvalidNetwork: sums of a layer do not fit 32 bits.
    """
    limits = limits or Limits()
    units: Units = {}
    made = {
        "analysis": _analysis(parts, config, largest["analysis"], limits, units),
        "synthesis": _synthesis(parts, config, largest["synthesis"], limits, units),
        "hyper_analysis": _hyper_analysis(parts, config, entropy, largest["hyper_analysis"], units),
    }
    return made, units


def _analysis(
    parts: Parts, config: WaveletConfig, largest: Largest, limits: Limits, units: Units
) -> Program:
    w = _arrays(parts["analysis"])
    trunk = units["analysis/trunk"] = _trunk_unit(largest)
    layers = _blocks("analysis", w, config.analysis8, trunk, largest, limits, units, config.levels)
    stem = w["stem.weight"] / 255
    offset = w["stem.bias"] - 127.5 * stem.sum(1)
    pixels = np.ones(stem.shape[1])
    layers["stem"] = _layer(to_linear(stem, offset[None], (pixels, trunk), 255), Type.I16)
    down = units["analysis/down"] = _ends_unit(largest["down.out"], 1 << (DOWN_BITS - 1))
    sums = to_linear(w["down.weight"], w["down.bias"][None], (np.tile(trunk, 4), down), LARGEST + 1)
    layers["down"] = _layer(sums, Type.I32)
    gain = _gains(w["gain.log_gain"], config.levels)
    layers["gain"] = _scale(gain * down[None] * 2**Y_BITS, (-Y_RANGE, Y_RANGE), Type.I32)
    record = Recorder(layers)
    pixel = record.input(Type.U8, 3, 0, 255)
    return record.program([analyse(record, config, pixel)])


def _synthesis(
    parts: Parts, config: WaveletConfig, largest: Largest, limits: Limits, units: Units
) -> Program:
    w = _arrays(parts["synthesis"])
    trunk = units["synthesis/trunk"] = _trunk_unit(largest)
    layers = _blocks(
        "synthesis", w, config.synthesis8, trunk, largest, limits, units, config.levels
    )
    enter = units["synthesis/up"] = _ends_unit(largest["gain.out"], LARGEST)
    gain = _gains(w["gain.log_gain"], config.levels)
    reach = (-LARGEST - 1, LARGEST)
    layers["gain"] = _scale(gain / enter[None] / 2**Y_HAT_BITS, reach, Type.I16)
    sums = to_linear(w["up.weight"], w["up.bias"][None], (enter, np.tile(trunk, 4)), LARGEST + 1)
    layers["up"] = _layer(sums, Type.I16)
    stem, offset = w["stem.weight"] * 255, w["stem.bias"] * 255 + 127.5
    sums = to_linear(stem, offset[None], (trunk, np.ones(len(offset))), LARGEST + 1)
    layers["stem"] = _layer(sums, Type.U8)
    record = Recorder(layers)
    y_hat = record.input(Type.I32, config.latent, -Y_HAT_RANGE, Y_HAT_RANGE)
    return record.program([synthesise(record, config, y_hat)])


def _hyper_analysis(
    parts: Parts, config: WaveletConfig, entropy: EntropyConfig, largest: Largest, units: Units
) -> Program:
    w = _arrays(parts["hyper_analysis"])
    c = entropy.hidden
    x = np.arange(-ASINH_REACH, ASINH_REACH + 1) / 2.0**ASINH_BITS
    table_unit = float(np.arcsinh(x[-1])) / LARGEST
    layers: dict[str, Layer] = {
        "asinh": Layer(
            {"table": np.rint(np.arcsinh(x) / table_unit).astype(np.int16)}, (Y_BITS - ASINH_BITS,)
        )
    }
    before = np.full(config.latent, table_unit)
    # What is added to what counts alike: the first layer, and the gated values.
    sums = np.maximum(largest["sum"], largest["enter.out"])
    unit = unit_of(np.maximum(sums, largest["gate.out"][:c]), LARGEST // 2, HEADROOM)

    def linear(name: str, inputs: Floats, outputs: Floats, magnitude: int, kind: Type) -> None:
        made = to_linear(w[f"{name}.weight"], w[f"{name}.bias"][None], (inputs, outputs), magnitude)
        layers[name] = _layer(made, kind)
        units[f"hyper_analysis/{name}.in"] = inputs
        units[f"hyper_analysis/{name}.out"] = outputs

    def gated(values: Floats) -> Floats:
        return np.concatenate([values, np.full(len(values), 2.0**-GATE_BITS)])

    linear("enter", before, unit, LARGEST, Type.I16)
    filtered = unit_of(largest["spatial.out"], LARGEST // 2, HEADROOM)
    taps = _filter(w["spatial.weight"], w["spatial.bias"], unit, filtered)
    layers["spatial"] = Layer(_tensors(taps), (LARGEST // 2,))
    units["hyper_analysis/spatial.in"], units["hyper_analysis/spatial.out"] = unit, filtered
    linear("gate", filtered, gated(unit), LARGEST // 2, Type.I16)
    values = unit
    for name in ("to32", "to64"):
        inputs = np.tile(values, 4)
        values = unit_of(largest[f"{name}.out"][: len(w[f"{name}.bias"]) // 2], LARGEST, HEADROOM)
        linear(name, inputs, gated(values), LARGEST + 1, Type.I16)
    linear("leave", values, np.ones(entropy.hyper), LARGEST + 1, Type.I32)
    low, high = (np.full(entropy.hyper, sign * (Z_RANGE - 1), np.int32) for sign in (-1, 1))
    layers["leave"] = Layer({**layers["leave"].tensors, "low": low, "high": high}, (int(Type.I32),))
    record = Recorder(layers)
    y = record.input(Type.I32, config.latent, -Y_RANGE, Y_RANGE)
    return record.program([hyper_analyse(record, y)])


def _blocks(
    part: str, w: dict[str, Floats], count: int, trunk: Floats, largest: Largest, limits: Limits,
    units: Units, levels: int,
) -> dict[str, Layer]:  # fmt: skip
    """The gated blocks of a trunk whose channels count `trunk`."""
    layers = {}
    for n in range(count):
        name = f"trunk8.{n}"
        filtered = unit_of(largest[f"{name}.filter"], limits.filtered, INSIDE)
        # A channel in which next to nothing was seen: no finer than what its sums can be.
        reach = np.abs(w[f"{name}.spatial"]).reshape(len(trunk), 9).sum(1)
        filtered = np.maximum(filtered, trunk * reach / 2**14)
        value = unit_of(largest[f"{name}.value"], limits.value, INSIDE)
        gain = _gains(w[f"{name}.gain.log_gain"], levels)
        branch = _branch_unit(trunk, gain.max(0), largest[f"{name}.branch"])
        for place, unit in (("filter", filtered), ("value", value), ("branch", branch)):
            units[f"{part}/{name}.{place}"] = unit
        spatial = _filter(w[f"{name}.spatial"], w[f"{name}.spatial_bias"], trunk, filtered)
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
        layers[name] = Layer(tensors, (limits.filtered, limits.value))
    return layers


def _trunk_unit(largest: Largest) -> Floats:
    return unit_of(np.maximum(largest["trunk"] * HEADROOM, TRUNK_REACH), LARGEST, 1.0)


def _ends_unit(largest: Floats, limit: int) -> Floats:
    return unit_of(np.full(len(largest), largest.max()), limit, ENDS)


def _branch_unit(trunk: Floats, gain: Floats, largest: Floats) -> Floats:
    """Units of a block's branch: with the largest gain it is added to the trunk times just below 1,
    or a power of two finer where its values leave room for that.
    """
    coarsest = trunk / gain * (LARGEST / 2**15)
    needed = np.maximum(largest * HEADROOM / LARGEST, 1e-30)
    return np.asarray(coarsest / 2.0 ** np.clip(np.floor(np.log2(coarsest / needed)), 0, FINER))


def _filter(kernel: Floats, bias: Floats, inputs: Floats, outputs: Floats) -> Sums:
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


def _layer(sums: Sums, kind: Type) -> Layer:
    low, high = kind.range
    outputs = len(sums.shift)
    ends = {"low": np.full(outputs, low, np.int32), "high": np.full(outputs, high, np.int32)}
    return Layer({**_tensors(sums), **ends}, (int(kind),))


def _tensors(sums: Sums) -> dict[str, NDArray[np.integer]]:
    return {"weight": sums.weight, "bias": sums.bias, "shift": sums.shift}


def _scale(factor: Floats, reach: tuple[int, int], kind: Type) -> Layer:
    """Factors (levels, C) as integers with as many digits as they can have."""
    shift = np.floor(np.log2((2**31 - 1) / factor.max(0))).clip(0, 38)
    tensors = {
        "factor": np.rint(factor * 2.0**shift).astype(np.int32),
        "shift": shift.astype(np.int8),
    }
    return Layer(tensors, (*reach, int(kind)))


def _gains(log_gain: Floats, levels: int) -> Floats:
    gains: Floats = interpolate_gain(torch.from_numpy(log_gain), levels).numpy()
    return gains


def _arrays(weights: dict[str, Tensor]) -> dict[str, Floats]:
    return {name: value.double().numpy() for name, value in weights.items()}


def floats_of(programs: dict[str, Program], units: Units, knots: int) -> Parts:
    """The inverse of `transform_programs`, up to the rounding it did; gains become `knots` rows."""
    return {part: _floats(part, programs[part], units, knots) for part in programs}


def _floats(part: str, program: Program, units: Units, knots: int) -> dict[str, Tensor]:
    found: dict[str, Floats] = {}
    trunk = np.ones(1) if part == "hyper_analysis" else units[f"{part}/trunk"]
    ends = {
        ("analysis", "stem"): (np.ones(3 * STEM * STEM), trunk),
        ("analysis", "down"): (np.tile(trunk, 4), units.get("analysis/down")),
        ("synthesis", "up"): (units.get("synthesis/up"), np.tile(trunk, 4)),
        ("synthesis", "stem"): (trunk, np.ones(3 * STEM * STEM)),
    }
    for op in program.operations:
        name = op.name
        if op.kind.name == "GATED_BLOCK":
            found |= _block_floats(f"{part}/{name}", name, op.tensor, units, trunk, knots)
        elif op.kind.name == "SCALE":
            factor = op.tensor("factor") * 2.0 ** -op.tensor("shift").astype(np.float64)
            gain = (
                factor / units["analysis/down"] / 2**Y_BITS
                if part == "analysis"
                else factor * units["synthesis/up"] * 2**Y_HAT_BITS
            )
            found[f"{name}.log_gain"] = _knots(gain, knots)
        elif op.kind.name in ("LINEAR", "DEPTHWISE"):
            inputs, outputs = ends.get((part, name), (None, None))
            if inputs is None or outputs is None:
                inputs, outputs = units[f"{part}/{name}.in"], units[f"{part}/{name}.out"]
            sums = Sums(op.tensor("weight"), op.tensor("bias"), op.tensor("shift"))
            if op.kind.name == "DEPTHWISE":
                found[f"{name}.weight"], found[f"{name}.bias"] = _filter_floats(
                    sums, inputs, outputs
                )
                continue
            matrix, bias = from_linear(sums, (inputs, outputs))
            found[f"{name}.weight"], found[f"{name}.bias"] = matrix, bias[0]
    if part == "analysis":
        found["stem.bias"] = found["stem.bias"] + 127.5 * found["stem.weight"].sum(1)
        found["stem.weight"] = found["stem.weight"] * 255
    elif part == "synthesis":
        found["stem.bias"] = (found["stem.bias"] - 127.5) / 255
        found["stem.weight"] = found["stem.weight"] / 255
    return {name: torch.from_numpy(np.ascontiguousarray(v)).float() for name, v in found.items()}


def _block_floats(
    place: str,
    name: str,
    get: Callable[[str], NDArray[Any]],
    units: Units,
    trunk: Floats,
    knots: int,
) -> dict[str, Floats]:
    filtered, value, branch = (units[f"{place}.{p}"] for p in ("filter", "value", "branch"))
    gates = np.full(len(value), 2.0**-GATE_BITS)

    def sums(label: str) -> Sums:
        return Sums(get(label), get(f"{label}_bias"), get(f"{label}_shift"))

    spatial, bias = _filter_floats(sums("spatial"), trunk, filtered)
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
        f"{name}.gain.log_gain": _knots(gain, knots),
    }


def _filter_floats(sums: Sums, inputs: Floats, outputs: Floats) -> tuple[Floats, Floats]:
    power = outputs * 2.0 ** -sums.shift.astype(np.float64)
    kernel = (sums.weight * power[None, :] / inputs[None, :]).T.reshape(-1, 1, 3, 3)
    return kernel, sums.bias[0] * power


def _knots(gain: Floats, knots: int) -> Floats:
    """Logarithms of gains (levels, C) as the knots that interpolate to about them."""
    log_gain = torch.from_numpy(np.log(np.maximum(gain, 1e-9)))
    found: Floats = interpolate_knots(log_gain, knots).numpy()
    return found

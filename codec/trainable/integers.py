"""The transforms in integers: units from what photographs reach, programs, and back to floats.

    folded floats, photographs ──► largest values ──► units ──► layers ──► programs
    programs, units ──► folded floats                       (to train on, and to refine latents)

What a network computes is bounded by saturation. Inside the blocks a channel's range is INSIDE
times the largest value that photographs reach in it: that keeps pictures which are no photographs
from exploding, and photographs do not touch it. What is linear, from latents through the trunk to
pixels, has room for any picture instead: stripes and flat colours go through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from codec.trainable.block_integers import (
    HEADROOM,
    Limits,
    Units,
    arrays,
    block_floats,
    block_layers,
    filter_floats,
    filter_sums,
    gains,
    knots_of,
    linear_layer,
    scale_layer,
    tensors_of,
)
from codec.trainable.folded import Folded, Largest
from codec.trainable.window_integers import window_floats, window_layers
from codec.transforms.wavelet import STEM, STRIDE, WaveletConfig, analyse, synthesise
from entropy.models.hyper_graph import hyper_analyse
from entropy.models.quadtree import EntropyConfig
from entropy.models.record import Y_HAT_RANGE, Z_RANGE
from networks.definition import GATE_BITS
from networks.export.quantise import LARGEST, Floats, Sums, from_linear, to_linear, unit_of
from networks.program import Kind, Program, Type
from networks.record import Layer, Recorder

__all__ = [
    "Limits",
    "Parts",
    "Units",
    "ends_unit",
    "floats_of",
    "largest_values",
    "synthesis_program",
    "transform_programs",
]

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

Parts = dict[str, dict[str, Tensor]]
"""Folded floats of "analysis", "synthesis" and "hyper_analysis"."""


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
        "synthesis": synthesis_program(
            parts["synthesis"], config, largest["synthesis"], limits, units
        ),
        "hyper_analysis": _hyper_analysis(parts, config, entropy, largest["hyper_analysis"], units),
    }
    return made, units


def _analysis(
    parts: Parts, config: WaveletConfig, largest: Largest, limits: Limits, units: Units
) -> Program:
    w = arrays(parts["analysis"])
    down = units["analysis/down"] = ends_unit(largest["down.out"], 1 << (DOWN_BITS - 1))
    gain = gains(w["gain.log_gain"], config.levels)
    gain_layer = scale_layer(gain * down[None] * 2**Y_BITS, (-Y_RANGE, Y_RANGE), Type.I32)
    if config.linear:
        layers = {"down": _of_pixels(w, "down", down, Type.I32), "gain": gain_layer}
        return _recorded_analysis(layers, config)
    trunk = units["analysis/trunk"] = _trunk_unit(largest)
    layers = _trunk("analysis", w, config, trunk, largest, limits, units)
    layers["stem"] = _of_pixels(w, "stem", trunk, Type.I16)
    sums = to_linear(w["down.weight"], w["down.bias"][None], (np.tile(trunk, 4), down), LARGEST + 1)
    layers |= {"down": linear_layer(sums, Type.I32), "gain": gain_layer}
    return _recorded_analysis(layers, config)


def _of_pixels(w: dict[str, Floats], name: str, outputs: Floats, kind: Type) -> Layer:
    """A linear map of samples 0..255, whose floats are for -0.5..0.5."""
    matrix = w[f"{name}.weight"] / 255
    offset = w[f"{name}.bias"] - 127.5 * matrix.sum(1)
    units = np.ones(matrix.shape[1]), outputs
    return linear_layer(to_linear(matrix, offset[None], units, 255), kind)


def _recorded_analysis(layers: dict[str, Layer], config: WaveletConfig) -> Program:
    record = Recorder(layers)
    pixel = record.input(Type.U8, 3, 0, 255)
    return record.program([analyse(record, config, pixel)])


def synthesis_program(
    weights: dict[str, Tensor], config: WaveletConfig, largest: Largest, limits: Limits,
    units: Units,
) -> Program:  # fmt: skip
    """The program of a synthesis' folded floats; adds to the units."""
    w = arrays(weights)
    trunk = units["synthesis/trunk"] = _trunk_unit(largest)
    layers = _trunk("synthesis", w, config, trunk, largest, limits, units)
    enter = units["synthesis/up"] = ends_unit(largest["gain.out"], LARGEST)
    gain = gains(w["gain.log_gain"], config.levels)
    reach = (-LARGEST - 1, LARGEST)
    layers["gain"] = scale_layer(gain / enter[None] / 2**Y_HAT_BITS, reach, Type.I16)
    sums = to_linear(w["up.weight"], w["up.bias"][None], (enter, np.tile(trunk, 4)), LARGEST + 1)
    layers["up"] = linear_layer(sums, Type.I16)
    stem, offset = w["stem.weight"] * 255, w["stem.bias"] * 255 + 127.5
    sums = to_linear(stem, offset[None], (trunk, np.ones(len(offset))), LARGEST + 1)
    layers["stem"] = linear_layer(sums, Type.U8)
    record = Recorder(layers)
    y_hat = record.input(Type.I32, config.latent, -Y_HAT_RANGE, Y_HAT_RANGE)
    return record.program([synthesise(record, config, y_hat)])


def _hyper_analysis(
    parts: Parts, config: WaveletConfig, entropy: EntropyConfig, largest: Largest, units: Units
) -> Program:
    w = arrays(parts["hyper_analysis"])
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
        layers[name] = linear_layer(made, kind)
        units[f"hyper_analysis/{name}.in"] = inputs
        units[f"hyper_analysis/{name}.out"] = outputs

    def gated(values: Floats) -> Floats:
        return np.concatenate([values, np.full(len(values), 2.0**-GATE_BITS)])

    linear("enter", before, unit, LARGEST, Type.I16)
    filtered = unit_of(largest["spatial.out"], LARGEST // 2, HEADROOM)
    taps = filter_sums(w["spatial.weight"], w["spatial.bias"], unit, filtered)
    layers["spatial"] = Layer(tensors_of(taps), (LARGEST // 2,))
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


def _trunk(
    part: str, w: dict[str, Floats], config: WaveletConfig, trunk: Floats, largest: Largest,
    limits: Limits, units: Units,
) -> dict[str, Layer]:  # fmt: skip
    """All that is on a trunk whose channels count `trunk`; adds to the units."""
    layers: dict[str, Layer] = {}
    count = config.analysis8 if part == "analysis" else config.synthesis8
    for n in range(count):
        name = f"trunk8.{n}"
        layers[name], found = block_layers(w, name, trunk, largest, limits, config.levels)
        units |= {f"{part}/{place}": unit for place, unit in found.items()}
    for n in range(config.windows):
        made, found = window_layers(w, n, trunk, largest, limits, config.levels)
        layers |= made
        units |= {f"{part}/{place}": unit for place, unit in found.items()}
    return layers


def _trunk_unit(largest: Largest) -> Floats:
    return unit_of(np.maximum(largest["trunk"] * HEADROOM, TRUNK_REACH), LARGEST, 1.0)


def ends_unit(largest: Floats, limit: int) -> Floats:
    """Units of latents next to the trunk, all alike."""
    return unit_of(np.full(len(largest), largest.max()), limit, ENDS)


def floats_of(programs: dict[str, Program], units: Units, knots: int) -> Parts:
    """The inverse of `transform_programs`, up to the rounding it did; gains become `knots` rows."""
    return {part: _floats(part, programs[part], units, knots) for part in programs}


def _floats(part: str, program: Program, units: Units, knots: int) -> dict[str, Tensor]:
    found: dict[str, Floats] = {}
    linear = part == "analysis" and program.operations[0].name == "down"
    without = linear or part == "hyper_analysis"
    trunk = np.ones(1) if without else units[f"{part}/trunk"]
    first = "down" if linear else "stem"
    before_down = np.ones(3 * STRIDE * STRIDE) if linear else np.tile(trunk, 4)
    ends = {
        ("analysis", "stem"): (np.ones(3 * STEM * STEM), trunk),
        ("analysis", "down"): (before_down, units.get("analysis/down")),
        ("synthesis", "up"): (units.get("synthesis/up"), np.tile(trunk, 4)),
        ("synthesis", "stem"): (trunk, np.ones(3 * STEM * STEM)),
    }
    named = {op.name: op for op in program.operations if op.name}
    for n in range(sum(op.kind is Kind.ATTENTION for op in program.operations)):
        found |= window_floats(part, n, lambda name: named[name].tensor, units, trunk, knots)
    for op in program.operations:
        name = op.name
        if name.startswith(("windows.", "after.")) or not name:
            continue
        if op.kind.name == "GATED_BLOCK":
            found |= block_floats(f"{part}/{name}", name, op.tensor, units, trunk, knots)
        elif op.kind.name == "SCALE":
            factor = op.tensor("factor") * 2.0 ** -op.tensor("shift").astype(np.float64)
            gain = (
                factor / units["analysis/down"] / 2**Y_BITS
                if part == "analysis"
                else factor * units["synthesis/up"] * 2**Y_HAT_BITS
            )
            found[f"{name}.log_gain"] = knots_of(gain, knots)
        elif op.kind.name in ("LINEAR", "DEPTHWISE"):
            inputs, outputs = ends.get((part, name), (None, None))
            if inputs is None or outputs is None:
                inputs, outputs = units[f"{part}/{name}.in"], units[f"{part}/{name}.out"]
            sums = Sums(op.tensor("weight"), op.tensor("bias"), op.tensor("shift"))
            if op.kind.name == "DEPTHWISE":
                found[f"{name}.weight"], found[f"{name}.bias"] = filter_floats(
                    sums, inputs, outputs
                )
                continue
            matrix, bias = from_linear(sums, (inputs, outputs))
            found[f"{name}.weight"], found[f"{name}.bias"] = matrix, bias[0]
    if part == "analysis":
        found[f"{first}.bias"] = found[f"{first}.bias"] + 127.5 * found[f"{first}.weight"].sum(1)
        found[f"{first}.weight"] = found[f"{first}.weight"] * 255
    elif part == "synthesis":
        found["stem.bias"] = (found["stem.bias"] - 127.5) / 255
        found["stem.weight"] = found["stem.weight"] / 255
    return {name: torch.from_numpy(np.ascontiguousarray(v)).float() for name, v in found.items()}

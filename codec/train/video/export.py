"""python -m codec.train.video.export CHECKPOINT DUMPS... --out FILE: the filter as a weights file.

FILE holds the program "filter" (inputs luma, chroma; outputs their corrections, in that order),
"config", the sizes as JSON, and "units/PLACE", with which `read_filter` gets the floats back. What
ranges are needed is measured on frames of the dumps; what floats and integers gain on those held
out is printed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.errors import WeightsMismatch
from codec.train.video.network import INPUT_UNIT, FilterNetwork
from codec.train.video.samples import Batch, Dumps
from codec.train.video.training import HELD_OUT, gains_of, load_average, validate
from codec.trainable.block_integers import (
    HEADROOM,
    Limits,
    Units,
    arrays,
    block_floats,
    block_layers,
    gains,
    knots_of,
    linear_layer,
    scale_layer,
)
from codec.trainable.folded import Folded, Largest, folded
from codec.video.filter import (
    CHROMA_INPUT,
    CORRECTION_LIMIT,
    DIFFERENCE_LIMIT,
    LEVELS,
    LUMA_INPUT,
    PROGRAM,
    FilterConfig,
    correct,
)
from networks import weights_file
from networks.errors import InvalidWeightsFile
from networks.export.quantise import LARGEST, Sums, from_linear, to_linear, unit_of
from networks.native import NativeProgram
from networks.program import Program, Type
from networks.record import Layer, Recorder
from networks.train.training import KNOTS

__all__ = ["filter_program", "largest_values", "read_filter", "write_filter"]

LIMITS = Limits(filtered=16383, value=16383, bits=16)
UNITS = "units/"
TRUNK_HEADROOM = 2.0
"""Range of the trunk in the largest value seen: no level is far from those that were seen."""


@torch.inference_mode()
def largest_values(
    weights: dict[str, Tensor], config: FilterConfig, frames: Iterable[Batch]
) -> Largest:
    """Largest values at every place on frames (batches of one), each at its level."""
    found: Largest = {}
    for frame in frames:
        ops = Folded(weights, LEVELS, int(frame.level[0]), found)
        correct(ops, config, frame.luma[0] * INPUT_UNIT, frame.chroma[0] * INPUT_UNIT)
    return found


def filter_program(
    weights: dict[str, Tensor], config: FilterConfig, largest: Largest, limits: Limits = LIMITS
) -> tuple[Program, Units]:
    """The program of folded weights, and the units of its channels.

    Raises:
        InvalidNetwork: sums of a layer do not fit 32 bits.
    """
    w = arrays(weights)
    reach = (-LARGEST - 1, LARGEST)
    places = [largest[p] for p in ("enter_luma.out", "enter_chroma.out", "sum")]
    entered = unit_of(np.max(places, 0), LARGEST, HEADROOM)
    trunk = unit_of(largest["trunk"], LARGEST, TRUNK_HEADROOM)
    left = unit_of(largest["leave.out"], LARGEST, HEADROOM)
    units: Units = {"entered": entered, "trunk": trunk, "left": left}
    layers: dict[str, Layer] = {}
    for name in ("enter_luma", "enter_chroma"):
        matrix = w[f"{name}.weight"] * INPUT_UNIT
        ones = np.ones(matrix.shape[1])
        made = to_linear(matrix, w[f"{name}.bias"][None], (ones, entered), DIFFERENCE_LIMIT)
        layers[name] = linear_layer(made, Type.I16)
    for name, before, after in (("enter", entered, trunk), ("leave", trunk, left)):
        factor = gains(w[f"{name}.log_gain"], LEVELS) * (before / after)[None]
        layers[name] = scale_layer(factor, reach, Type.I16)
    for n in range(config.blocks):
        name = f"trunk4.{n}"
        layers[name], found = block_layers(w, name, trunk, largest, limits, LEVELS)
        units |= found
    ends = (-CORRECTION_LIMIT, CORRECTION_LIMIT)
    for name in ("leave_luma", "leave_chroma"):
        matrix = w[f"{name}.weight"]
        made = to_linear(
            matrix, w[f"{name}.bias"][None], (left, np.ones(len(matrix))), LARGEST + 1
        )  # fmt: skip
        layers[name] = linear_layer(made, Type.I16, ends)
    record = Recorder(layers)
    inputs = [
        record.input(Type.I16, channels, -DIFFERENCE_LIMIT, DIFFERENCE_LIMIT)
        for channels in (LUMA_INPUT, CHROMA_INPUT)
    ]
    return record.program(correct(record, config, *inputs)), units


def write_filter(
    network: FilterNetwork, frames: Iterable[Batch], limits: Limits = LIMITS
) -> bytes:  # fmt: skip
    """The bytes of a weights file, with ranges measured on frames (batches of one).

    Raises:
        InvalidNetwork: sums of a layer do not fit 32 bits.
    """
    weights = folded(network)
    largest = largest_values(weights, network.config, frames)
    program, units = filter_program(weights, network.config, largest, limits)
    entries: dict[str, weights_file.Entry] = {
        PROGRAM: program,
        "config": json.dumps(asdict(network.config), sort_keys=True).encode(),
    }
    entries |= {UNITS + k: np.asarray(v, np.float32) for k, v in sorted(units.items())}
    return weights_file.write(entries)


def read_filter(data: bytes) -> FilterNetwork:
    """The inverse of `write_filter`, up to the rounding of the integers: to train on from.

    Raises:
        WeightsMismatch: the bytes are not a weights file of a filter.
    """
    try:
        entries = weights_file.read(data, LEVELS)
        config, program = entries["config"], entries[PROGRAM]
        assert isinstance(config, bytes)
        assert isinstance(program, Program)
        network = FilterNetwork(FilterConfig(**json.loads(config)))
        units = {
            name.removeprefix(UNITS): np.asarray(entry, np.float64)
            for name, entry in entries.items()
            if name.startswith(UNITS)
        }
        _restore(network, program, units)
    except (AssertionError, InvalidWeightsFile, KeyError, TypeError, ValueError) as error:
        raise WeightsMismatch(f"not a weights file of a filter: {error}") from error
    return network


@torch.no_grad()
def _restore(network: FilterNetwork, program: Program, units: Units) -> None:
    found: dict[str, NDArray[np.float64]] = {}
    entered, trunk, left = (units[p] for p in ("entered", "trunk", "left"))
    for op in program.operations:
        if op.kind.name == "GATED_BLOCK":
            found |= block_floats(op.name, op.name, op.tensor, units, trunk, KNOTS)
        elif op.kind.name == "SCALE":
            before, after = (entered, trunk) if op.name == "enter" else (trunk, left)
            factor = op.tensor("factor") * 2.0 ** -op.tensor("shift").astype(np.float64)
            found[f"{op.name}.log_gain"] = knots_of(factor * (after / before)[None], KNOTS)
        elif op.kind.name == "LINEAR":
            sums = Sums(op.tensor("weight"), op.tensor("bias"), op.tensor("shift"))
            outputs, inputs = sums.weight.shape
            enters = op.name.startswith("enter")
            ends = (np.ones(inputs), entered) if enters else (left, np.ones(outputs))
            matrix, bias = from_linear(sums, ends)
            found[f"{op.name}.weight"] = matrix / (INPUT_UNIT if enters else 1)
            found[f"{op.name}.bias"] = bias[0]
    network.restore(
        {k: torch.from_numpy(np.ascontiguousarray(v)).float() for k, v in found.items()}
    )


def gain_of_integers(data: bytes, dumps: Dumps, step: int) -> dict[str, list[float]]:
    """What `codec.train.video.training.validate` says of floats, of a weights file."""
    program = weights_file.read(data, LEVELS)[PROGRAM]
    assert isinstance(program, Program)
    native = NativeProgram(program)

    def correct_whole(batch: Batch) -> list[Tensor]:
        inputs = [x[0].numpy().astype(np.int16) for x in (batch.luma, batch.chroma)]
        return [torch.from_numpy(x).float()[None] for x in native(inputs, int(batch.level[0]))]

    return gains_of(correct_whole, dumps, step)


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(prog="python -m codec.train.video.export")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("dumps", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--step", type=int, default=8, help="every how many frames is measured")
    parser.add_argument("--bits", type=int, choices=(8, 16), default=LIMITS.bits)
    parser.add_argument("--held-out", nargs="*", default=HELD_OUT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = load_average(options.checkpoint)
    names = tuple(options.held_out)
    dumps = Dumps(options.dumps, seed=0, keep=lambda name: not name.startswith(names))
    limits = Limits(LIMITS.filtered, LIMITS.value, options.bits)
    data = write_filter(network, (batch for _, batch in dumps.whole(options.step)), limits)
    options.out.write_bytes(data)
    print(f"{len(data)} bytes")
    held_out = Dumps(options.dumps, seed=0, keep=lambda name: name.startswith(names))
    print("floats", validate(network, held_out, options.step))
    print("integers", gain_of_integers(data, held_out, options.step))


if __name__ == "__main__":
    main()

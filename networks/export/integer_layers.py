"""IntegerNetwork: the exported integers of an exact network, and the proof that they cannot
overflow.

    name        weight int16                 bias int32                shift int8
    linear      (outputs, inputs)            (1 | levels, outputs)     (outputs,)
    depthwise   (channels, 3, 3)             (1, channels)             (channels,)

A layer's output is clamp(floor((w . x + b + 2^(shift-1)) / 2^shift), low, high); see
networks/train/spec.py for the number formats and entropy/SPEC.md for the normative text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks.errors import InvalidNetwork
from networks.train.spec import (
    ACC_LIMIT,
    ACT_MAX,
    COMPAND_SIZE,
    INDEX_MAX,
    MEAN_LIMIT,
    LayerSpec,
)

__all__ = ["IntegerLayer", "IntegerNetwork", "output_range"]


def output_range(spec: LayerSpec) -> tuple[int, int]:
    """Smallest and largest output of a layer."""
    return {
        "signed": (-ACT_MAX, ACT_MAX),
        "relu": (0, ACT_MAX),
        "mean": (-MEAN_LIMIT, MEAN_LIMIT),
        "index": (0, INDEX_MAX),
    }[spec.output]


@dataclass(frozen=True, slots=True, eq=False)
class IntegerLayer:
    """The integers of one layer; shapes and dtypes as in the module's table."""

    spec: LayerSpec
    weight: NDArray[np.int16]
    bias: NDArray[np.int32]
    shift: NDArray[np.int8]

    def check(self, name: str, levels: int) -> None:
        """Proves the bound of DESIGN C1 for every output channel and level.

        Raises:
            InvalidNetwork: a shape or dtype is wrong, or a sum could reach 2^24.
        """
        spec = self.spec
        taps = (spec.inputs,) if spec.kind == "linear" else (3, 3)
        wanted: dict[str, tuple[NDArray[Any], tuple[int, ...], type]] = {
            "weight": (self.weight, (spec.outputs, *taps), np.int16),
            "bias": (self.bias, (levels if spec.leveled else 1, spec.outputs), np.int32),
            "shift": (self.shift, (spec.outputs,), np.int8),
        }
        for part, (array, shape, dtype) in wanted.items():
            if array.shape != shape or array.dtype != dtype:
                raise InvalidNetwork(
                    f"{name}.{part}: found {array.dtype} {array.shape}, "
                    f"expected {np.dtype(dtype)} {shape}"
                )
        shift = self.shift.astype(np.int64)
        if shift.min() < 1 or shift.max() > 23:
            raise InvalidNetwork(
                f"{name}.shift: found {shift.min()}..{shift.max()}, expected 1..23"
            )
        magnitude = np.abs(self.weight.astype(np.int64)).reshape(spec.outputs, -1).sum(1) * ACT_MAX
        bias = np.abs(self.bias.astype(np.int64)).max(0)
        worst = magnitude + bias + (1 << (shift - 1))
        channel = int(worst.argmax())
        if worst[channel] >= ACC_LIMIT:
            raise InvalidNetwork(
                f"{name}: output channel {channel} can reach {worst[channel]}, "
                f"expected below 2^24 = {ACC_LIMIT}: its float32 sums would not be exact"
            )


class IntegerNetwork:
    """All layers of an exact network by name, and the shifts at its inputs. Proved when
    constructed.

    Args:
        layers: by the names of `specs`.
        input_shifts: (latent,) int8; channel c of y_hat enters as round(y_hat / 2^input_shifts[c]).
        compand: (2 COMPAND_SIZE - 1,) int16; a y_hat of i units is companded to compand[i +
            COMPAND_SIZE - 1].
        levels: number of quality levels.

    Raises:
        InvalidNetwork: a layer is missing or unknown, or the proof fails.
    """

    def __init__(
        self,
        specs: dict[str, LayerSpec],
        layers: dict[str, IntegerLayer],
        input_shifts: NDArray[np.int8],
        compand: NDArray[np.int16],
        levels: int,
    ) -> None:
        if specs.keys() != layers.keys():
            odd = sorted(specs.keys() ^ layers.keys())
            raise InvalidNetwork(f"layers missing or unknown: {', '.join(odd[:5])}")
        for name, layer in layers.items():
            if layer.spec != specs[name]:
                raise InvalidNetwork(f"{name}: found {layer.spec}, expected {specs[name]}")
            layer.check(name, levels)
        if input_shifts.dtype != np.int8 or input_shifts.ndim != 1:
            raise InvalidNetwork("input_shifts: expected one int8 per latent channel")
        if input_shifts.min() < 0 or input_shifts.max() > 15:
            raise InvalidNetwork("input_shifts: expected 0..15")
        if compand.dtype != np.int16 or compand.shape != (2 * COMPAND_SIZE - 1,):
            raise InvalidNetwork(
                f"compand: found {compand.dtype} {compand.shape}, "
                f"expected int16 ({2 * COMPAND_SIZE - 1},)"
            )
        if np.abs(compand.astype(np.int64)).max() > ACT_MAX:
            raise InvalidNetwork(f"compand: a value is beyond +-{ACT_MAX}")
        self.layers = layers
        self.compand = compand
        self.input_shifts = input_shifts
        self.levels = levels

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as named arrays, for a weights file."""
        result: dict[str, NDArray[Any]] = {
            "input_shifts": self.input_shifts,
            "compand": self.compand,
        }
        for name, layer in self.layers.items():
            result[f"{name}/weight"] = layer.weight
            result[f"{name}/bias"] = layer.bias
            result[f"{name}/shift"] = layer.shift
        return result

    @staticmethod
    def from_arrays(
        specs: dict[str, LayerSpec], arrays: dict[str, NDArray[Any]], levels: int
    ) -> IntegerNetwork:
        """The inverse of `arrays`.

        Raises:
            InvalidNetwork: an array is missing, or the proof fails.
        """
        try:
            layers = {
                name: IntegerLayer(
                    spec,
                    arrays[f"{name}/weight"],
                    arrays[f"{name}/bias"],
                    arrays[f"{name}/shift"],
                )
                for name, spec in specs.items()
            }
            return IntegerNetwork(specs, layers, arrays["input_shifts"], arrays["compand"], levels)
        except KeyError as error:
            raise InvalidNetwork(f"missing array {error}") from error

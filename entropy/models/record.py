"""Programs of the entropy networks: the graph of `quadtree`, recorded with its integers.

hyper_synthesis     z                         -> prior
context.k           prior, known (k > 0)      -> four cells of (means, table indexes)
embed.k             four cells of y_hat, known (k > 0)  -> known                   k < 3
"""

from __future__ import annotations

import numpy as np

from entropy.models.quadtree import (
    ORDER,
    STEPS,
    EntropyConfig,
    hyper_synthesis,
    layer_specs,
    parameters,
    update,
)
from networks.export.integer_layers import IntegerLayer, IntegerNetwork, output_range
from networks.program import TENSORS, Program, Tensor, Type
from networks.record import Layer, Recorder
from networks.train.spec import ACT_MAX, Z_BITS

__all__ = ["Y_HAT_RANGE", "Z_RANGE", "integer_network_of", "programs"]

Z_RANGE = 32768
"""z symbols are 16-bit integers."""
Y_HAT_RANGE = 1 << 23
"""y_hat lies within this, in 2^-5 symbols: a mean, and a symbol of 16 bits on the trellis."""


def programs(config: EntropyConfig, network: IntegerNetwork) -> dict[str, Program]:
    """All programs, by name."""
    layers = _layers(config, network)
    record = _Recorder(layers)
    z = record.input(Type.I32, config.hyper, -Z_RANGE, Z_RANGE)
    found = {"hyper_synthesis": record.program([hyper_synthesis(record, z)])}
    for step in range(STEPS):
        record = _Recorder(layers)
        prior, known = _activations(record, config), None
        if step:
            known = _activations(record, config)
        heads = parameters(record, step, prior, known)
        found[f"context.{step}"] = record.program([mean for mean, _ in heads])
    for step in range(STEPS - 1):
        record = _Recorder(layers)
        cells = [
            record.input(Type.I32, config.group, -Y_HAT_RANGE, Y_HAT_RANGE) for _ in ORDER[step]
        ]
        known = _activations(record, config) if step else None
        found[f"embed.{step}"] = record.program([update(record, step, known, cells)])
    return found


def _activations(record: Recorder, config: EntropyConfig) -> int:
    return record.input(Type.I16, config.hidden, -ACT_MAX, ACT_MAX)


class _Recorder(Recorder):
    """`entropy.models.quadtree.Ops` over registers."""

    def linear(self, name: str, x: int, unfold: int = 1) -> int:  # type: ignore[override]
        return super().linear(name, x, unfold=unfold)

    def head(self, name: str, group: int, x: int) -> tuple[int, int]:
        """One register holds both: means, then table indexes."""
        both = super().linear(f"{name}.{group}", x)
        return both, both

    def add(self, x: int, y: int, relu: bool = False) -> int:  # type: ignore[override]
        return super().add(x, y, 0 if relu else -ACT_MAX, ACT_MAX)

    def from_z(self, z: int) -> int:
        return self.scale("from_z", z)

    def from_y(self, y_hat: int, group: int) -> int:
        return self.concat([self.scale(f"from_y.{group}", y_hat), self.lookup("compand", y_hat)])


def _layers(config: EntropyConfig, network: IntegerNetwork) -> dict[str, Layer]:
    """The layers of the network under the names that the recorder asks for."""
    found: dict[str, Layer] = {}
    for name, layer in network.layers.items():
        if ".mean." in name:
            index = network.layers[name.replace(".mean.", ".index.")]
            found[name.replace(".mean.", ".")] = _linear([layer, index], Type.I32)
        elif layer.spec.kind == "depthwise":
            taps = layer.weight.reshape(-1, 9).T
            tensors: dict[str, Tensor] = {
                "weight": np.ascontiguousarray(taps),
                "bias": layer.bias,
                "shift": layer.shift,
            }
            found[name] = Layer(tensors, (ACT_MAX,))
        elif ".index." not in name:
            found[name] = _linear([layer], Type.I16)
    activation = (-ACT_MAX, ACT_MAX, int(Type.I16))
    found["from_z"] = _scale(np.full(config.hyper, 1 << Z_BITS), np.zeros(config.hyper), activation)
    for group in range(len(ORDER)):
        part = slice(group * config.group, (group + 1) * config.group)
        shifts = network.input_shifts[part]
        found[f"from_y.{group}"] = _scale(np.ones(config.group), shifts, activation)
    found["compand"] = Layer({"table": network.compand}, (0,))
    return found


def _linear(parts: list[IntegerLayer], kind: Type) -> Layer:
    """Layers side by side as one."""
    rows = max(len(part.bias) for part in parts)
    ranges = [(output_range(part.spec), len(part.shift)) for part in parts]
    return Layer(
        {
            "weight": np.concatenate([part.weight for part in parts]),
            "bias": np.concatenate(
                [np.broadcast_to(part.bias, (rows, len(part.shift))) for part in parts], 1
            ),
            "shift": np.concatenate([part.shift for part in parts]),
            "low": np.concatenate([np.full(n, r[0], np.int32) for r, n in ranges]),
            "high": np.concatenate([np.full(n, r[1], np.int32) for r, n in ranges]),
        },
        (int(kind),),
    )


def _scale(factor: Tensor, shift: Tensor, parameters: tuple[int, int, int]) -> Layer:
    tensors: dict[str, Tensor] = {
        "factor": factor[None].astype(np.int32),
        "shift": shift.astype(np.int8),
    }
    return Layer(tensors, parameters)


def integer_network_of(
    config: EntropyConfig, entries: dict[str, Program], levels: int
) -> IntegerNetwork:
    """The inverse of `programs`: the integers of every layer, to train on from them."""
    tensors: dict[str, dict[str, Tensor]] = {}
    for name, program in entries.items():
        if name == "hyper_synthesis" or name.startswith(("context.", "embed.")):
            for op in program.operations:
                if op.name:
                    tensors[op.name] = dict(zip(TENSORS[op.kind], op.tensors, strict=True))
    specs = layer_specs(config)
    layers = {}
    for name, spec in specs.items():
        head = name.replace(".mean.", ".").replace(".index.", ".")
        found = tensors[head]
        part = slice(None)
        if head != name:
            part = slice(0, spec.outputs) if ".mean." in name else slice(spec.outputs, None)
        weight = found["weight"]
        if spec.kind == "depthwise":
            weight = np.ascontiguousarray(weight.T).reshape(-1, 3, 3)
        else:
            weight = weight[part]
        bias = found["bias"][:, part]
        layers[name] = IntegerLayer(
            spec,
            np.array(weight, order="C"),  # copies: views of a file cannot be written to
            np.array(bias if spec.leveled else bias[:1], order="C"),
            np.array(found["shift"][part]),
        )
    shifts = np.concatenate([tensors[f"from_y.{g}"]["shift"] for g in range(len(ORDER))])
    return IntegerNetwork(specs, layers, shifts, tensors["compand"]["table"], levels)

"""TrainingOps -> IntegerNetwork: the integers behind the quantisation-aware forward pass, bit for
bit; and back, to train on from them.
"""

from __future__ import annotations

import numpy as np
import torch

from networks.errors import InvalidNetwork
from networks.export.integer_layers import IntegerLayer, IntegerNetwork
from networks.train.spec import ACT_BITS, INDEX_BITS, MEAN_BITS, LayerSpec
from networks.train.training import KNOTS, TrainingOps, interpolate_knots

__all__ = ["integer_network", "trainable_layers"]


@torch.no_grad()
def integer_network(ops: TrainingOps, specs: dict[str, LayerSpec]) -> IntegerNetwork:
    """Read the integers off trained layers.

    Raises:
        InvalidNetwork: the overflow proof fails for some layer.
    """
    layers = {}
    for name, spec in specs.items():
        layer = ops.layer(name)
        weight, table, shift = layer.quantised(ops.levels)
        if not spec.leveled:
            table = table[:1]
        by_channel = torch.exp2(shift).view(-1, *[1] * (weight.dim() - 1))
        integers = (weight * by_channel).round()
        bias = (table * torch.exp2(shift + ACT_BITS)).round()
        if spec.output == "mean":
            shift = shift - layer.exponent - (MEAN_BITS - ACT_BITS)
        elif spec.output == "index":
            shift = shift + ACT_BITS - INDEX_BITS
        if spec.kind == "depthwise":
            integers = integers[:, 0]
        # Beyond their types the integers would wrap, perhaps into some that pass the proof.
        if not (integers.abs().max() < 2**15 and bias.abs().max() < 2**31):
            raise InvalidNetwork(f"{name}: a weight or bias is too large for an exact sum, or NaN")
        layers[name] = IntegerLayer(
            spec,
            integers.cpu().numpy().astype(np.int16),
            bias.cpu().numpy().astype(np.int32),
            shift.cpu().numpy().astype(np.int8),
        )
    shifts = ops.input_exponents.cpu().numpy().astype(np.int8)
    compand = ops.compand.cpu().numpy().astype(np.int16)
    return IntegerNetwork(specs, layers, shifts, compand, ops.levels)


@torch.no_grad()
def trainable_layers(network: IntegerNetwork, ops: TrainingOps) -> None:
    """The inverse of `integer_network`: real-valued weights behind the integers.

    Biases of the levels come back as the knots that interpolate to about them. The exponents of
    `ops` must be those of the network already.
    """
    for name, layer in network.layers.items():
        target = ops.layer(name)
        shift = torch.from_numpy(layer.shift).float()
        if layer.spec.output == "mean":
            shift = shift + target.exponent + (MEAN_BITS - ACT_BITS)
        elif layer.spec.output == "index":
            shift = shift - ACT_BITS + INDEX_BITS
        unit = torch.exp2(-shift)
        by_channel = unit.view(-1, *[1] * (target.weight.dim() - 1))
        weight = torch.from_numpy(layer.weight).float()
        target.weight.copy_(weight.view_as(target.weight) * by_channel)
        table = torch.from_numpy(layer.bias).float() * unit / 2.0**ACT_BITS
        if layer.spec.leveled:
            target.bias.zero_()
            target.level_bias.copy_(interpolate_knots(table, KNOTS))
        else:
            target.bias.copy_(table[0])

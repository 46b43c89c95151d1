"""The exact networks while they are trained: float first, then quantisation-aware with the very
same integers.

In quantisation-aware mode each layer's forward pass computes exactly what inference computes
(dyadic rationals in float32 instead of integers: the same bits, scaled by a power of two); the
backward pass goes straight through the rounding (Bengio et al. 2013) and, in clamps, lets through
gradients that lead back into the range.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from networks.train.arrange import cell, join, unfolded
from networks.train.depthwise import depthwise
from networks.train.spec import (
    ACC_LIMIT,
    ACT_BITS,
    ACT_MAX,
    COMPAND_SIZE,
    INDEX_BITS,
    INDEX_MAX,
    MEAN_BITS,
    Z_BITS,
    LayerSpec,
)

KNOTS = 9
"""Quality-dependent vectors are linear between this many knots over the levels."""
MAX_WEIGHT_SHIFT = 14


class _ClampToRange(torch.autograd.Function):
    """clamp whose gradient also passes where the value is outside but moving back."""

    @staticmethod
    def forward(ctx, x: Tensor, low: float, high: float) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        ctx.range = (low, high)
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        low, high = ctx.range
        stuck = ((x < low) & (grad > 0)) | ((x > high) & (grad < 0))
        return grad.masked_fill(stuck, 0.0), None, None


def clamp_to_range(x: Tensor, low: float, high: float) -> Tensor:
    """clamp(x, low, high) with a gradient that can always lead back into the range."""
    clamped: Tensor = _ClampToRange.apply(x, low, high)  # type: ignore[no-untyped-call]
    return clamped


def round_through(x: Tensor) -> Tensor:
    """floor(x + 1/2) forward, identity backward."""
    return x + (torch.floor(x + 0.5) - x).detach()


def interpolate_knots(knots: Tensor, levels: int) -> Tensor:
    """(rows, C), KNOTS of them as a rule -> (levels, C), linear in between.

    From a table of all levels to KNOTS rows it finds the knots again.
    """
    last = len(knots) - 1
    position = torch.arange(levels, device=knots.device) * (last / (levels - 1))
    low = position.floor().clamp(max=last - 1).long()
    t = (position - low).unsqueeze(1).to(knots.dtype)
    return knots[low] * (1 - t) + knots[low + 1] * t


class KnotShares(nn.Module):
    """How much each of KNOTS counts at each level: `interpolate_knots` as a matrix."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        shares = interpolate_knots(torch.eye(KNOTS), levels)
        self.register_buffer("shares", shares, persistent=False)
        self.shares: Tensor

    def forward(self, level: Tensor) -> Tensor:
        """level (B,) int64 -> (B, KNOTS) float32."""
        return self.shares[level]


def mix_knots(shares: Tensor, knots: Tensor) -> Tensor:
    """shares (B, KNOTS), knots (KNOTS, C), both float32 -> (B, C) float32, autocast or not."""
    with torch.autocast(shares.device.type, enabled=False):
        return shares @ knots


def weight_shift(weight: Tensor, bias_bound: Tensor, input_max: int) -> Tensor:
    """Largest shift per output channel that keeps every partial sum below ACC_LIMIT.

    weight (O, fan-in) and bias_bound (O,) are real-valued; the bias counts in units of 2^-ACT_BITS.
    Rounding each weight may add half a unit; the rounding constant of the requantiser is counted
    too.
    """
    fan_in = weight[0].numel()
    total = weight.detach().abs().flatten(1).sum(1) * input_max + bias_bound * 2.0**ACT_BITS
    room = ACC_LIMIT * 0.98 - 0.5 * fan_in * input_max
    shift = torch.floor(torch.log2(room / (total + 2.0 ** (ACT_BITS)).clamp_min(1e-6)))
    return shift.clamp(1, MAX_WEIGHT_SHIFT)


def compand_table() -> Tensor:
    """(2 COMPAND_SIZE - 1,) float32 integers: 2 asinh(2 y) in activation units, for y in steps of
    2^-MEAN_BITS.
    """
    y = torch.arange(1 - COMPAND_SIZE, COMPAND_SIZE, dtype=torch.float64) / 2.0**MEAN_BITS
    return torch.round(2 * torch.asinh(2 * y) * 2.0**ACT_BITS).float()


class ExactLayer(nn.Module):
    """One layer of `LayerSpec`, with float master weights.

    weight: (outputs, inputs) or (channels, 1, 3, 3); bias (outputs,); level_bias (KNOTS, outputs).
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__()
        self.spec = spec
        if spec.kind == "linear":
            bound = spec.gain / math.sqrt(spec.inputs)
            self.weight = nn.Parameter(torch.randn(spec.outputs, spec.inputs) * bound)
        else:
            weight = torch.randn(spec.outputs, 1, 3, 3) * 0.05
            weight[:, :, 1, 1] += 1.0
            self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(spec.outputs))
        if spec.leveled:
            self.level_bias = nn.Parameter(torch.zeros(KNOTS, spec.outputs))
        exponent = torch.zeros(spec.outputs)
        self.register_buffer("exponent", exponent)  # left shift of a "mean" output, per channel
        self.exponent: Tensor

    def table_bias(self, levels: int) -> Tensor:
        """(levels, outputs) biases in real units."""
        if self.spec.leveled:
            return self.bias + interpolate_knots(self.level_bias, levels)
        return self.bias.expand(levels, -1)

    def quantised(self, levels: int) -> tuple[Tensor, Tensor, Tensor]:
        """(weight, bias table, shift): dyadic values of the integers that export writes;
        straight-through.
        """
        table = self.table_bias(levels)
        shift = weight_shift(self.weight, table.detach().abs().amax(0), ACT_MAX)
        scale = torch.exp2(shift)
        by_channel = scale.view(-1, *[1] * (self.weight.dim() - 1))
        weight = round_through(self.weight * by_channel) / by_channel
        unit = scale * 2.0**ACT_BITS
        return weight, round_through(table * unit) / unit, shift

    def forward(self, x: Tensor, level: Tensor, shares: Tensor, levels: int, exact: bool) -> Tensor:
        """x (B, H, W, inputs), level (B,) int64, shares (B, KNOTS) of `KnotShares` at those levels
        -> (B, H, W, outputs).
        """
        if exact:
            weight, table, _ = self.quantised(levels)
            bias = table[level] if self.spec.leveled else table[0]
        else:
            weight, bias = self.weight, self.bias
            if self.spec.leveled:
                bias = bias + mix_knots(shares, self.level_bias)
        if self.spec.output == "mean":  # large means need more digits than bfloat16 has
            with torch.autocast(x.device.type, enabled=False):
                out = F.linear(x.float(), weight, bias)
        elif self.spec.leveled:
            out = F.linear(x, weight) + bias[:, None, None, :]
        elif self.spec.kind == "linear":
            out = F.linear(x, weight, bias)
        else:
            out = depthwise(x, weight, bias)
        return self._finish(out, exact)

    def _finish(self, out: Tensor, exact: bool) -> Tensor:
        kind, unit = self.spec.output, 2.0**ACT_BITS
        if kind == "mean":
            out = out.float() * torch.exp2(self.exponent)
            return round_through(out * 2.0**MEAN_BITS) / 2.0**MEAN_BITS if exact else out
        if kind == "index":
            out = out.float() * 2.0**INDEX_BITS
            return clamp_to_range(round_through(out) if exact else out, 0.0, float(INDEX_MAX))
        # Floats have the bounds of the integers, too: without them a few large activations can run
        # away within ten steps, and the loss with them.
        low = 0.0 if kind == "relu" else -ACT_MAX / unit
        out = round_through(out * unit) / unit if exact else out
        return F.hardtanh(out, low, ACT_MAX / unit)


class TrainingOps(nn.Module):
    """`Ops` of entropy.models.quadtree over trainable layers; `bind` chooses the levels of the
    batch.
    """

    def __init__(self, specs: dict[str, LayerSpec], levels: int, input_exponents: Tensor) -> None:
        """input_exponents: (latent,) integers; channel c of y_hat enters as y_hat /
        2^input_exponents[c].
        """
        super().__init__()
        self.levels = levels
        self.exact = False
        self.layers = nn.ModuleDict({n.replace(".", "/"): ExactLayer(s) for n, s in specs.items()})
        self.register_buffer("input_exponents", input_exponents.float())
        self.input_exponents: Tensor
        self.register_buffer("compand", compand_table())
        self.compand: Tensor
        self.knots = KnotShares(levels)
        self._level = torch.zeros(1, dtype=torch.long)
        self._shares = self.knots(self._level)

    def layer(self, name: str) -> ExactLayer:
        """The layer of that name."""
        layer = self.layers[name.replace(".", "/")]
        assert isinstance(layer, ExactLayer)
        return layer

    def bind(self, level: Tensor) -> TrainingOps:
        """Use quality levels `level` (B,) for the calls that follow."""
        self._level, self._shares = level, self.knots(level)
        return self

    def linear(self, name: str, x: Tensor, unfold: int = 1) -> Tensor:
        out: Tensor = self.layer(name)(x, self._level, self._shares, self.levels, self.exact)
        return out if unfold == 1 else unfolded(out, unfold)

    def depthwise(self, name: str, x: Tensor) -> Tensor:
        return self.linear(name, x)

    def cell(self, x: Tensor, index: int) -> Tensor:
        return cell(x, index)

    def join(self, cells: list[Tensor]) -> Tensor:
        return join(cells)

    def head(self, name: str, group: int, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.linear(f"{name}.mean.{group}", x), self.linear(f"{name}.index.{group}", x)

    def add(self, x: Tensor, y: Tensor, relu: bool = False) -> Tensor:
        high = ACT_MAX / 2.0**ACT_BITS
        return F.hardtanh(x + y, 0.0 if relu else -high, high)

    def _activation(self, x: Tensor) -> Tensor:
        unit = 2.0**ACT_BITS
        x = round_through(x * unit) / unit if self.exact else x
        return F.hardtanh(x, -ACT_MAX / unit, ACT_MAX / unit)

    def from_z(self, z_symbols: Tensor) -> Tensor:
        return self._activation(z_symbols * 2.0 ** (Z_BITS - ACT_BITS))

    def from_y(self, y_hat: Tensor, group: int) -> Tensor:
        size = y_hat.shape[-1]
        exponents = self.input_exponents[group * size : (group + 1) * size]
        linear = self._activation(y_hat * torch.exp2(-exponents))
        limit = (COMPAND_SIZE - 1) / 2.0**MEAN_BITS
        inside = F.hardtanh(y_hat, -limit, limit)
        companded = 2 * torch.asinh(2 * inside)
        if self.exact:
            place = (inside.detach() * 2.0**MEAN_BITS + (COMPAND_SIZE - 1)).round().long()
            companded = companded + (self.compand[place] / 2.0**ACT_BITS - companded).detach()
        return torch.cat([linear, companded], -1)

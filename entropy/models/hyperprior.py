"""The trainable entropy model: hyper-analysis, factorised prior of z, exact hyper-synthesis and
context.

Reconstructions are rounded about the mean, straight-through. Rates are taken with additive uniform
noise at first (Minnen and Singh, Channel-wise autoregressive entropy models, ICIP 2020, section
3.3) and of the rounded symbols, straight-through as well, when `hard` is set: at low rates noise
overstates the cost of a zero. Then rounding has the encoder's dead zone, too, so that the contexts
learn from what they will see.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from entropy.integer.spec import INDEX_MAX
from entropy.integer.training import (
    KNOTS,
    TrainingOps,
    clamp_to_range,
    interpolate_knots,
    round_through,
)
from entropy.models import gaussian
from entropy.models.hyper_analysis import HyperAnalysis
from entropy.models.quadtree import (
    ORDER,
    STEPS,
    Context,
    EntropyConfig,
    cell,
    hyper_synthesis,
    layer_specs,
)

DEAD_ZONE_STRENGTH = 0.5
"""The best of those that export tries, for the models so far."""


class HyperpriorModel(nn.Module):
    """Rate and reconstruction of y for training; `ops` holds what the decoder will run."""

    def __init__(self, config: EntropyConfig, input_exponents: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        if input_exponents is None:
            input_exponents = torch.zeros(config.latent)
        self.hyper_analysis = HyperAnalysis(config)
        self.z_index = nn.Parameter(torch.full((KNOTS, config.hyper), gaussian.index_of(1.0) / 8))
        self.ops = TrainingOps(layer_specs(config), config.levels, input_exponents)
        self.set_exponents(input_exponents)
        self.hard = False
        zones = gaussian.dead_zones(DEAD_ZONE_STRENGTH)
        self.register_buffer("dead_zone", zones, persistent=False)
        self.dead_zone: Tensor

    @torch.no_grad()
    def set_exponents(self, exponents: Tensor) -> None:
        """Powers of two between y and activations; means come back by the same shift."""
        self.ops.input_exponents.copy_(exponents)
        size = self.config.group
        for step, order in enumerate(ORDER):
            for group in order:
                layer = self.ops.layer(f"head.{step}.mean.{group}")
                layer.exponent.copy_(exponents[group * size : (group + 1) * size])

    def z_table(self) -> Tensor:
        """(levels, hyper) fractional table indexes of the prior of z."""
        table = interpolate_knots(self.z_index * 8, self.config.levels)
        return clamp_to_range(table, 0.0, float(INDEX_MAX))

    @property
    def _rounds(self) -> bool:
        """Whether rates are those of the rounded symbols."""
        return self.hard or not self.training

    def _symbols(self, residual: Tensor, index: Tensor) -> Tensor:
        """Rounded, gradient straight through; with the dead zone of the tables unless soft."""
        if not self._rounds:
            return round_through(residual)
        with torch.no_grad():
            half = 0.5 - self.dead_zone[index.round().long()]
            rounded = (residual.abs() + half).floor_().copysign_(residual)
        return residual + (rounded - residual).detach()

    def _rate(self, residual: Tensor, symbols: Tensor, index: Tensor) -> Tensor:
        """Bits (B,) of `residual`, noisy while training softly, of `symbols` otherwise."""
        if not self._rounds:
            symbols = residual + torch.rand_like(residual) - 0.5
        return gaussian.bits(symbols, index).sum((1, 2, 3))

    def forward(self, y: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """y (B, h, w, latent) float32 in symbol units, h and w multiples of 4; level (B,) int64.

        Returns: y_hat like y, bits of y (B,), bits of z (B,).
        """
        y = y.float()
        z = self.hyper_analysis(y)
        z_index = self.z_table()[level][:, None, None, :]
        if self.ops.exact:
            z_index = round_through(z_index)
        z_bits = self._rate(z, round_through(z), z_index)
        ops = self.ops.bind(level)
        context = Context(ops, hyper_synthesis(ops, round_through(z)))
        size = self.config.group
        y_hat: list[list[Tensor | None]] = [[None] * 4 for _ in range(4)]  # [cell][group]
        y_bits = torch.zeros_like(z_bits)
        for step in range(STEPS):
            decoded = []
            for c, (mean, index) in enumerate(context.parameters(step)):
                group = ORDER[step][c]
                target = cell(y, c)[..., group * size : (group + 1) * size]
                residual = target - mean
                symbols = self._symbols(residual, index)
                y_bits = y_bits + self._rate(residual, symbols, index.float())
                value = mean + symbols
                y_hat[c][group] = value
                decoded.append(value)
            if step + 1 < STEPS:
                context.update(step, decoded)
        cells = [torch.cat([g for g in groups if g is not None], -1) for groups in y_hat]
        return self.ops.join(cells), y_bits, z_bits

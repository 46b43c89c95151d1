"""The trainable entropy model: hyper-analysis, factorised prior of z, exact hyper-synthesis and
context.

What stands in for quantisation while training is in `entropy.models.quantisers`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from entropy.models import gaussian
from entropy.models.hyper_analysis import HyperAnalysis
from entropy.models.latent_codec import TRELLIS_WEIGHT
from entropy.models.partition import joined, split
from entropy.models.quadtree import (
    ORDER,
    STEPS,
    EntropyConfig,
    hyper_synthesis,
    layer_specs,
    parameters,
    update,
)
from entropy.models.quantisers import Quantiser, Trellis, noisy, rounded
from networks.train.spec import INDEX_MAX
from networks.train.training import (
    KNOTS,
    TrainingOps,
    clamp_to_range,
    interpolate_knots,
    round_through,
)


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
        step = config.trellis_step
        self.trellis = Trellis(step, TRELLIS_WEIGHT, config.trellis_states) if step else None

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

    def forward(self, y: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """y (B, h, w, latent) float32 in symbol units, h and w multiples of 4; level (B,) int64.

        Returns: y_hat like y, bits of y (B,), bits of z (B,).
        """
        y = y.float()
        rounding = noisy if self.training else rounded
        z = self.hyper_analysis(y)
        return self.code(split(y), z, level, self.trellis or rounding, rounding)

    def code(
        self, y: list[Tensor], z: Tensor, level: Tensor, quantise_y: Quantiser,
        quantise_z: Quantiser,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """The same with y as `split` has it, a given z (B, h/4, w/4, hyper) and quantisers."""
        z_index = self.z_table()[level][:, None, None, :]
        if self.ops.exact:
            z_index = round_through(z_index)
        z_hat, bits = quantise_z(z, z_index)
        z_bits = bits.sum((1, 2, 3))
        ops = self.ops.bind(level)
        prior, known = hyper_synthesis(ops, z_hat), None
        y_hat: list[tuple[Tensor, ...]] = []
        y_bits = torch.zeros_like(z_bits)
        for step in range(STEPS):
            found = parameters(ops, step, prior, known)
            mean = torch.stack([m.float() for m, _ in found], 1)
            index = torch.stack([i.float() for _, i in found], 1)
            value, bits = quantise_y(y[step] - mean, index)
            y_bits = y_bits + bits.sum((1, 2, 3, 4))
            y_hat.append((mean + value).unbind(1))
            if step + 1 < STEPS:
                known = update(ops, step, known, list(y_hat[step]))
        return joined(y_hat), y_bits, z_bits

"""What training and refinement put in the place of quantisation, and the bits that it is charged.

Rates are taken with additive uniform noise while training (Minnen and Singh, Channel-wise
autoregressive entropy models, ICIP 2020, section 3.3). Rates of the rounded symbols,
straight-through, do harm: nothing pulls on a zero, so residuals gather just inside the edge of
rounding, where any change tips them over (docs/training-log.md, entry 6).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

from entropy.coder import backend, trellis
from entropy.coder.interleave import COST_BITS
from entropy.models import gaussian, viterbi
from networks.train.kernels import has_kernels
from networks.train.training import round_through

__all__ = ["Quantiser", "Trellis", "noisy", "noisy_bits", "rounded"]

Quantiser = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(residual, table index) -> (what the decoder is to have of it, its bits).

Residuals are (B, ...), y - mean or z, float32 in symbol units; indexes have that shape or one that
broadcasts to it.
"""

FORGET = 0.999
"""What a step of training keeps of the counts of the ones before."""
NOISE = 0.75
"""Width, in symbols, of the noise along the trellis, and of the bin that is charged."""
PRIOR = 200.0
"""The Gaussian counts as that many observed symbols."""
APART = 32
MOST_BITS = 20.0
"""Price of what has never been seen: about that of a symbol outside its table."""


def rounded(residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Rounded, straight-through, with the bits of the symbols."""
    symbols = round_through(residual)
    return symbols, gaussian.bits(symbols, index)


def noisy(residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Rounded, straight-through, with the bits of a noisy residual."""
    return round_through(residual), noisy_bits(residual, index, 1.0)


def noisy_bits(
    residual: Tensor, index: Tensor, width: float, generator: torch.Generator | None = None
) -> Tensor:
    """Bits of a residual with uniform noise of that width, in a bin as wide."""
    noise = torch.empty_like(residual).uniform_(generator=generator) - 0.5
    return gaussian.bits(residual + noise * width, index, width)


class Trellis(nn.Module):
    """Symbols along the trellis, as the encoder will choose them; straight-through.

    While training it counts the symbols, since what they cost decides which are chosen, and charges
    a noisy residual instead: the price of a choice has no gradient.

    Args:
        step: distance of the points of both quantisers together, in 2^-5 symbols.
        weight: bits that a squared error of one symbol is worth.
        states: of the trellis. Without the compiled coder 8 stand in for any number: what they
            leave of a residual looks the same, and is 2 to 5 % larger.
    """

    def __init__(self, step: int, weight: int, states: int) -> None:
        super().__init__()
        self.step, self.weight, self.states = step, weight, states
        self.unit = step / (1 << trellis.STEP_BITS)
        magnitudes = gaussian.radius(gaussian.SCALE_LEVELS - 1, 2 * self.unit) + 1
        counts = torch.zeros(2, gaussian.SCALE_LEVELS, magnitudes)
        for quantiser in (0, 1):
            for table in range(gaussian.SCALE_LEVELS):
                mass = gaussian.trellis_pmf(table, magnitudes - 1, self.unit, quantiser)
                mass = mass[magnitudes - 1 :] * np.where(np.arange(magnitudes), 2, 1)
                counts[quantiser, table] = torch.from_numpy(mass)
        self.register_buffer("gaussian", counts, persistent=False)
        self.register_buffer("counts", torch.zeros_like(counts))
        self.counts: Tensor
        self.gaussian: Tensor

    def frequencies(self) -> Tensor:
        """(2, tables, magnitudes) relative frequency of 0, +-1, +-2 ... by quantiser and table."""
        counts = self.counts + PRIOR * self.gaussian
        return counts / counts.sum(-1, keepdim=True)

    def prices(self) -> Tensor:
        """Bits of one symbol of those magnitudes: the sign costs one."""
        bits = -self.frequencies().log2()
        bits[..., 1:] += 1
        return bits.clamp(max=MOST_BITS)

    def forward(self, residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """A `Quantiser`; every picture is one segment."""
        with torch.no_grad():
            tables = torch.floor(index + 0.5).clamp(0, gaussian.SCALE_LEVELS - 1).to(torch.uint8)
            prices = self.prices()
            symbols, sets = self._choose(residual.detach(), tables, prices)
            points = trellis.points(symbols.float(), sets.float()) * self.unit
            at = (sets.long(), tables.long(), symbols.abs().clamp(max=prices.shape[-1] - 1).long())
            coded = tables >= gaussian.SKIP_BELOW
        value = residual + (points - residual).detach()
        if not self.training:
            return value, torch.where(coded, prices[at], 0.0)
        place = (at[0] * prices.shape[1] + at[1]) * prices.shape[2] + at[2]
        # Counted apart: from 2^24 on a float32 does not grow by one.
        # A GPU adds to one number after the other: there every few have counts of their own.
        apart = APART if place.is_cuda else 1
        place = place.flatten()
        place = place + torch.arange(len(place), device=place.device) % apart * prices.numel()
        seen = torch.zeros(apart * prices.numel(), device=place.device)
        seen.scatter_add_(0, place, coded.flatten().float())
        self.counts.mul_(FORGET).add_(seen.view(apart, *prices.shape).sum(0))
        return value, noisy_bits(residual, index, NOISE)

    def _choose(self, residual: Tensor, tables: Tensor, prices: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols and quantisers like residual: by the compiled coder where it is at hand, or all
        at once.
        """
        bits = (prices * (1 << COST_BITS)).round()
        rows, columns = residual.float().flatten(1), tables.flatten(1)
        if has_kernels(residual):
            from entropy.models import viterbi_triton

            symbols, sets = viterbi_triton.choose(
                rows, columns, bits.int(), gaussian.SKIP_BELOW, self.step, self.weight, self.states
            )
            return symbols.view(residual.shape), sets.view(residual.shape)
        if residual.device.type != "cpu" or backend() != "native":
            symbols, sets = viterbi.choose(
                rows, columns.long(), bits.long(), gaussian.SKIP_BELOW, self.step, self.weight
            )
            return symbols.view(residual.shape), sets.view(residual.shape)
        costs = trellis.TrellisCosts(
            bits.to(torch.int32).numpy(), gaussian.SKIP_BELOW, self.step, self.weight, self.states
        )
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            parts = list(
                pool.map(
                    lambda r, t: trellis.quantise(trellis.in_units(r), t, costs),
                    rows.contiguous().numpy(),
                    columns.contiguous().numpy(),
                )
            )
        symbols, sets = (
            torch.from_numpy(np.stack(part).astype(np.int32)) for part in zip(*parts, strict=True)
        )
        return symbols.view(residual.shape), sets.view(residual.shape)

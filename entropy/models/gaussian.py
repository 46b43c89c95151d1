"""Zero-mean Gaussian symbols with tabulated scales: the likelihood of training and the tables of
coding.

A symbol q = round(y - mean) is coded with one of SCALE_LEVELS tables. Table t belongs to the
standard deviation sigma_t = SCALE_MIN * exp(SCALE_STEP * t), in symbol units; the networks predict
t itself, so no logarithm is ever taken at decode time.

    t        0     ...    63
    sigma  0.11    ...   60.0     (SCALE_STEP = ln(60 / 0.11) / 63 = 0.1, one table every 10 %)

Source: Balle et al., Variational image compression with a scale hyperprior, ICLR 2018, section 4
(unit-bin likelihood with additive noise); scale tables as in CompressAI's GaussianConditional.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from networks.train.kernels import has_kernels

SCALE_LEVELS = 64
SCALE_MIN = 0.11
SCALE_STEP = 0.1
SKIP_BELOW = 3
"""Tables 0..2 (sigma up to 0.134) code nothing: a symbol other than 0 has a probability under 2e-4
there.
"""
LIKELIHOOD_MIN = 1e-9
"""Floor of a likelihood: an escape costs about 30 bits, so less than that is never worth
predicting.
"""
TAIL = 6.0
"""Standard deviations at which the likelihood is about at its floor."""

WIDEST_DEAD_ZONE = 0.5

_SQRT_HALF = math.sqrt(0.5)


def scale_of(index: Tensor) -> Tensor:
    """Standard deviation, in symbol units, of a (fractional) table index; same shape and dtype."""
    return SCALE_MIN * torch.exp(SCALE_STEP * index)


def index_of(scale: float) -> float:
    """Fractional table index of a standard deviation given in symbol units."""
    return math.log(scale / SCALE_MIN) / SCALE_STEP


def bits(residual: Tensor, index: Tensor, width: float = 1.0) -> Tensor:
    """Ideal code length, in bits, of `residual` = y - mean (float32, any shape) under table
    `index`.

    The likelihood is the mass of the Gaussian in the bin of `width` symbols around the residual.
    Both tails are taken on the negative side, where the complementary error function keeps its
    relative precision. Beyond TAIL standard deviations the gradient is one bit per standard
    deviation.
    """
    if has_kernels(residual):
        from entropy.models.gaussian_triton import Bits

        apply: Any = Bits.apply
        constants = (width, SCALE_MIN, SCALE_STEP, LIKELIHOOD_MIN, TAIL)
        found: Tensor = apply(residual.float(), index.expand_as(residual).float(), *constants)
        return found
    scale = scale_of(index)
    distance = residual.abs()
    upper = torch.special.erfc((distance - width / 2) / scale * _SQRT_HALF)
    lower = torch.special.erfc((distance + width / 2) / scale * _SQRT_HALF)
    likelihood = 0.5 * (upper - lower)
    # Under the floor the likelihood has no gradient, and what has strayed there would stay.
    stray = (distance / scale - TAIL).clamp_min(0)
    return -torch.log2(likelihood.clamp_min(LIKELIHOOD_MIN)) + (stray - stray.detach())


def dead_zones(strength: float) -> Tensor:
    """(SCALE_LEVELS,) by how much further than 1/2 from zero a residual must be to become a one.

    With a quantiser step that is optimal at high rate a squared error of one symbol costs 6 / ln 2
    bits, so zero instead of one is as good at 1/2 + bits saved / (2 * 6 / ln 2): the
    rate-distortion optimised quantisation of video coders, in closed form.

    Args:
        strength: 1 is what rate and distortion of the one symbol ask for; a zero also makes what
            comes after it less certain, so the best is lower.
    """
    zones = []
    for table in range(SCALE_LEVELS):
        r = radius(table)
        mass = pmf(table, r)
        saved = math.log2(mass[r] / max(mass[r + 1], LIKELIHOOD_MIN))
        zones.append(min(strength * saved * math.log(2.0) / 12.0, WIDEST_DEAD_ZONE))
    return torch.tensor(zones)


def radius(table: int, unit: float = 1.0) -> int:
    """Largest symbol that table `table` holds, for points `unit` symbols apart; larger ones are
    escapes.
    """
    return math.ceil(6 * SCALE_MIN * math.exp(SCALE_STEP * table) / unit) + 1


def pmf(table: int, radius: int) -> NDArray[np.float64]:
    """Probability of the symbols -radius..radius under table `table` (float64, sums to under 1).

    Used when tables are exported, never when decoding.
    """
    return _cells(table, np.arange(-radius, radius + 2) - 0.5)


def trellis_pmf(table: int, radius: int, unit: float, quantiser: int) -> NDArray[np.float64]:
    """The same for a quantiser of the trellis, 0 or 1, whose points together are `unit` symbols
    apart: the mass of what is nearest to each of its points.
    """
    symbols = np.arange(-radius - 1, radius + 2)
    points = (2 * symbols - quantiser * np.sign(symbols)) * unit
    return _cells(table, (points[1:] + points[:-1]) / 2)


def _cells(table: int, edges: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Mass between neighbouring edges, given in symbols."""
    edges = edges / (SCALE_MIN * math.exp(SCALE_STEP * table)) * _SQRT_HALF
    # erfc of |edge| from the outside in, so that the tails stay accurate
    tail = np.array([math.erfc(abs(edge)) for edge in edges]) * 0.5
    cdf = np.where(edges <= 0, tail, 1.0 - tail)
    mass = np.diff(cdf)
    upper = edges[:-1] > 0
    mass[upper] = (tail[:-1] - tail[1:])[upper]
    result: NDArray[np.float64] = mass
    return result

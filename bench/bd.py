"""Bjontegaard's deltas between two rate-distortion curves, over the part of the quality range that
both have.

The package bjontegaard does the arithmetic, by PCHIP; Akima says how far the figure depends on the
interpolation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import bjontegaard
import numpy as np
from scipy.interpolate import PchipInterpolator

RATE_RANGE = (0.1, 1.5)
"""Bits per pixel of the anchor between which curves are compared."""
AGREEMENT = 0.5
"""Points by which the two interpolations may differ before the report says so."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Bits per pixel and quality (dB), both rising. Raises ValueError for fewer than two points or
    points out of order.
    """

    bpp: tuple[float, ...]
    psnr: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.bpp) != len(self.psnr) or len(self.bpp) < 2:
            raise ValueError(f"a curve needs two points or more, found {len(self.bpp)}")
        if not (np.all(np.diff(self.bpp) > 0) and np.all(np.diff(self.psnr) > 0)):
            raise ValueError(f"a curve must rise, found {self.bpp} bpp, {self.psnr} dB")

    def within(self, low: float, high: float, points: int = 24) -> Curve:
        """The part that spends low..high bits per pixel, at evenly spaced qualities."""
        rate_at = PchipInterpolator(self.psnr, np.log(self.bpp))
        dense = np.linspace(self.psnr[0], self.psnr[-1], 4000)
        rates = np.exp(rate_at(dense))
        inside = dense[(rates >= low) & (rates <= high)]
        if len(inside) < 2:
            raise ValueError(f"the curve has no part between {low} and {high} bpp")
        quality = np.linspace(inside[0], inside[-1], points)
        return Curve(tuple(np.exp(rate_at(quality)).tolist()), tuple(quality.tolist()))


@dataclass(frozen=True, slots=True)
class Delta:
    """Of a curve against an anchor: rate in percent (negative: fewer bits), quality in dB (NaN
    where they have no rate in common), and how much of the compared qualities both have (0..1).
    """

    rate: float
    psnr: float
    rate_akima: float
    overlap: float

    @property
    def agrees(self) -> bool:
        """Whether both interpolations say the same."""
        return abs(self.rate - self.rate_akima) <= AGREEMENT


def compare(anchor: Curve, curve: Curve, rates: tuple[float, float] = RATE_RANGE) -> Delta:
    """Deltas of `curve` against the part of `anchor` within `rates`.

    Raises:
        ValueError: the curves have no quality in common.
    """
    part = anchor.within(*rates)
    low, high = max(part.psnr[0], curve.psnr[0]), min(part.psnr[-1], curve.psnr[-1])
    overlap = (high - low) / (part.psnr[-1] - part.psnr[0])
    if overlap <= 0:
        raise ValueError(
            f"no common quality: {curve.psnr[0]:.2f}..{curve.psnr[-1]:.2f} dB against "
            f"{part.psnr[0]:.2f}..{part.psnr[-1]:.2f} dB"
        )

    def rate(method: str) -> float:
        return float(
            bjontegaard.bd_rate(
                part.bpp, part.psnr, curve.bpp, curve.psnr, method=method,
                require_matching_points=False, min_overlap=0,
            )
        )  # fmt: skip

    quality = math.nan
    if max(part.bpp[0], curve.bpp[0]) < min(part.bpp[-1], curve.bpp[-1]):
        quality = float(
            bjontegaard.bd_psnr(
                part.bpp, part.psnr, curve.bpp, curve.psnr, method="pchip",
                require_matching_points=False, min_overlap=0,
            )
        )  # fmt: skip
    return Delta(rate("pchip"), quality, rate("akima"), overlap)

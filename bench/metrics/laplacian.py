"""NLPD: the distance of normalised Laplacian pyramids.

Laparra, Balle, Berardino, Simoncelli, Perceptual image quality assessment using a normalized
Laplacian pyramid, Electronic Imaging 2016. The picture is taken apart into six bands; each is
divided by a local mean of its own amplitude; the distance is the mean over the bands of the root
mean square difference. The numbers are the authors', fitted to natural images.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, convolve1d

from bench.metrics.base import Score

__all__ = ["build_nlpd", "nlpd", "normalised_pyramid"]

Plane = NDArray[np.float64]

TAPS = np.array([0.05, 0.25, 0.4, 0.25, 0.05])
"""Of the pyramid's low-pass filter, along each side."""
NEIGHBOURS = (
    # above, left, right, below
    (0.1011, 0.1493, 0.1460, 0.1015),
    (0.0757, 0.1986, 0.1846, 0.0837),
    (0.0477, 0.2138, 0.2243, 0.0467),
    (0.0, 0.2503, 0.2616, 0.0),
    (0.0, 0.2598, 0.2552, 0.0),
    (0.0, 0.2215, 0.0717, 0.0),
)
"""Weights of the amplitudes around a sample, from the finest band to the low-pass rest."""
CONSTANTS = (0.0248, 0.0185, 0.0179, 0.0191, 0.0220, 0.2782)
"""Added to the local amplitude of each band."""


def build_nlpd(paths: Mapping[str, str]) -> Score:
    """On luma in 0..1."""
    return lambda views: nlpd(*views.luma)


def nlpd(original: Plane, decoded: Plane) -> float:
    """Of two planes (H, W) in 0..1; 0 where they are equal."""
    pairs = zip(normalised_pyramid(original), normalised_pyramid(decoded), strict=True)
    return float(np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in pairs]))


def normalised_pyramid(plane: Plane) -> list[Plane]:
    """The bands of a plane, finest first, each divided by its local amplitude."""
    bands, rest = [], plane
    for _ in NEIGHBOURS[1:]:
        smaller = _low_pass(rest, "reflect")[::2, ::2]
        bands.append(rest - _double(smaller, rest.shape))
        rest = smaller
    bands.append(rest)
    return [
        band / (constant + _amplitude(band, weights))
        for band, weights, constant in zip(bands, NEIGHBOURS, CONSTANTS, strict=True)
    ]


def _low_pass(plane: Plane, edge: str) -> Plane:
    """Both sides filtered; beyond the edge, "reflect" is a mirror and "constant" is zero."""
    down: Plane = convolve1d(plane, TAPS, axis=0, mode=edge)
    both: Plane = convolve1d(down, TAPS, axis=1, mode=edge)
    return both


def _double(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """To twice the sides, cut to `shape`: zeros between the samples, then the low-pass filter."""
    padded = np.pad(plane, 1, mode="edge")
    spread = np.zeros((2 * padded.shape[0], 2 * padded.shape[1]))
    spread[::2, ::2] = 4 * padded
    return _low_pass(spread, "constant")[2 : 2 + shape[0], 2 : 2 + shape[1]]


def _amplitude(band: Plane, weights: tuple[float, float, float, float]) -> Plane:
    """Weighted mean of the amplitudes of the four samples around each one; zeros outside.

    The authors' program convolves, so the kernel is turned by 180 degrees; so does scipy.
    """
    above, left, right, below = weights
    kernel = np.array([[0, above, 0], [left, 0, right], [0, below, 0]])
    found: Plane = convolve(np.abs(band), kernel, mode="constant")
    return found

"""PSNR-HVS: PSNR of DCT coefficients, weighted by the sensitivity of the eye.

Egiazarian, Astola, Ponomarenko, Lukin, Battisti, Carli, New full-reference quality metrics based on
HVS, VPQM 2006: luma, blocks of 8 x 8 side by side, each coefficient's error weighted by a contrast
sensitivity. The authors' weights are 25.735088 over the luminance table of ITU-T T.81, K.1. No
masking: that is PSNR-HVS-M, which JPEG AI's quality assessment computes beside it and leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from bench.metrics.base import Score

__all__ = ["build_psnr_hvs", "psnr_hvs"]

BLOCK = 8
CEILING_DB = 100.0
"""Of equal pictures, and the most that any has."""
LUMINANCE = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
])  # fmt: skip
"""Steps of quantisation of ITU-T T.81, table K.1."""
SENSITIVITY = 25.735088 / LUMINANCE


def build_psnr_hvs(paths: Mapping[str, str]) -> Score:
    """On luma in 0..1, in dB."""
    return lambda views: psnr_hvs(*views.luma)


def psnr_hvs(original: NDArray[np.float64], decoded: NDArray[np.float64]) -> float:
    """Of two planes (H, W) in 0..1, in dB; sides are extended by their edge to whole blocks."""
    height, width = original.shape
    error = np.pad(original - decoded, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    rows, columns = error.shape[0] // BLOCK, error.shape[1] // BLOCK
    blocks = error.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
    weighted = dctn(blocks, axes=(2, 3), norm="ortho") * SENSITIVITY
    mse = float(np.mean(weighted**2))
    return CEILING_DB if mse == 0 else min(CEILING_DB, -10 * math.log10(mse))

"""PSNR as the benchmark has it; of frames of videos see `bench.video.quality`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["psnr"]


def psnr(original: NDArray[np.generic], decoded: NDArray[np.generic], peak: int = 255) -> float:
    """10 log10(peak^2 / MSE) over all samples, in dB; infinite where equal.

    Raises:
        ValueError: the shapes differ.
    """
    if original.shape != decoded.shape:
        raise ValueError(f"decoded {decoded.shape}, expected {original.shape}")
    mse = float(np.mean((original.astype(np.float64) - decoded.astype(np.float64)) ** 2))
    return math.inf if mse == 0 else 10 * math.log10(peak**2 / mse)

"""PSNR and MS-SSIM of 8 or 16 bits, as the literature on learned compression reports them.

Both work in bands of rows, so that a large image needs little more memory than its pixels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.image.arithmetic import as_usual

__all__ = [
    "MS_SSIM_MIN_SIDE", "SCALE_WEIGHTS", "WINDOW_SIGMA", "WINDOW_TAPS", "ms_ssim", "psnr",
]  # fmt: skip

Samples = NDArray[Any]
"""Of dtype uint8 or uint16."""

PEAK = 255.0
_DEEP_STEP = 257.0
"""65535 / 255: a sample of 16 bits divided by it has the range of one of 8 bits."""

WINDOW_TAPS = 11
WINDOW_SIGMA = 1.5
_C1 = (0.01 * PEAK) ** 2
_C2 = (0.03 * PEAK) ** 2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

MS_SSIM_MIN_SIDE = (WINDOW_TAPS - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1
"""161 pixels: at the coarsest of five scales the window still fits."""

_BAND_ROWS = 256


@as_usual
def psnr(a: Samples, b: Samples) -> float:
    """Peak signal-to-noise ratio in dB over all samples of all channels together.

    Args:
        a, b: the same shape and dtype, uint8 or uint16; for a colour image the three planes of RGB.

    Returns:
        10 log10(peak^2 / mean squared error), peak 255 or 65535; infinity for equal images.
    """
    _check_pair(a, b)
    squares = 0
    for top in range(0, a.shape[0], _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        difference = a[rows].astype(np.int32) - b[rows]
        squares += int(np.square(difference, dtype=np.int64).sum())
    if squares == 0:
        return math.inf
    peak = float(np.iinfo(a.dtype).max)
    return 10.0 * math.log10(peak * peak * a.size / squares)


@as_usual
def ms_ssim(a: Samples, b: Samples) -> float | None:
    """Multi-scale structural similarity, 1 for equal images: mean over the channels.

    Five scales, Gaussian window of 11 x 11 with sigma 1.5 where it fits wholly, weights of the
    paper. As in the implementations that published figures come from, means below 0 count as 0,
    and scales are halved by 2 x 2 means with a border of zeros where a side is odd.

    Args:
        a, b: the same shape (H, W) or (H, W, C) and dtype, uint8 or uint16.

    Returns:
        The index, or None if a side is below `MS_SSIM_MIN_SIDE`: with fewer scales it would be
            another
        measure under the same name.

    Source: Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image
        quality assessment", Asilomar 2003, equation 7 and section 3.2.
    """
    _check_pair(a, b)
    if min(a.shape[:2]) < MS_SSIM_MIN_SIDE:
        return None
    planes = [(a, b)] if a.ndim == 2 else [(a[..., c], b[..., c]) for c in range(a.shape[2])]
    return sum(_plane_ms_ssim(x, y) for x, y in planes) / len(planes)


def _check_pair(a: Samples, b: Samples) -> None:
    if a.shape != b.shape:
        raise ValueError(f"images of one shape are needed, not {a.shape} and {b.shape}")
    if a.dtype != b.dtype or a.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"two uint8 or two uint16 images are needed, not {a.dtype} and {b.dtype}")


def _plane_ms_ssim(a: Samples, b: Samples) -> float:
    x, y = a.astype(np.float32), b.astype(np.float32)
    if a.dtype == np.uint16:
        x, y = x / _DEEP_STEP, y / _DEEP_STEP
    product = 1.0
    last = len(SCALE_WEIGHTS) - 1
    for scale, weight in enumerate(SCALE_WEIGHTS):
        similarity, contrast = _ssim_means(x, y)
        factor = similarity if scale == last else contrast
        product *= max(factor, 0.0) ** weight
        if scale < last:
            x, y = _halve(x), _halve(y)
    return product


def _ssim_means(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    """Means over the plane of the full index and of its contrast-structure part."""
    rows_out = x.shape[0] - WINDOW_TAPS + 1
    columns_out = x.shape[1] - WINDOW_TAPS + 1
    similarity_sum = contrast_sum = 0.0
    for top in range(0, rows_out, _BAND_ROWS):
        rows = slice(top, min(top + _BAND_ROWS, rows_out) + WINDOW_TAPS - 1)
        band_x, band_y = x[rows].astype(np.float64), y[rows].astype(np.float64)
        mean_x, mean_y = _blur(band_x), _blur(band_y)
        variance_x = _blur(band_x * band_x) - mean_x * mean_x
        variance_y = _blur(band_y * band_y) - mean_y * mean_y
        covariance = _blur(band_x * band_y) - mean_x * mean_y
        contrast = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
        luminance = (2 * mean_x * mean_y + _C1) / (mean_x * mean_x + mean_y * mean_y + _C1)
        similarity_sum += float((luminance * contrast).sum())
        contrast_sum += float(contrast.sum())
    count = rows_out * columns_out
    return similarity_sum / count, contrast_sum / count


def _blur(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian window applied along both axes, only where it fits wholly."""
    taps = _window()
    height, width = plane.shape[0] - len(taps) + 1, plane.shape[1] - len(taps) + 1
    rows = sum(tap * plane[i : i + height] for i, tap in enumerate(taps))
    return np.asarray(sum(tap * rows[:, i : i + width] for i, tap in enumerate(taps)))


def _window() -> NDArray[np.float64]:
    """The one-dimensional Gaussian window, of sum 1."""
    position = np.arange(WINDOW_TAPS) - WINDOW_TAPS // 2
    taps = np.exp(-(position**2) / (2 * WINDOW_SIGMA**2))
    return np.asarray(taps / taps.sum())


def _halve(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 x 2; an odd side gets a zero on both its ends first, whose excess falls away."""
    padding = [(side % 2, side % 2) for side in plane.shape]
    padded = np.pad(plane, padding)
    height, width = padded.shape[0] // 2, padded.shape[1] // 2
    cut = padded[: 2 * height, : 2 * width]
    return np.asarray(cut.reshape(height, 2, width, 2).mean(axis=(1, 3), dtype=np.float32))

"""What metrics trained on photographs overlook: errors of text, and colours of flat areas."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.metrics.base import Score
from bench.metrics.views import Views
from bench.yuv import RGB

__all__ = ["BLOCK", "FLAT", "build_colour_shift", "build_text_error", "lab"]

BLOCK = 16
"""Side of the blocks whose mean colours are compared, in pixels."""
FLAT = 16.0
"""Variance of the original's luma in a block, in steps of 255 squared, below which it is flat: a
deviation of 4 steps, which skies and walls with the grain of film keep under."""

_LINEAR_TO_XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
"""sRGB, IEC 61966-2-1; white D65 is the sum of each row."""


def build_text_error(paths: Mapping[str, str]) -> Score:
    """Mean absolute error of the samples (0..255) where there is text; NaN without a mask."""

    def score(views: Views) -> float:
        if views.mask is None or not views.mask.any():
            return math.nan
        error = np.abs(views.original.astype(np.float64) - views.decoded)
        return float(error[views.mask].mean())

    return score


def build_colour_shift(paths: Mapping[str, str]) -> Score:
    """Mean CIE76 difference (Delta E*ab, D65) between the mean colours of flat blocks of 16 x 16;
    NaN where no block of the original is flat. What is beyond the last whole block does not count.
    """

    def score(views: Views) -> float:
        flat = _blocks(views.luma[0][..., None] * 255).var(1)[:, 0] < FLAT
        if not flat.any():
            return math.nan
        means = [_blocks(lab(image)).mean(1)[flat] for image in (views.original, views.decoded)]
        return float(np.linalg.norm(means[0] - means[1], axis=1).mean())

    return score


def _blocks(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W, C) -> (blocks, pixels, C), less what is beyond the last whole block."""
    rows, columns = image.shape[0] // BLOCK, image.shape[1] // BLOCK
    cut = image[: rows * BLOCK, : columns * BLOCK]
    parts = cut.reshape(rows, BLOCK, columns, BLOCK, -1).swapaxes(1, 2)
    return parts.reshape(rows * columns, BLOCK * BLOCK, -1)


def lab(rgb: RGB) -> NDArray[np.float64]:
    """sRGB (H, W, 3) uint8 -> CIE L*a*b*, D65."""
    v = rgb / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _LINEAR_TO_XYZ.T / _LINEAR_TO_XYZ.sum(1)
    edge = 6 / 29
    f = np.where(xyz > edge**3, np.cbrt(xyz), xyz / (3 * edge**2) + 4 / 29)
    x, y, z = np.moveaxis(f, 2, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 2)

"""RGB and YCbCr BT.709, full range, 10 bits, 4:4:4: how video coders see a photograph.

    Y  = 0.2126 R + 0.7152 G + 0.0722 B            0..1 -> 0..1023
    Cb = (B - Y) / 1.8556,  Cr = (R - Y) / 1.5748  -0.5..0.5 -> 0..1023 about 512

Source: ITU-R BT.709-6, items 3.2 and 3.3; full range as in ITU-T H.273, VideoFullRangeFlag 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
"""(H, W, 3) uint8."""
Planes = NDArray[np.uint16]
"""(3, H, W) uint16: Y, Cb, Cr in 0..1023."""

BITS = 10
PEAK = (1 << BITS) - 1
MIDDLE = 1 << (BITS - 1)
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_CB, _CR = 2 * (1 - _BLUE), 2 * (1 - _RED)


def to_planes(rgb: RGB) -> Planes:
    """(H, W, 3) uint8 -> (3, H, W) uint16, rounded to nearest."""
    r, g, b = np.moveaxis(rgb.astype(np.float64) / 255, 2, 0)
    y = _RED * r + _GREEN * g + _BLUE * b
    planes = np.stack([y * PEAK, (b - y) / _CB * PEAK + MIDDLE, (r - y) / _CR * PEAK + MIDDLE])
    rounded: Planes = np.rint(planes).clip(0, PEAK).astype(np.uint16)
    return rounded


def to_rgb(planes: Planes) -> RGB:
    """(3, H, W) uint16 -> (H, W, 3) uint8, rounded to nearest."""
    y, cb, cr = planes.astype(np.float64)
    y, cb, cr = y / PEAK, (cb - MIDDLE) / PEAK, (cr - MIDDLE) / PEAK
    r, b = y + _CR * cr, y + _CB * cb
    g = (y - _RED * r - _BLUE * b) / _GREEN
    rounded: RGB = np.rint(np.stack([r, g, b], 2) * 255).clip(0, 255).astype(np.uint8)
    return rounded


def halve(plane: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """(H, W), even sides -> (H/2, W/2): means of 2x2 squares, rounded. The 4:2:0 of coders that
    have nothing better.
    """
    h, w = plane.shape
    sums = plane.astype(np.uint32).reshape(h // 2, 2, w // 2, 2).sum((1, 3))
    means: NDArray[np.uint16] = ((sums + 2) // 4).astype(np.uint16)
    return means


def pad_even(rgb: RGB) -> RGB:
    """Odd sides extended by their edge, as coders with subsampled planes need it."""
    height, width = rgb.shape[:2]
    padded: RGB = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return padded


def to_planes_420(rgb: RGB) -> list[NDArray[np.uint16]]:
    """Y, Cb and Cr of an image with even sides, the last two halved."""
    y, *chroma = to_planes(rgb)
    return [y, *map(halve, chroma)]


def double(plane: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """(H, W) -> (2H, 2W): every sample four times."""
    doubled: NDArray[np.uint16] = plane.repeat(2, 0).repeat(2, 1)
    return doubled

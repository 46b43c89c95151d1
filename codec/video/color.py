"""RGB to Y, U, V and back, of 8 bits, in integers: the same samples on every machine.

    kr, kb of the matrix       BT.709: 0.2126, 0.0722      BT.601: 0.299, 0.114
    Y = kr R + kg G + kb B     U = (B - Y) / (2 - 2 kb)    V = (R - Y) / (2 - 2 kr)
    limited range              Y 16..235, U and V 16..240; full range: 0..255 each

Chroma of 4:2:0 lies as MPEG-2 and H.264 put it: on every second column, between two rows. It is
made with the taps 1 2 1 across and 1 1 down, and spread again linearly.

Sources: ITU-R BT.601-7, BT.709-6; ITU-T H.273.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.errors import OptionError
from codec.video.types import Plane, Planes

__all__ = ["BT601", "BT709", "planes_of", "rgb_of"]

BT709 = 1
BT601 = 6
"""Numbers of the matrices in H.273; 5 is the same matrix as 6."""

_LUMA_WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114)}
_BITS = 13
_SPREAD_BITS = 3
"""Chroma is filtered to eighths of a sample before it is rounded once."""

Sums = NDArray[np.int32]


def rgb_of(planes: Planes, *, matrix: int, full_range: bool) -> NDArray[np.uint8]:
    """Turns Y, U, V into RGB.

    Args:
        planes: Y (h, w) and U, V of 4:2:0 or 4:4:4, uint8.
        matrix: 1 (BT.709), 5 or 6 (BT.601).
        full_range: whether Y, U, V use 0..255.

    Returns:
        (h, w, 3) uint8.
    """
    y, u, v = planes
    weights = _weights(matrix)
    luma_span, chroma_span, black = (255, 255, 0) if full_range else (219, 224, 16)
    kr, kb = weights
    kg = 1 - kr - kb
    one = 1 << _BITS
    luma = round(one * 255 / luma_span)
    red = round(one * (2 - 2 * kr) * 255 / chroma_span)
    blue = round(one * (2 - 2 * kb) * 255 / chroma_span)
    green_u = round(one * (2 - 2 * kb) * kb / kg * 255 / chroma_span)
    green_v = round(one * (2 - 2 * kr) * kr / kg * 255 / chroma_span)
    subsampled = u.shape != y.shape
    shift = _BITS + _SPREAD_BITS
    base = (y.astype(np.int32) - black) * (luma << _SPREAD_BITS) + (1 << (shift - 1))
    eighths = [(_spread(c, y.shape) if subsampled else c.astype(np.int32) << _SPREAD_BITS)
               - (128 << _SPREAD_BITS) for c in (u, v)]  # fmt: skip
    out = np.empty((*y.shape, 3), np.uint8)
    sums = (
        base + red * eighths[1],
        base - green_u * eighths[0] - green_v * eighths[1],
        base + blue * eighths[0],
    )
    for channel, values in enumerate(sums):
        out[:, :, channel] = np.clip(values >> shift, 0, 255)
    return out


def planes_of(rgb: NDArray[np.uint8], *, subsampled: bool, matrix: int, full_range: bool) -> Planes:
    """Turns RGB into Y, U, V.

    Args:
        rgb: (h, w, 3) uint8.
        subsampled: whether to 4:2:0; otherwise to 4:4:4.
        matrix: 1 (BT.709), 5 or 6 (BT.601).
        full_range: whether Y, U, V use 0..255.

    Returns:
        Y, U, V, uint8.
    """
    kr, kb = _weights(matrix)
    luma_span, chroma_span, black = (255, 255, 0) if full_range else (219, 224, 16)
    one = 1 << _BITS
    scale = one * luma_span / 255
    luma = [round(scale * kr), 0, round(scale * kb)]
    luma[1] = round(scale) - luma[0] - luma[2]
    scale = one * chroma_span / 255
    blue = [-round(scale * kr / (2 - 2 * kb)), 0, round(scale / 2)]
    red = [round(scale / 2), 0, -round(scale * kb / (2 - 2 * kr))]
    for row in (blue, red):
        row[1] = -row[0] - row[2]
    channels = [rgb[:, :, c].astype(np.int32) for c in range(3)]
    y = _combined(channels, luma, black, _BITS)
    shift = _BITS
    if subsampled:
        channels = [_halved(channel) for channel in channels]
        shift += _SPREAD_BITS
    return y, _combined(channels, blue, 128, shift), _combined(channels, red, 128, shift)


def _weights(matrix: int) -> tuple[float, float]:
    try:
        return _LUMA_WEIGHTS[matrix]
    except KeyError:
        raise OptionError(f"matrix is 1 (BT.709), 5 or 6 (BT.601), not {matrix!r:.100}") from None


def _combined(channels: list[Sums], factors: list[int], offset: int, shift: int) -> Plane:
    """The weighted sum of three channels, rounded to samples."""
    total: Any = (offset << shift) + (1 << (shift - 1))
    for channel, factor in zip(channels, factors, strict=True):
        total = total + factor * channel
    clipped: Plane = np.clip(total >> shift, 0, 255).astype(np.uint8)
    return clipped


def _halved(channel: Sums) -> Sums:
    """(h, w) to (ceil(h / 2), ceil(w / 2)), in eighths."""
    height, width = channel.shape
    padded = np.pad(channel, ((0, height % 2), (1, 1)), mode="edge")
    rows = padded[0::2] + padded[1::2]
    sums: Sums = rows[:, 0:width:2] + 2 * rows[:, 1 : width + 1 : 2] + rows[:, 2 : width + 2 : 2]
    return sums


def _spread(chroma: Plane, shape: tuple[int, ...]) -> Sums:
    """(ceil(h / 2), ceil(w / 2)) to (h, w), in eighths."""
    height, width = shape
    padded = np.pad(chroma.astype(np.int32), ((1, 1), (0, 1)), mode="edge")
    rows = np.empty((2 * chroma.shape[0], padded.shape[1]), np.int32)
    rows[0::2] = 3 * padded[1:-1] + padded[:-2]
    rows[1::2] = 3 * padded[1:-1] + padded[2:]
    rows = rows[:height]
    out = np.empty((height, 2 * chroma.shape[1]), np.int32)
    out[:, 0::2] = 2 * rows[:, :-1]
    out[:, 1::2] = rows[:, :-1] + rows[:, 1:]
    return out[:, :width]

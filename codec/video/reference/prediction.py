"""Samples predicted from other pictures and from those around a square (INTER.md, Prediction)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.video.reference.blocks import Block, Grid, Motion

__all__ = ["Area", "around", "from_around", "overlapped", "predicted"]

Ints = NDArray[np.int64]
Area = tuple[int, int, int, int]
"""x, y, width, height in samples of a plane."""

_QUARTERS = {
    1: (-1, 4, -10, 58, 17, -5, 1, 0),
    2: (-1, 4, -11, 40, 40, -11, 4, -1),
    3: (0, 1, -5, 17, 58, -10, 4, -1),
}
_EIGHTHS = {
    1: (-2, 58, 10, -2), 2: (-4, 54, 16, -2), 3: (-6, 46, 28, -4), 4: (-4, 36, 36, -4),
    5: (-4, 28, 46, -6), 6: (-2, 16, 54, -4), 7: (-2, 10, 58, -2),
}  # fmt: skip
_MIDDLE = 8192
_NEAR_EDGE = {8: (8, 4, 2, 1), 4: (6, 2)}
"""Weights of a neighbour's motion from the edge inwards, by the side of a cell in samples."""
_ANGLES = (32, 26, 21, 17, 13, 9, 5, 2, 0, -2, -5, -9, -13, -17, -21, -26, -32)
_INVERSE = dict(
    zip(_ANGLES[9:], (-4096, -1638, -910, -630, -482, -390, -315, -256), strict=True)
)  # fmt: skip


def _fetched(plane: Ints, x: int, y: int, width: int, height: int) -> Ints:
    """Samples of a plane, outside those of its nearest edge."""
    rows = np.arange(y, y + height).clip(0, plane.shape[0] - 1)
    columns = np.arange(x, x + width).clip(0, plane.shape[1] - 1)
    return np.asarray(plane[rows[:, None], columns])


def _filtered(samples: Ints, taps: Sequence[int]) -> Ints:
    """Sums along x."""
    width = samples.shape[1] - len(taps) + 1
    return np.asarray(sum(tap * samples[:, n : n + width] for n, tap in enumerate(taps)))


def _moved(plane: Ints, area: Area, vector: tuple[int, int], halved: bool) -> Ints:
    """m of an area: sixteenths, less 8192."""
    x, y, width, height = area
    bits, filters = (3, _EIGHTHS) if halved else (2, _QUARTERS)
    length = 4 if halved else 8
    before = length // 2 - 1
    part = [v & ((1 << bits) - 1) for v in vector]
    x, y = x + (vector[0] >> bits), y + (vector[1] >> bits)
    if part[1]:
        y, height = y - before, height + length - 1
    if part[0]:
        m = _filtered(_fetched(plane, x - before, y, width + length - 1, height), filters[part[0]])
        m = (m >> 2) - _MIDDLE
        return m if not part[1] else _filtered(m.T, filters[part[1]]).T >> 6
    samples = _fetched(plane, x, y, width, height)
    if part[1]:
        return (_filtered(samples.T, filters[part[1]]).T >> 2) - _MIDDLE
    return (samples << 4) - _MIDDLE


def predicted(planes: Sequence[Ints], area: Area, motion: Motion, halved: bool) -> Ints:
    """An area as a motion predicts it.

    Args:
        planes: that plane of each reference.
        area: of the plane.
        motion: of the block.
        halved: whether the plane has half the columns and rows of luma.
    """
    moved = [_moved(planes[r], area, vector, halved) for r, vector in motion]
    if len(moved) == 1:
        return ((moved[0] + _MIDDLE + 8) >> 4).clip(0, 1023)
    return ((moved[0] + moved[1] + 2 * _MIDDLE + 16) >> 5).clip(0, 1023)


def overlapped(
    prediction: Ints, planes: Sequence[Ints], grid: Grid, cell: tuple[int, int], halved: bool
) -> Ints | None:
    """A cell's samples of a plane after the motions of its neighbours; None if it has no motion.

    Args:
        prediction: the plane without overlap.
        planes: that plane of each reference.
        grid: of the frame.
        cell: x and y.
        halved: whether the plane has half the columns and rows of luma.
    """
    block = grid.at(*cell)
    if block is None or not block.motion:
        return None
    side = 4 if halved else 8
    x, y = cell[0] * side, cell[1] * side
    own = prediction[y : y + side, x : x + side]
    weights = np.zeros(side, np.int64)
    weights[: side // 2] = _NEAR_EDGE[side]
    left = np.tile(weights, (side, 1))
    total = np.zeros((side, side), np.int64)
    for step, weight in (
        ((-1, 0), left), ((1, 0), left[:, ::-1]), ((0, -1), left.T), ((0, 1), left.T[::-1]),
    ):  # fmt: skip
        other = grid.at(cell[0] + step[0], cell[1] + step[1])
        if other is None or not other.motion or other.motion == block.motion:
            continue
        total += weight * (predicted(planes, (x, y, side, side), other.motion, halved) - own)
    return (own + ((total + 16) >> 5)).clip(0, 1023)


def around(plane: Ints, grid: Grid, block: Block, x: int, y: int, n: int, cell: int) -> list[int]:
    """The 4 N + 1 samples around a square: from the lower end of its left over the corner to the
    right end of what is above.

    Args:
        plane: as far as it is reconstructed.
        grid: of the frame.
        block: that the square belongs to.
        x, y, n: the square.
        cell: side of a cell in the plane.
    """
    places = [(x - 1, y + 2 * n - 1 - i) for i in range(2 * n)] + [(x - 1, y - 1)]
    places += [(x + i, y - 1) for i in range(2 * n)]
    found: list[int | None] = []
    for across, down in places:
        other = grid.at(across // cell, down // cell)
        straight = down < y + n and across < x + n
        there = straight if other is block else other is not None and other.number < block.number
        found.append(int(plane[down, across]) if there else None)
    known = next((sample for sample in found if sample is not None), 512)
    samples = []
    for sample in found:
        known = known if sample is None else sample
        samples.append(known)
    return samples


def from_around(samples: list[int], mode: int) -> Ints:
    """A square predicted from the samples around it, by an intra mode."""
    size = len(samples) // 4
    bits = size.bit_length() - 1
    left, above = samples[2 * size :: -1], samples[2 * size :]
    y, x = np.mgrid[:size, :size]
    if mode == 0:
        beside, over = np.array(left), np.array(above)
        across = (size - 1 - x) * beside[y + 1] + (x + 1) * above[size + 1]
        down = (size - 1 - y) * over[x + 1] + (y + 1) * left[size + 1]
        return np.asarray((across + down + size) >> (bits + 1))
    if mode == 1:
        total = sum(left[1 : size + 1]) + sum(above[1 : size + 1])
        return np.full((size, size), (total + size) >> (bits + 1), np.int64)
    if mode >= 18:
        return _directed(above, left, _ANGLES[34 - mode], size)
    return _directed(left, above, _ANGLES[mode - 2], size).T


def _directed(main: list[int], side: list[int], angle: int, size: int) -> Ints:
    """Prediction along a direction: `main` above the square, `side` at its left."""
    ref = dict(enumerate(main))
    end = size * angle >> 5
    if end < -1:
        for i in range(1, -end + 1):
            ref[-i] = side[(128 - i * _INVERSE[angle]) >> 8]
    out = np.zeros((size, size), np.int64)
    for y in range(size):
        whole, part = (y + 1) * angle >> 5, (y + 1) * angle & 31
        for x in range(size):
            first = ref[x + whole + 1]
            if part:
                second = ref[x + whole + 2]
                out[y, x] = ((32 - part) * first + part * second + 16) >> 5
            else:
                out[y, x] = first
    return out

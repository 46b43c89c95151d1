"""The part of a picture that is shown: where there is most to see, or where its text is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.views import Mask
from bench.yuv import RGB

__all__ = ["Region", "choose"]

STEP = 8
"""Pixels between the places that are tried."""
LARGEST_STEP = 32
"""What a difference of two neighbours counts for at most, 0..255: letters are not to outweigh
everything else by their contrast alone.
"""
TEXT = 1000
"""What a pixel of text counts for, where a mask says that it is one."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    def of(self, image: RGB) -> RGB:
        """That part of a picture."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


def choose(image: RGB, largest: tuple[int, int], mask: Mask | None = None) -> Region:
    """The region with the most detail, of equal ones the one nearest to the middle.

    Args:
        largest: width and height of the region, turned for an upright picture; less where the
            picture is smaller.
        mask: where the picture has text, if that is known: the region with the most of it.
    """
    rows, columns = image.shape[:2]
    long, short = max(largest), min(largest)
    width = min(columns, short if rows > columns else long)
    height = min(rows, long if rows > columns else short)
    totals = _sums(_detail(image, mask), height, width)
    places = np.argwhere(totals == totals.max()) * STEP
    middle = np.array([rows - height, columns - width]) / 2
    y, x = places[np.abs(places - middle).sum(1).argmin()]
    return Region(int(x), int(y), width, height)


def _detail(image: RGB, mask: Mask | None) -> NDArray[np.int64]:
    """What each pixel counts for."""
    luma = image.astype(np.int64) @ np.array([54, 183, 19]) >> 8
    detail = np.zeros(luma.shape, np.int64)
    for axis in (0, 1):
        step = np.abs(np.diff(luma, axis=axis, append=np.take(luma, [-1], axis)))
        detail += np.minimum(step, LARGEST_STEP)
    return detail if mask is None else detail + TEXT * mask


def _sums(detail: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """Sums over the windows of a size, at every `STEP` pixels."""
    table = np.pad(detail.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    bands = table[height:] - table[:-height]
    windows: NDArray[np.int64] = bands[:, width:] - bands[:, :-width]
    return windows[::STEP, ::STEP]

"""Pictures of a video as the coder takes and gives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Planes", "VideoFrame", "chroma_size"]

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]
"""Y (h, w), U and V: (ceil(h / 2), ceil(w / 2)) each in 4:2:0, (h, w) in 4:4:4."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One picture and when it is shown.

    Attributes:
        planes: Y, U, V of 8 bits.
        pts: when it is shown, in ticks of the video's time base, from 0 up.
        duration: for how long, in the same ticks; 0 if that is not known.
    """

    planes: Planes
    pts: int
    duration: int = 0


def chroma_size(width: int, height: int, subsampled: bool) -> tuple[int, int]:
    """Width and height of U and V."""
    return ((width + 1) // 2, (height + 1) // 2) if subsampled else (width, height)

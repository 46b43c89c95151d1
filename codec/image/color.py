"""Grey through an RGB model: one plane becomes three, and three become one again by their mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_channels", "as_rgb"]


def as_rgb(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 1 | 3) -> (H, W, 3), a view where it can be."""
    return np.broadcast_to(samples, (*samples.shape[:2], 3))


def as_channels(samples: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """(H, W, 3) -> (H, W, channels): itself, or the rounded mean of the three planes."""
    if channels == 3:
        return samples
    total = samples.sum(2, keepdims=True, dtype=np.uint16)
    grey: NDArray[np.uint8] = ((total + 1) // 3).astype(np.uint8)
    return grey

"""Checks of what the coders are given, whichever of them works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from entropy.coder.states import NEXT_STATE

__all__ = ["LANES", "Segment", "check_array", "check_segments", "check_states"]

Segment = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]
"""Symbols and tables."""

LANES = (1, 2, 4, 8, 16, 32)
"""Numbers of interleaved states."""


def check_segments(segments: Sequence[Segment]) -> list[Segment]:
    """Check type and shape of what an encoder gets; TypeError, ValueError."""
    checked = []
    for symbols, indexes in segments:
        check_array(symbols, np.int16, "symbols")
        check_array(indexes, np.uint8, "indexes")
        if symbols.size != indexes.size:
            raise ValueError(f"segment: {symbols.size} symbols, but {indexes.size} indexes")
        checked.append((symbols, indexes))
    return checked


def check_states(states: int) -> None:
    """Check that there is a trellis of that many states; ValueError."""
    if states not in NEXT_STATE:
        raise ValueError(f"states: found {states}, expected one of {tuple(NEXT_STATE)}")


def check_array(array: object, dtype: type[np.generic[Any]], name: str) -> None:
    """Check that `array` is a contiguous 1-D array of `dtype`; TypeError, ValueError."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        found = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name}: found {found}, expected an array of {dtype.__name__}")
    if array.ndim != 1 or not array.flags.c_contiguous:
        raise ValueError(f"{name}: found shape {array.shape}, expected 1-D and contiguous")

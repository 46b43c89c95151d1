"""The predictive coders in the compiled core: pictures, tiles, and what an encoder asks of cells.

A picture is an array (H, W, C) of uint8 or uint16, C = 1 or 3. Cells are its squares of 64 pixels,
in rows; a tile begins at a cell's corner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entropy.errors import NativeUnavailable
from networks.native import instruction_set

try:
    from entropy.predictive import _tiles as _module
except ImportError as error:  # a plain checkout, or a build for another Python
    _reason: str | None = str(error)
else:
    _reason = None

__all__ = [
    "CELL_PX",
    "Cell",
    "CellFacts",
    "Kind",
    "Strength",
    "TileParts",
    "cell_facts",
    "decode",
    "encode",
    "fill",
    "mixed_tile",
    "photo_bits",
    "screen_bits",
    "tile_parts",
]

CELL_PX = 64
Samples = NDArray[Any]
Progress = Callable[[float], object]


class Strength(IntEnum):
    """How hard an encoder tries: one coder by the content, both where in doubt, always both."""

    FAST = 0
    NORMAL = 1
    FULL = 2


class Kind(IntEnum):
    """How a tile is coded: by the model, by one predictive part, or in cells."""

    LEARNED = 0
    WHOLE = 1
    CELLS = 2


class Cell(IntEnum):
    """How a cell of a tile is coded: by the model, by coder S with others, by a part of its own."""

    LEARNED = 0
    SHARED = 1
    OWN = 2


@dataclass(frozen=True, slots=True)
class TileParts:
    """What stands in the payload of a tile.

    Attributes:
        kind: how the tile is coded.
        map: a value of `Cell` for each cell, of kind CELLS; else empty.
        learned: the payload of the model, if there is one.
        coder: of kind WHOLE: 0 raw samples, 1 coder P, 2 coder S.
    """

    kind: Kind
    map: bytes
    learned: bytes | None
    coder: int | None


@dataclass(frozen=True, slots=True)
class CellFacts:
    """Of every cell of a picture, in rows.

    Attributes:
        equal: share of the pixels that equal the one to the left or above, 0..1.
        step: mean squared difference of a sample to those to the left and above.
        spread: variance of the samples within blocks of 8 x 8.
        sharp: the part of `step` that lies in blocks of 8 x 8 where it is at least 4000.
    """

    equal: NDArray[np.float32]
    step: NDArray[np.float32]
    spread: NDArray[np.float32]
    sharp: NDArray[np.float32]


def _core() -> Any:
    if _reason is not None:
        raise NativeUnavailable(f"the compiled core entropy.predictive._tiles: {_reason}")
    return _module


def encode(
    pixels: Samples,
    tile_log2: int,
    error: int = 0,
    *,
    strength: Strength = Strength.NORMAL,
    threads: int = 1,
    progress: Progress | None = None,
) -> list[bytes]:
    """Payloads of the tiles of a picture, all predictive.

    Args:
        pixels: the picture.
        tile_log2: side of a tile = 2^tile_log2 pixels.
        error: largest error of a sample, 0..65535.
        strength: how hard to try.
        threads: 1..64; the payloads do not depend on it.
        progress: called with the share that is done; may raise to stop.
    """
    return _core().encode(  # type: ignore[no-any-return]
        np.ascontiguousarray(pixels),
        tile_log2,
        error,
        int(strength),
        instruction_set(),
        threads,
        progress,
    )


def decode(
    tile: Callable[[int], bytes],
    size: tuple[int, int],
    tile_log2: int,
    error: int,
    area: tuple[int, int, int, int],
    out: Samples,
    *,
    only: bool = False,
    threads: int = 1,
    progress: Progress | None = None,
) -> None:
    """Writes the predictive pixels of an area into `out` and leaves the others.

    Args:
        tile: payload of a tile by number; called for those that the area needs.
        size: width and height of the picture.
        tile_log2, error: as in `encode`.
        area: x, y, width, height in pixels.
        out: (height, width, C) of the area, uint8 or uint16.
        only: whether a learned part is an error.
        threads, progress: as in `encode`.

    Raises:
        CorruptStream, StreamExhausted: a payload is damaged.
    """
    _core().decode(
        tile, *size, tile_log2, error, only, area, out, instruction_set(), threads, progress
    )


def tile_parts(payload: bytes, size: tuple[int, int]) -> TileParts:
    """The parts of the payload of a tile of width x height pixels.

    Raises:
        CorruptStream, StreamExhausted: it is damaged.
    """
    kind, cells, learned, coder = _core().tile_parts(payload, *size)
    return TileParts(Kind(kind), cells, learned, coder)


def mixed_tile(pixels: Samples, cells: NDArray[np.uint8], error: int, learned: bytes) -> bytes:
    """Payload of a tile in cells.

    Args:
        pixels: of the tile.
        cells: a value of `Cell` for each cell.
        error: largest error of a sample of an own cell.
        learned: payload of the model, empty where no cell is learned.
    """
    flat = np.ascontiguousarray(cells, np.uint8).reshape(-1)
    return _core().mixed_tile(  # type: ignore[no-any-return]
        np.ascontiguousarray(pixels), flat, error, instruction_set(), learned
    )


def cell_facts(pixels: Samples, threads: int = 1) -> CellFacts:
    """What the cells of a picture look like."""
    return CellFacts(*_core().cell_facts(np.ascontiguousarray(pixels), threads))


def screen_bits(
    pixels: Samples, tile_log2: int, marked: Sequence[int] | NDArray[Any], threads: int = 1,
    most: float = math.inf,
) -> NDArray[np.float32]:  # fmt: skip
    """Bits that coder S spends on each of the marked cells, 0 for the others.

    A tile is left as soon as it has cost more than `most` bits for every marked pixel of it: its
    bits are then a part of them, and more than that.
    """
    flat = np.ascontiguousarray(marked, np.uint8).reshape(-1)
    return _core().screen_bits(  # type: ignore[no-any-return]
        np.ascontiguousarray(pixels), tile_log2, flat, most, threads
    )


def photo_bits(
    pixels: Samples, tile_log2: int, marked: Sequence[int] | NDArray[Any], threads: int = 1
) -> NDArray[np.float32]:
    """About the bits that coder P spends on each of the marked tiles; 0 for the others."""
    flat = np.ascontiguousarray(marked, np.uint8).reshape(-1)
    return _core().photo_bits(  # type: ignore[no-any-return]
        np.ascontiguousarray(pixels), tile_log2, flat, instruction_set(), threads
    )


def fill(pixels: NDArray[np.uint8], marked: Sequence[int] | NDArray[Any]) -> NDArray[np.uint8]:
    """A copy of an RGB picture whose marked cells go on smoothly from those around them."""
    copy = np.array(pixels, order="C")
    _core().fill(copy, np.ascontiguousarray(marked, np.uint8).reshape(-1))
    return copy

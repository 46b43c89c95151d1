"""Which parts of a picture the transform codes and which are coded sample by sample.

facts of cells ─► candidates; those that are surely better off are coded exactly
    ─► transform of the rest ─► what each other cell costs both ways, and each tile
    ─► choice ─► transform of what is left ─► the cheaper, by tile
    ─► tiles that break the promise of their level: their worst cells are coded sample by sample

A cell is a square of 64 pixels. The cost is J = bits + lmbda / 3 * squared error over all samples.
Photographs have no candidates and are coded as if this were not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codec.frame.cell_coder import CellCoder, Layout, Mixed, largest_error
from codec.models.quality import lmbda_of
from entropy.predictive import native as predictive
from entropy.predictive.native import Cell

if TYPE_CHECKING:
    import bitstream
    from codec.frame.model import FrameModel, Progress
    from codec.frame.on_torch import TorchFrameModel

__all__ = ["Mixer", "least_psnr"]

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

MANY_EQUAL, SOME_EQUAL = 0.5, 0.2
"""Shares of pixels equal to a neighbour: of a cell, from which on it may be a screen's; of a tile,
from which on coder S is tried on all of it.
"""
FLAT_SPREAD, FLAT_EQUAL = 16.0, 0.9
"""Variance within 8 x 8 up to which a cell is flat: no reason to do anything, but where something
is done, flat cells are coded the same way, so that no seam shows.
"""
SURE_BPP = (0.2, 0.7)
"""Bits a pixel of coder S, at the first and the last level, up to which a cell is never better off
with the transform: that spends more, and its errors count too.
"""
SMOOTH_STEP = 40.0
"""Mean squared step between neighbours up to which coder P may need fewer bits than the
transform.
"""
DOUBTFUL_STEP = 1500.0
"""The same, from which on the transform may fail a cell."""
PHOTOGRAPHS_DB = (25.9, 27.4, 29.0, 30.8, 33.0, 35.2, 37.4, 39.7, 41.7)
"""Mean PSNR of Kodak's photographs at nine equal steps from the first level to the last."""
PROMISE_DB = 8.0
PASSES = 3


def least_psnr(level: int, levels: int) -> float:
    """PSNR in dB below which no tile of a level is written: 8 below what photographs have."""
    at = np.linspace(0, len(PHOTOGRAPHS_DB) - 1, levels)[level]
    return float(np.interp(at, range(len(PHOTOGRAPHS_DB)), PHOTOGRAPHS_DB)) - PROMISE_DB


class Mixer:
    """Chooses the modes of one picture, at any level.

    Args:
        samples: (H, W, 1 or 3) of the picture.
        rgb: the same as (H, W, 3).
        grid: its tiles.
        threads: 1..64.
    """

    def __init__(
        self, samples: Pixels, rgb: Pixels, grid: bitstream.TileGrid, threads: int
    ) -> None:
        self._layout = layout = Layout(samples, rgb, grid, threads)
        facts = predictive.cell_facts(samples, threads)
        self._spread = facts.spread.astype(np.float64)
        strong = (facts.equal >= MANY_EQUAL) & (facts.spread > FLAT_SPREAD)
        flat = (facts.spread <= FLAT_SPREAD) & (facts.equal >= FLAT_EQUAL)
        self._candidates: Marks = strong | (flat & strong.any())
        self._doubtful = bool((facts.step >= DOUBTFUL_STEP).any())
        screens = layout.by_tile(facts.equal) >= SOME_EQUAL * layout.cells
        smooth = layout.by_tile(facts.step) <= SMOOTH_STEP * layout.cells
        self._bits, self._exact_bits = self._measure(screens, smooth)

    def _measure(self, screens: Marks, smooth: Marks) -> tuple[Floats, Floats]:
        """Bits of coder S by cell, and of the better exact coder by tile where it was tried."""
        layout = self._layout
        exact = np.full(len(layout.cells), np.inf)
        marked = self._candidates | screens[layout.tile_of]
        bits = np.zeros(len(marked))
        where = layout.samples, layout.grid.tile_log2
        if marked.any():
            bits = predictive.screen_bits(*where, marked, layout.threads).astype(np.float64)
            exact = np.where(screens, layout.by_tile(bits), np.inf)
        if smooth.any():
            photo = predictive.photo_bits(*where, smooth, layout.threads).astype(np.float64)
            exact = np.minimum(exact, np.where(smooth, photo, np.inf))
        return bits, exact

    @property
    def idle(self) -> bool:
        """Whether there is nothing to choose: the transform codes everything."""
        return not (self._looks or np.isfinite(self._exact_bits).any())

    @property
    def _looks(self) -> bool:
        """Whether what the transform makes of the picture has to be looked at."""
        return self._doubtful or bool(self._candidates.any())

    def encode(
        self,
        model: FrameModel | TorchFrameModel,
        level: int,
        levels: int,
        *,
        measure: bool = False,
        progress: Progress | None = None,
    ) -> Mixed:
        """The tiles at a level.

        Args:
            model, level, levels: the transform, the level, and how many the model has.
            measure: whether the decoded pixels are asked for.
            progress: as in `FrameModel.encode`; each pass starts again from 0.
        """
        layout, share = self._layout, level / (levels - 1)
        floor = least_psnr(level, levels)
        coder = CellCoder(
            layout, model, level, lmbda_of(level, levels) / 3, largest_error(floor),
            look=measure or self._looks, progress=progress,
        )  # fmt: skip
        low, high = SURE_BPP
        sure = self._candidates & (self._bits <= (low + (high - low) * share) * layout.cell_pixels)
        state = coder.coded(np.where(sure, Cell.SHARED, Cell.LEARNED).astype(np.uint8))

        # What the transform still codes, against coding it exactly: by cell, then the whole tile.
        cells = state.cells.copy()
        cost = coder.weight * state.errors + layout.shared_out(
            coder.learned_bits(state), self._spread
        )
        cells[(cells == Cell.LEARNED) & self._candidates & (cost > self._bits)] = Cell.SHARED
        failing = coder.failing(state, floor)
        coder.give_own(cells, state, failing, floor)
        if (cells != state.cells).any():
            state = coder.cheaper(state, coder.coded(cells, state), failing)
        exact = (self._exact_bits <= coder.cost(state))[layout.tile_of]
        if (exact & (state.cells == Cell.LEARNED)).any():
            cells = np.where(exact, Cell.SHARED, state.cells).astype(np.uint8)
            state = coder.cheaper(state, coder.coded(cells, state), coder.failing(state, floor))
        for attempt in range(PASSES):
            failing = coder.failing(state, floor)
            if not failing.any():
                break
            cells = state.cells.copy()
            coder.give_own(cells, state, failing, floor, whole=attempt + 1 == PASSES)
            state = coder.coded(cells, state)
        return coder.mixed(state)

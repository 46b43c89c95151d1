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

from codec.frame.cell_coder import CellCoder, Layout, Mixed, largest_error, mse_of
from codec.frame.guard import FINE_PERCENT
from codec.models.quality import lmbda_of
from codec.models.registry import VECTORS
from entropy.predictive import native as predictive
from entropy.predictive.native import CELL_PX, Cell

if TYPE_CHECKING:
    from codec.frame.model import FrameModel, Progress
    from codec.frame.on_torch import TorchFrameModel
    from codec.models.registry import ModelEntry

__all__ = ["Mixer", "least_psnr"]

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

MANY_EQUAL, FEW_EQUAL = 0.5, 0.15
"""Shares of pixels equal to a neighbour: of a cell or tile, from which on it may be a screen's
and is measured; of a tile, from which on a sample of it is. Photographs have 0.15, and seldom 0.5.
"""
SAMPLED_ROWS, SAMPLED_BPP = 8, 1.5
"""One row of cells in so many is sampled; up to so many bits a pixel the tile is measured."""
FLAT_SPREAD, FLAT_EQUAL = 16.0, 0.9
"""Variance within 8 x 8 up to which a cell is flat: no reason to do anything, but where something
is done, flat cells are coded the same way, so that no seam shows.
"""
SURE_BPP = (0.2, 0.7)
"""Bits a pixel of coder S, at the first and the last level, up to which a cell or a tile is never
better off with the transform: that spends more, and its errors count too.
"""
HOPELESS_BPP = (1.0, 4.0)
"""The same, from which on coder S does not even reach what the transform costs with its errors."""
WORTH_SHARE, TEXT_SHARE, TEXT_STEP = 0.05, 0.01, 1000.0
"""Share of cells that may be better off from which on a picture is looked at; and that of cells of
such a mean squared step between neighbours, where fewer are enough: text, and no bright sky.
"""
SMOOTH_STEP = 40.0
"""Mean squared step up to which coder P may need fewer bits than the
transform.
"""
SHARP_SHARE = 0.5
"""Share of the squared steps in sharp blocks (4000 and more) that the transform may leave as error:
where that alone would break the promise of a level, its answer is looked at.
"""
SMALL_STEP, SMALL_PX, PADDED = 300.0, 256**2, 1.5
"""Mean squared step of a tile of no more than so many pixels, from which on it is looked at, which
costs little. Such tiles are compared with the estimate of coder P; with what it takes, where
padding to whole cells makes the transform code so many times the pixels that there are.
"""
FINE_STEP = 80.0
"""Mean squared step from which on the transform may fail a tile that is as fine as
`codec.frame.guard` says: noise, patterns of pixels.
"""
CELL_WORTH, BESIDE_WORTH, EXACT_WORTH = 1.2, 3.0, 1.15
"""What an exact cell may cost, against one that is not; one with two exact cells beside it; and an
exact tile: text beside text that is blurred shows, and flat colour beside its like.
"""
PROMISE_DB = 8.0
PASSES = 3


def least_psnr(entry: ModelEntry, level: int) -> float:
    """PSNR in dB below which no tile of a level is written: 8 below what photographs have."""
    known = entry.photographs_db
    at = np.linspace(0, len(known) - 1, entry.levels)[level]
    return float(np.interp(at, range(len(known)), known)) - PROMISE_DB


class Mixer:
    """Chooses the modes of one picture, at any level.

    Args:
        layout: the picture.
        entry: of the model that codes it.
    """

    def __init__(self, layout: Layout, entry: ModelEntry) -> None:
        self._layout, self._entry = layout, entry
        facts = predictive.cell_facts(layout.samples, layout.threads)
        self._spread = facts.spread.astype(np.float64)
        self._contrast: Marks = facts.step >= TEXT_STEP
        strong = (facts.equal >= MANY_EQUAL) & (facts.spread > FLAT_SPREAD)
        flat = (facts.spread <= FLAT_SPREAD) & (facts.equal >= FLAT_EQUAL)
        self._candidates: Marks = strong | (flat & strong.any())
        within, step = layout.by_tile(facts.spread), layout.by_tile(facts.step)
        fine = (100 * within >= FINE_PERCENT * layout.cells * layout.variances()) & (
            step >= FINE_STEP * layout.cells
        )
        small = layout.tile_pixels <= SMALL_PX
        sharp = layout.by_tile(facts.sharp * layout.cell_pixels) / layout.tile_pixels
        fine |= small & ((sharp > 0) | (step >= SMALL_STEP * layout.cells))
        self._fine = bool(fine.any())
        self._error_feared = SHARP_SHARE * float(sharp.max())
        equal = layout.by_tile(facts.equal) / layout.cells
        screens = equal >= MANY_EQUAL
        screens |= self._sampled(~screens & (equal >= FEW_EQUAL))
        smooth = small | (layout.by_tile(facts.step) <= SMOOTH_STEP * layout.cells)
        self._bits, self._exact_bits = self._measure(screens, smooth)

    def _sampled(self, tiles: Marks) -> Marks:
        """Those of some tiles that coder S codes well, as far as a few rows of cells tell."""
        layout = self._layout
        rows = np.arange(len(layout.tile_of)) // layout.columns
        middle = min(SAMPLED_ROWS, layout.rows) // 2
        marked: Marks = tiles[layout.tile_of] & (rows % SAMPLED_ROWS == middle)
        if not marked.any():
            return np.zeros_like(tiles)
        where = layout.samples, layout.grid.tile_log2
        bits = layout.by_tile(predictive.screen_bits(*where, marked, layout.threads, SAMPLED_BPP))
        pixels = layout.by_tile(layout.cell_pixels * marked)
        good: Marks = tiles & (pixels > 0) & (bits <= SAMPLED_BPP * pixels)
        return good

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
            padded = layout.cells * CELL_PX**2 >= PADDED * layout.tile_pixels
            for n in np.flatnonzero(smooth & padded & (layout.tile_pixels <= SMALL_PX)):
                photo[n] = 8.0 * len(layout.exactly(int(n)))
            raw = 8.0 * layout.samples.shape[2] * layout.tile_pixels
            exact = np.minimum(exact, np.where(smooth, np.minimum(photo, raw), np.inf))
        return bits, exact

    def idle(self, level: int) -> bool:
        """Whether there is nothing to choose at a level: the transform codes everything."""
        looks = self._doubtful(level) or self._promising(level).any()
        return not (looks or np.isfinite(self._exact_bits).any())

    def _doubtful(self, level: int) -> bool:
        """Whether the transform may break the promise of a level; code vectors may, of anything."""
        if self._entry.profile == VECTORS:
            return True
        return self._fine or self._error_feared > mse_of(least_psnr(self._entry, level))

    def _between(self, bounds: tuple[float, float], level: int) -> float:
        """What lies at a level between what holds at the first and at the last; files of code
        vectors are as small as the first.
        """
        low, high = bounds
        if self._entry.profile == VECTORS:
            return low
        return low + (high - low) * (level / (self._entry.levels - 1))

    def _promising(self, level: int) -> Marks:
        """Candidates that coder S may code for less than the transform."""
        most = self._between(HOPELESS_BPP, level)
        marks: Marks = self._candidates & (self._bits <= most * self._layout.cell_pixels)
        text = (marks & self._contrast).mean()
        if text < TEXT_SHARE and marks.mean() < WORTH_SHARE:
            return np.zeros_like(marks)
        return marks

    def encode(
        self,
        model: FrameModel | TorchFrameModel,
        level: int,
        *,
        measure: bool = False,
        progress: Progress | None = None,
    ) -> Mixed:
        """The tiles at a level.

        Args:
            model, level: the transform.
            measure: whether the decoded pixels are asked for.
            progress: as in `FrameModel.encode`; each pass starts again from 0.
        """
        layout, entry = self._layout, self._entry
        floor, candidates = least_psnr(entry, level), self._promising(level)
        coder = CellCoder(
            layout, model, level, lmbda_of(level, entry.levels, entry.lmbda) / 3,
            largest_error(floor),
            look=measure or self._doubtful(level) or bool(candidates.any()),
            progress=progress,
        )  # fmt: skip
        most = self._between(SURE_BPP, level)
        sure = candidates & (self._bits <= most * layout.cell_pixels)
        sure |= (self._exact_bits <= most * layout.tile_pixels)[layout.tile_of]
        state = coder.coded(np.where(sure, Cell.SHARED, Cell.LEARNED).astype(np.uint8))

        # What the transform still codes, against coding it exactly: by cell, then the whole tile.
        cells = state.cells.copy()
        cost = coder.weight * state.errors + layout.shared_out(
            coder.learned_bits(state), self._spread
        )
        for worth in (CELL_WORTH, BESIDE_WORTH):
            open_cells = (cells == Cell.LEARNED) & candidates & (worth * cost > self._bits)
            if worth == BESIDE_WORTH:
                open_cells &= layout.beside(cells == Cell.SHARED) >= 2
            cells[open_cells] = Cell.SHARED
        failing = coder.failing(state, floor)
        coder.give_own(cells, state, failing, floor)
        if (cells != state.cells).any():
            state = coder.cheaper(state, coder.coded(cells, state), failing)
        exact = self._exact_bits <= EXACT_WORTH * coder.cost(state)
        cells = np.where(exact[layout.tile_of], Cell.SHARED, state.cells).astype(np.uint8)
        if (cells != state.cells).any():
            state = coder.coded(cells, state)
        for attempt in range(PASSES):
            failing = coder.failing(state, floor)
            if not failing.any():
                break
            cells = state.cells.copy()
            coder.give_own(cells, state, failing, floor, whole=attempt + 1 == PASSES)
            state = coder.coded(cells, state)
        for _ in range(PASSES):  # the errors of own cells are uniform as a rule, not always
            if not coder.below(state, floor).any():
                break
            coder.error = coder.error * 3 // 4
            state = coder.coded(state.cells)
        return coder.mixed(state)

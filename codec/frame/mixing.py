"""Which parts of a picture the transform codes and which are coded sample by sample.

facts of cells ─► candidates ─► transform of the whole ─► what each cell costs both ways
    ─► choice ─► transform of the rest, candidates filled in smoothly ─► the cheaper, by tile
    ─► tiles that break the promise of their level: their worst cells are coded sample by sample

A cell is a square of 64 pixels. The cost is J = bits + lmbda / 3 * squared error over all samples.
Photographs have no candidates and are coded as if this were not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codec.image.color import as_channels
from codec.models.quality import lmbda_of
from entropy.predictive import native as predictive
from entropy.predictive.native import CELL_PX, Cell

if TYPE_CHECKING:
    import bitstream
    from codec.frame.model import FrameModel, Progress
    from codec.frame.on_torch import TorchFrameModel

__all__ = ["Mixed", "Mixer", "least_psnr"]

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

MANY_EQUAL = 0.5
"""Share of pixels equal to a neighbour from which on a cell may be a screen's."""
FLAT_SPREAD, FLAT_EQUAL = 16.0, 0.9
"""Variance within 8 x 8 up to which a cell is flat: no reason to do anything, but where something
is done, flat cells beside it are coded the same way, so that no seam shows."""
CHEAP_BPP = 0.3
"""A tile of candidates that costs so little exactly needs no look at the transform."""
DOUBTFUL_STEP = 1500.0
"""Mean squared step between neighbours from which on the transform may fail a cell."""
PHOTOGRAPHS_DB = (25.9, 27.4, 29.0, 30.8, 33.0, 35.2, 37.4, 39.7, 41.7)
"""Mean PSNR of photographs (Kodak, wavelet-11) at nine equal steps from the first to the last level."""
PROMISE_DB = 8.0
PASSES = 3


@dataclass(frozen=True, slots=True)
class Mixed:
    """A picture in tiles.

    Attributes:
        tiles: payloads.
        modes: whether they begin with a kind (SPEC.md, Modes); else all are the model's alone.
        error: largest error of a predictive sample.
        decoded: what they decode to, in the channels of the picture; None if nobody looked.
    """

    tiles: list[bytes]
    modes: bool
    error: int
    decoded: Pixels | None


def least_psnr(level: int, levels: int) -> float:
    """PSNR in dB below which no tile of a level is written: 8 below what photographs have."""
    at = np.linspace(0, len(PHOTOGRAPHS_DB) - 1, levels)[level]
    return float(np.interp(at, range(len(PHOTOGRAPHS_DB)), PHOTOGRAPHS_DB)) - PROMISE_DB


def largest_error(psnr: float) -> int:
    """Largest error of uniformly quantised samples that meets a PSNR in dB: N (N + 1) / 3 = MSE."""
    mse = 255.0**2 / 10 ** (psnr / 10)
    return max(0, int(((1 + 12 * mse) ** 0.5 - 1) / 2))


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
        self._samples, self._rgb, self._grid, self._threads = samples, rgb, grid, threads
        self._rows, self._columns = (-(-side // CELL_PX) for side in rgb.shape[:2])
        facts = predictive.cell_facts(samples, threads)
        strong = (facts.equal >= MANY_EQUAL) & (facts.spread > FLAT_SPREAD)
        flat = (facts.spread <= FLAT_SPREAD) & (facts.equal >= FLAT_EQUAL)
        tiles = self._tiles_of_cells()
        with_strong = np.bincount(tiles, strong, grid.count) > 0
        self._candidates: Marks = strong | (flat & with_strong[tiles])
        self._doubtful = bool((facts.step >= DOUBTFUL_STEP).any())
        self._spread = facts.spread.astype(np.float64)
        self._tile_of = tiles
        self._bits = np.zeros(len(tiles))
        if self._candidates.any():
            self._bits = predictive.screen_bits(
                samples, grid.tile_log2, self._candidates, threads
            ).astype(np.float64)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to choose: the transform codes everything."""
        return not self._doubtful and not self._candidates.any()

    def encode(
        self,
        model: FrameModel | TorchFrameModel,
        level: int,
        levels: int,
        progress: Progress | None = None,
    ) -> Mixed:
        """The tiles at a level. progress as in `FrameModel.encode`, of a pass each time."""
        weight = lmbda_of(level, levels) / 3
        cheap = self._cheap_tiles()

        def run(pixels: Pixels, wanted: Marks) -> tuple[list[bytes], Pixels]:
            tiles, decoded = model.encode(
                pixels, level, self._grid.tile_log2, wanted=[bool(w) for w in wanted],
                decoded=True, threads=self._threads, progress=progress,
            )  # fmt: skip
            assert decoded is not None
            return tiles, as_channels(decoded, self._samples.shape[2])

        # The transform of everything that may need it, and what it costs by cell.
        learned, decoded = run(self._rgb, ~cheap)
        errors = self._errors(decoded)
        cost = weight * errors + self._learned_bits(learned)
        chosen = self._candidates & ((cost > self._bits) | cheap[self._tile_of])
        cells = np.where(chosen, Cell.SHARED, Cell.LEARNED).astype(np.uint8)
        plain = self._by_tile(weight * errors) + np.array([8.0 * len(tile) for tile in learned])

        error = 0
        payloads: list[bytes] | None = None
        floor = least_psnr(level, levels)
        for attempt in range(PASSES + 1):
            failing = self._failing(errors, cells, floor)
            if attempt > 0 and not failing.any():
                break
            if failing.any():
                error = largest_error(floor)
                self._give_own(cells, errors, failing, floor, whole=attempt == PASSES)
            if not cells.any():
                return Mixed(learned, False, 0, decoded)
            wanted = self._by_tile(cells == Cell.LEARNED) > 0
            filled = predictive.fill(self._rgb, cells != Cell.LEARNED)
            tiles, pixels = run(filled, wanted)
            payloads = self._payloads(cells, tiles, error)
            pixels, errors_now = self._with_cells(pixels, payloads, error)
            if attempt == 0:
                payloads, cells, pixels = self._cheaper(
                    plain, weight, errors_now, payloads, cells, (learned, decoded, pixels), failing
                )
                errors_now = self._errors(pixels)
            errors, decoded = errors_now, pixels
            if not cells.any():
                return Mixed(learned, False, 0, decoded)
        assert payloads is not None
        return Mixed(payloads, True, error, decoded)

    def _tiles_of_cells(self) -> NDArray[np.intp]:
        """Number of the tile of every cell."""
        per_tile = self._grid.side // CELL_PX
        rows, columns = np.divmod(np.arange(self._rows * self._columns), self._columns)
        across: NDArray[np.intp] = rows // per_tile * self._grid.columns + columns // per_tile
        return across

    def _by_tile(self, values: NDArray[np.generic]) -> Floats:
        sums: Floats = np.bincount(self._tile_of, values, self._grid.count).astype(np.float64)
        return sums

    def _pixels_by_tile(self) -> Floats:
        sizes = (self._grid.rectangle(n) for n in range(self._grid.count))
        return np.array([float(width * height) for _, _, width, height in sizes])

    def _cheap_tiles(self) -> Marks:
        """Tiles of candidates alone that cost next to nothing exactly."""
        others = self._by_tile(~self._candidates)
        cheap: Marks = self._by_tile(self._bits) <= CHEAP_BPP * self._pixels_by_tile()
        cheap &= others == 0
        return cheap

    def _errors(self, decoded: Pixels) -> Floats:
        """Squared error by cell, over all samples as if there were three channels."""
        difference = decoded.astype(np.int32) - self._samples
        squares = (difference * difference).sum(axis=2)
        rows = np.add.reduceat(squares, np.arange(0, squares.shape[0], CELL_PX), axis=0)
        sums = np.add.reduceat(rows, np.arange(0, squares.shape[1], CELL_PX), axis=1)
        errors: Floats = sums.reshape(-1).astype(np.float64) * (3 / self._samples.shape[2])
        return errors

    def _learned_bits(self, tiles: list[bytes]) -> Floats:
        """Bits of the transform's tiles shared out to their cells by how much is in them."""
        content = np.log2(1 + self._spread)
        whole = self._by_tile(content)
        share = content / np.maximum(whole[self._tile_of], 1e-9)
        bits: Floats = share * np.array([8.0 * len(tile) for tile in tiles])[self._tile_of]
        return bits

    def _failing(self, errors: Floats, cells: NDArray[np.uint8], floor: float) -> Marks:
        """Tiles whose PSNR lies below the floor although a learned cell is left in them."""
        mse = self._by_tile(errors) / (3 * self._pixels_by_tile())
        left = self._by_tile(cells == Cell.LEARNED) > 0
        return left & (mse > 255.0**2 / 10 ** (floor / 10))

    def _give_own(
        self, cells: NDArray[np.uint8], errors: Floats, failing: Marks, floor: float, *, whole: bool
    ) -> None:
        """Marks cells of failing tiles, the worst first, until the rest keeps the promise."""
        most = 255.0**2 / 10 ** (floor / 10)
        sizes = self._pixels_by_tile()
        for tile in np.flatnonzero(failing):
            members = np.flatnonzero((self._tile_of == tile) & (cells == Cell.LEARNED))
            worst = members[np.argsort(-errors[members], kind="stable")]
            room = 0.9 * most * 3 * sizes[tile]
            left = errors[self._tile_of == tile].sum()
            for cell in worst:
                if left <= room and not whole:
                    break
                cells[cell] = Cell.OWN
                left -= max(0.0, errors[cell] - most * 3 * CELL_PX**2)

    def _payloads(self, cells: NDArray[np.uint8], learned: list[bytes], error: int) -> list[bytes]:
        return [self._payload(n, cells, learned[n], error) for n in range(self._grid.count)]

    def _payload(self, n: int, cells: NDArray[np.uint8], learned: bytes, error: int) -> bytes:
        own = cells[self._tile_of == n]
        if not own.any():
            return bytes([predictive.Kind.LEARNED]) + learned
        x, y, width, height = self._grid.rectangle(n)
        pixels = self._samples[y : y + height, x : x + width]
        if own.all():
            log2 = self._grid.tile_log2
            exact = (own == Cell.SHARED).all()
            return predictive.encode(pixels, log2, 0 if exact else error)[0]
        return predictive.mixed_tile(pixels, own, error, learned)

    def _with_cells(
        self, pixels: Pixels, payloads: list[bytes], error: int
    ) -> tuple[Pixels, Floats]:
        """What the payloads decode to, from what the transform's parts do."""
        height, width = pixels.shape[:2]
        whole = np.array(pixels)
        predictive.decode(
            payloads.__getitem__, (width, height), self._grid.tile_log2, error,
            (0, 0, width, height), whole, threads=self._threads,
        )  # fmt: skip
        return whole, self._errors(whole)

    def _cheaper(
        self,
        plain: Floats,
        weight: float,
        errors: Floats,
        payloads: list[bytes],
        cells: NDArray[np.uint8],
        sources: tuple[list[bytes], Pixels, Pixels],
        failing: Marks,
    ) -> tuple[list[bytes], NDArray[np.uint8], Pixels]:
        """By tile the cheaper of the transform alone, unless that fails, and the mixture."""
        learned, alone, mixed = sources
        cost = self._by_tile(weight * errors) + np.array([8.0 * len(tile) for tile in payloads])
        keep = (cost > plain) & np.array([len(tile) > 0 for tile in learned]) & ~failing
        if not keep.any():
            return payloads, cells, mixed
        cells = np.where(keep[self._tile_of], Cell.LEARNED, cells).astype(np.uint8)
        pixels = np.array(mixed)
        for n in np.flatnonzero(keep):
            x, y, width, height = self._grid.rectangle(int(n))
            pixels[y : y + height, x : x + width] = alone[y : y + height, x : x + width]
        kept = [
            bytes([predictive.Kind.LEARNED]) + learned[n] if keep[n] else payload
            for n, payload in enumerate(payloads)
        ]
        return kept, cells, pixels

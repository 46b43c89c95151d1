"""A picture coded with given modes of its cells, and what that costs.

cells ─► those of the transform, the others filled in smoothly ─► transform ─► payloads of tiles
cells ─► those of the predictive coders ───────────────────────────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codec.frame.threads import results
from codec.image.color import as_channels
from entropy.predictive import native as predictive
from entropy.predictive.native import CELL_PX, Cell, Kind

if TYPE_CHECKING:
    import bitstream
    from codec.frame.model import FrameModel, Progress
    from codec.frame.on_torch import TorchFrameModel

__all__ = ["CellCoder", "Layout", "Mixed", "State", "largest_error", "mse_of"]

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
Cells = NDArray[np.uint8]

ROOM = 0.9
"""Share of the allowed error that is left to the cells that stay with the transform."""


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


@dataclass(frozen=True, slots=True)
class State:
    """A picture coded with one choice of modes.

    Attributes:
        cells: a value of `Cell` for each cell.
        learned: payloads of the transform by tile, empty where it codes nothing.
        payloads: of the tiles, each beginning with its kind.
        decoded: what they decode to, None if nobody looked.
        errors: squared error by cell, over all samples as if there were three channels; 0 if nobody
            looked.
    """

    cells: Cells
    learned: list[bytes]
    payloads: list[bytes]
    decoded: Pixels | None
    errors: Floats


class Layout:
    """A picture, its tiles, and which cells lie in them.

    Args:
        samples: (H, W, 1 or 3) of the picture.
        rgb: the same as (H, W, 3).
        grid: its tiles.
        threads: 1..64.
    """

    def __init__(
        self, samples: Pixels, rgb: Pixels, grid: bitstream.TileGrid, threads: int
    ) -> None:
        self.samples, self.rgb, self.grid, self.threads = samples, rgb, grid, threads
        self.rows, self.columns = (-(-side // CELL_PX) for side in rgb.shape[:2])
        per_tile = grid.side // CELL_PX
        row, column = np.divmod(np.arange(self.rows * self.columns), self.columns)
        self.tile_of: NDArray[np.intp] = row // per_tile * grid.columns + column // per_tile
        self.cells = np.bincount(self.tile_of, minlength=grid.count)
        heights = np.minimum(CELL_PX, rgb.shape[0] - row * CELL_PX)
        widths = np.minimum(CELL_PX, rgb.shape[1] - column * CELL_PX)
        self.cell_pixels: Floats = (heights * widths).astype(np.float64)
        self.tile_pixels = self.by_tile(self.cell_pixels)

    def exactly(self, tile: int, error: int = 0) -> bytes:
        """Payload of a tile that is predictive as a whole."""
        x, y, width, height = self.grid.rectangle(tile)
        pixels = self.samples[y : y + height, x : x + width]
        return predictive.encode(pixels, self.grid.tile_log2, error)[0]

    def by_tile(self, values: NDArray[np.generic]) -> Floats:
        """Sums over the cells of each tile."""
        sums: Floats = np.bincount(self.tile_of, values, self.grid.count).astype(np.float64)
        return sums

    def beside(self, marks: Marks) -> NDArray[np.intp]:
        """How many of the four cells beside each are marked; there are none beyond the picture."""
        grid = np.pad(marks.reshape(self.rows, self.columns).astype(np.intp), 1)
        found: NDArray[np.intp] = (
            grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:]
        )
        return found.reshape(-1)

    def variances(self) -> Floats:
        """Variance of the samples of each tile, of every fourth row and column."""
        return np.array([
            self.samples[y : y + height : 4, x : x + width : 4].var(axis=(0, 1)).mean()
            for x, y, width, height in map(self.grid.rectangle, range(self.grid.count))
        ])  # fmt: skip

    def shared_out(self, by_tile: Floats, spread: Floats) -> Floats:
        """What a tile has, by cell, in proportion to how much there is to see in each."""
        content = np.log2(1 + spread)
        whole = np.maximum(self.by_tile(content), 1e-9)
        by_cell: Floats = content * (by_tile / whole)[self.tile_of]
        return by_cell

    def errors(self, decoded: Pixels) -> Floats:
        """Squared error by cell, over all samples as if there were three channels."""
        found = np.zeros(len(self.tile_of))
        columns = -(-decoded.shape[1] // CELL_PX)
        starts = np.arange(0, decoded.shape[1], CELL_PX)
        for row in range(0, decoded.shape[0], CELL_PX):
            band = slice(row, row + CELL_PX)
            difference = decoded[band].astype(np.int32) - self.samples[band]
            sums = np.add.reduceat((difference * difference).sum(axis=(0, 2)), starts)
            first = row // CELL_PX * columns
            found[first : first + columns] = sums
        found *= 3 / self.samples.shape[2]
        return found


class CellCoder:
    """Codes one picture at one level with any choice of modes.

    Args:
        layout: the picture.
        model, level: the transform.
        weight: bits that a squared error of one sample is worth.
        error: largest error of a sample of an own cell.
        look: whether what comes out is looked at.
        progress: as in `FrameModel.encode`.
    """

    def __init__(
        self,
        layout: Layout,
        model: FrameModel | TorchFrameModel,
        level: int,
        weight: float,
        error: int,
        *,
        look: bool,
        progress: Progress | None = None,
    ) -> None:
        self._layout, self._model, self._level = layout, model, level
        self.weight, self.error, self._look, self._progress = weight, error, look, progress

    def coded(self, cells: Cells, before: State | None = None) -> State:
        """The picture with those modes; what is as before in a tile is not coded again."""
        layout = self._layout
        left = layout.by_tile(cells == Cell.LEARNED) > 0
        kept = np.zeros_like(left)
        if before is not None:
            kept = layout.by_tile(cells != before.cells) == 0
        wanted, marked = left & ~kept, cells != Cell.LEARNED
        learned, pixels = [b""] * layout.grid.count, None
        if wanted.any():
            source = predictive.fill(layout.rgb, marked) if marked.any() else layout.rgb
            learned, pixels = self._model.encode(
                source, self._level, layout.grid.tile_log2, wanted=[bool(w) for w in wanted],
                decoded=self._look and not (left & kept).any(), threads=layout.threads,
                progress=self._progress,
            )  # fmt: skip
        earlier = [b""] * layout.grid.count
        if before is not None:
            learned = [
                old if k else new for k, old, new in zip(kept, before.learned, learned, strict=True)
            ]
            earlier = before.payloads
        payloads = results(
            lambda n: earlier[n] if kept[n] else self._payload(n, cells, learned[n]),
            layout.grid.count, layout.threads,
        )  # fmt: skip
        if not self._look:
            return self._state(cells, learned, payloads, None)
        if pixels is None and left.any():
            pixels = self._synthesised(learned)
        return self._state(cells, learned, payloads, self._decoded(payloads, pixels))

    def learned_bits(self, state: State) -> Floats:
        """Bits of the transform by tile."""
        return np.array([8.0 * len(tile) for tile in state.learned])

    def cost(self, state: State) -> Floats:
        """Bits and weighed errors by tile."""
        bits = np.array([8.0 * len(payload) for payload in state.payloads])
        total: Floats = bits + self.weight * self._layout.by_tile(state.errors)
        return total

    def failing(self, state: State, floor: float) -> Marks:
        """Tiles whose PSNR lies below `floor` dB although the transform still codes a part."""
        left: Marks = self._layout.by_tile(state.cells == Cell.LEARNED) > 0
        return left & self.below(state, floor)

    def below(self, state: State, floor: float) -> Marks:
        """Tiles whose PSNR lies below `floor` dB."""
        mse = self._layout.by_tile(state.errors) / (3 * self._layout.tile_pixels)
        marks: Marks = mse > mse_of(floor)
        return marks

    def give_own(
        self, cells: Cells, state: State, failing: Marks, floor: float, *, whole: bool = False
    ) -> None:
        """Marks cells of failing tiles, the worst first, until the rest keeps the promise.

        whole: all of them.
        """
        layout, errors = self._layout, state.errors
        for tile in np.flatnonzero(failing):
            inside = layout.tile_of == tile
            members = np.flatnonzero(inside & (cells == Cell.LEARNED))
            allowed = ROOM * mse_of(floor) * 3 * layout.tile_pixels[tile]
            left = errors[inside & (cells == Cell.LEARNED)].sum()
            for cell in members[np.argsort(-errors[members], kind="stable")]:
                if left <= allowed and not whole:
                    break
                cells[cell] = Cell.OWN
                left -= max(0.0, errors[cell] - mse_of(floor) * 3 * layout.cell_pixels[cell])

    def cheaper(self, before: State, after: State, failing: Marks) -> State:
        """By tile the cheaper of two, never a failing one of `before`."""
        keep = (self.cost(before) < self.cost(after)) & ~failing
        if not keep.any():
            return after
        if keep.all():
            return before
        cells = np.where(keep[self._layout.tile_of], before.cells, after.cells)
        learned, payloads = (
            [old if kept else new for kept, old, new in zip(keep, *pair, strict=True)]
            for pair in (
                (before.learned, after.learned),
                (before.payloads, after.payloads),
            )
        )
        decoded = None
        if self._look:  # near a tile's edge it depends on its neighbours, which are others now
            decoded = self._decoded(payloads, self._synthesised(learned))
        return self._state(cells, learned, payloads, decoded)

    def mixed(self, state: State) -> Mixed:
        """What goes into the file."""
        if not state.cells.any():
            return Mixed(state.learned, False, 0, state.decoded)
        error = self.error if (state.cells == Cell.OWN).any() else 0
        return Mixed(state.payloads, True, error, state.decoded)

    def _state(
        self, cells: Cells, learned: list[bytes], payloads: list[bytes], decoded: Pixels | None
    ) -> State:
        errors = np.zeros(len(cells)) if decoded is None else self._layout.errors(decoded)
        return State(cells, learned, payloads, decoded, errors)

    def _payload(self, n: int, cells: Cells, learned: bytes) -> bytes:
        layout = self._layout
        own = cells[layout.tile_of == n]
        if not own.any():
            return bytes([Kind.LEARNED]) + learned
        if own.all():
            return layout.exactly(n, self.error if (own == Cell.OWN).any() else 0)
        x, y, width, height = layout.grid.rectangle(n)
        pixels = layout.samples[y : y + height, x : x + width]
        return predictive.mixed_tile(pixels, own, self.error, learned)

    def _synthesised(self, learned: list[bytes]) -> Pixels:
        """What the transform's parts decode to, (H, W, 3)."""
        layout = self._layout
        height, width = layout.samples.shape[:2]
        return self._model.decode(
            lambda n: learned[n] or None, (width, height), self._level, layout.grid.tile_log2,
            (0, 0, width, height), threads=layout.threads,
        )  # fmt: skip

    def _decoded(self, payloads: list[bytes], pixels: Pixels | None) -> Pixels:
        """What the payloads decode to, from what the transform's parts do."""
        layout = self._layout
        height, width = layout.samples.shape[:2]
        if pixels is None:
            whole = np.zeros_like(layout.samples)
        else:
            whole = np.array(as_channels(pixels, layout.samples.shape[2]))
        predictive.decode(
            payloads.__getitem__, (width, height), layout.grid.tile_log2, self.error,
            (0, 0, width, height), whole, threads=layout.threads,
        )  # fmt: skip
        return whole


def largest_error(psnr: float) -> int:
    """Largest error of uniformly quantised samples that meets a PSNR in dB: N (N + 1) / 3 = MSE."""
    return max(0, int(((1 + 12 * mse_of(psnr)) ** 0.5 - 1) / 2))


def mse_of(psnr: float) -> float:
    """Mean squared error of 8-bit samples at a PSNR in dB."""
    return 255.0**2 / 10 ** (psnr / 10)

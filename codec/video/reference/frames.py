"""One frame: its head, its decisions, its samples, the filter (INTER.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.video.reference.blocks import Block, BlockSyntax, Grid, PastMotion
from codec.video.reference.decisions import Coder, Contexts, Decisions
from codec.video.reference.prediction import around, from_around, overlapped, predicted
from codec.video.reference.residual import ResidualSyntax, rebuilt, squares
from entropy.coder.escape import MAX_LENGTH_BYTES, read_varint, write_varint
from entropy.errors import CorruptStream, StreamExhausted
from networks import definition
from networks.program import Program

__all__ = ["LEVELS", "FrameHead", "Picture", "ReferenceFrame"]

Ints = NDArray[np.int64]
LEVELS = 64
_MOST_NUMBER = 1 << 24
_MOST_DISTANCE = 127
_TREE = 8
"""Cells a side of a tree."""


@dataclass(eq=False)
class Picture:
    """A decoded picture: Y, U, V of 10 bits as they are continued, its number, its past motion."""

    planes: list[Ints]
    number: int
    past: PastMotion


@dataclass(frozen=True)
class FrameHead:
    """What a payload begins with."""

    level: int
    layer: int
    fresh: bool
    overlapped: bool
    filtered: bool
    number: int

    @staticmethod
    def read(payload: bytes) -> tuple[FrameHead, int]:
        """The head, and where the decisions begin."""
        if payload and payload[0] >= LEVELS:
            raise CorruptStream(f"a frame has level {payload[0]}")
        if len(payload) < 2:
            raise StreamExhausted("a frame ends within its head")
        level, flags = payload[:2]
        if flags & 0xE0:
            raise CorruptStream(f"a frame has flags {flags:02X}")
        number, at = read_varint(payload, 2, len(payload), MAX_LENGTH_BYTES)
        if number >= _MOST_NUMBER:
            raise CorruptStream(f"a frame has number {number}")
        fresh, overlapped, filtered = (bool(flags & bit) for bit in (4, 8, 16))
        return FrameHead(level, flags & 3, fresh, overlapped, filtered, number), at

    def to_bytes(self) -> bytes:
        """As a payload has it."""
        flags = self.layer | self.fresh << 2 | self.overlapped << 3 | self.filtered << 4
        return bytes((self.level, flags)) + write_varint(self.number)


class ReferenceFrame:
    """One frame: its decisions first (`parse`), then its samples (`rebuild`).

    Args:
        head: of the frame.
        size: width and height of luma, as it is continued.
        subsampled: 4:2:0.
        references: one to four.
    """

    syntax = BlockSyntax

    def __init__(
        self,
        head: FrameHead,
        size: tuple[int, int],
        subsampled: bool,
        references: Sequence[Picture],
    ) -> None:
        self.head, self._references = head, references
        width, height = size
        half = 2 if subsampled else 1
        self.sizes = [size, (width // half, height // half), (width // half, height // half)]
        self.subsampled = subsampled
        self.grid = Grid(width // 8, height // 8)
        self.distances = [
            min(max(head.number - r.number, -_MOST_DISTANCE), _MOST_DISTANCE) for r in references
        ]
        rows, columns = -(-self.grid.rows // _TREE), -(-self.grid.columns // _TREE)
        self.filtered = np.zeros((2, rows, columns), bool)

    def parse(self, coder: Coder, contexts: Contexts) -> None:
        """Decodes what the frame consists of; `contexts` learn."""
        decisions, grid = Decisions(coder, contexts), self.grid
        residual = ResidualSyntax(decisions, self.sizes, self.subsampled)
        past = self._references[0].past
        blocks = self.syntax(decisions, grid, self.distances, past, residual.block)
        trees = list(np.ndindex(self.filtered.shape[1:]))
        for y, x in trees:
            blocks.tree(x * _TREE, y * _TREE, _TREE)
        if not self.head.filtered:
            return
        for y, x in trees:
            for k, plane in enumerate(self.filtered):
                left = plane[y, x - 1] if x else True
                above = plane[y - 1, x] if y else True
                plane[y, x] = decisions.bit("filtered", k, int(left) + int(above))

    def rebuild(self, program: Program | None) -> Picture:
        """The picture, by the program of the filter."""
        self.predictions = [self._predict(plane) for plane in range(3)]
        planes = [p.copy() for p in self.predictions]
        for is_intra in (False, True):
            for block in self.grid.blocks:
                if is_intra != bool(block.motion):
                    for plane in (1, 2, 0):
                        self._reconstruct(planes[plane], block, plane)
        self.unfiltered = planes
        if self.head.filtered:
            assert program is not None
            planes = self._filter(program)
        return Picture(planes, self.head.number, self._past_motion())

    def _halved(self, plane: int) -> bool:
        return self.subsampled and plane > 0

    def _predict(self, plane: int) -> Ints:
        halved = self._halved(plane)
        cell = 4 if halved else 8
        references = [picture.planes[plane] for picture in self._references]
        width, height = self.sizes[plane]
        own = np.zeros((height, width), np.int64)
        for block in self.grid.blocks:
            if block.motion:
                x, y, side = (cell * n for n in (block.x, block.y, block.size))
                own[y : y + side, x : x + side] = predicted(
                    references, (x, y, side, side), block.motion, halved
                )
        if not self.head.overlapped:
            return own
        out = own.copy()
        for y in range(self.grid.rows):
            for x in range(self.grid.columns):
                found = overlapped(own, references, self.grid, (x, y), halved)
                if found is not None:
                    out[y * cell : (y + 1) * cell, x * cell : (x + 1) * cell] = found
        return out

    def _reconstruct(self, samples: Ints, block: Block, plane: int) -> None:
        """Adds the residual of a block; predicts it before, if it is intra."""
        side, places = squares(block, plane, self.subsampled)
        cell = 4 if self._halved(plane) else 8
        for x, y in places:
            square = samples[y : y + side, x : x + side]
            if not block.motion:
                near = around(samples, self.grid, block, x, y, side, cell)
                square[:] = from_around(near, block.mode)
            coefficients = block.squares.get((plane, x, y))
            if coefficients is not None:
                square[:] = (square + rebuilt(coefficients, self.head.level)).clip(0, 1023)

    def _filter(self, program: Program) -> list[Ints]:
        moves = np.zeros((self.grid.rows, self.grid.columns), bool)
        for block in self.grid.blocks:
            place = np.s_[block.y : block.y + block.size, block.x : block.x + block.size]
            moves[place] = bool(block.motion)
        pairs = list(zip(self.unfiltered, self.predictions, strict=True))
        if not self.subsampled:
            pairs[1:] = [(_averaged(a), _averaged(b)) for a, b in pairs[1:]]
        masks = [_repeated(moves, side) for side in (8, 4, 4)]
        levels = [a - 512 for a, _ in pairs]
        differences = [(a - b) * mask for (a, b), mask in zip(pairs, masks, strict=True)]
        inputs = [
            np.stack([levels[0], differences[0]], axis=-1),
            np.stack([*levels[1:], *differences[1:]], axis=-1),
        ]
        luma, chroma = definition.run(
            program, [array.astype(np.int16) for array in inputs], self.head.level
        )
        corrections = [luma[..., 0], chroma[..., 0], chroma[..., 1]]
        if not self.subsampled:
            corrections[1:] = [_repeated(c, 2) for c in corrections[1:]]
        out = []
        for plane, samples in enumerate(self.unfiltered):
            side = 32 if self._halved(plane) else 64
            chosen = _repeated(self.filtered[min(plane, 1)], side)
            chosen = chosen[: samples.shape[0], : samples.shape[1]]
            corrected = (samples + corrections[plane].astype(np.int64)).clip(0, 1023)
            out.append(np.where(chosen, corrected, samples))
        return out

    def _past_motion(self) -> PastMotion:
        past = np.zeros((self.grid.rows, self.grid.columns, 3), np.int64)
        for block in self.grid.blocks:
            if block.motion:
                reference, vector = block.motion[0]
                place = np.s_[block.y : block.y + block.size, block.x : block.x + block.size]
                past[place] = (*vector, self.distances[reference])
        return past


def _averaged(plane: Ints) -> Ints:
    """Means of 2x2."""
    total = plane[::2, ::2] + plane[::2, 1::2] + plane[1::2, ::2] + plane[1::2, 1::2]
    return (total + 2) >> 2


def _repeated(plane: NDArray[np.generic], times: int) -> Ints:
    return np.asarray(np.repeat(np.repeat(plane, times, 0), times, 1))

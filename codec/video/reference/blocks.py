"""Trees, blocks and their motion: what stands where (INTER.md, Frame, Blocks)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codec.video.reference.decisions import Decisions
from entropy.errors import CorruptStream

__all__ = [
    "INTER",
    "INTRA",
    "MERGE",
    "Block",
    "BlockSyntax",
    "Grid",
    "Motion",
    "PastMotion",
    "Vector",
    "scaled",
]

NONE, MERGE, INTER, INTRA = range(4)
"""Kinds of blocks."""
CANDIDATES = 6
_MOST_BITS = 15
"""Of the magnitude of a component of a vector."""
_LEAST, _MOST = -16384, 16383
_MODES = 35

Vector = tuple[int, int]
Motion = tuple[tuple[int, Vector], ...]
"""One or two: a reference and the vector to it, (x, y) in quarters of a luma sample."""
PastMotion = NDArray[np.int64]
"""(rows, columns, 3) of cells: x, y of a vector, the distance of its reference, 0: no motion."""


@dataclass(eq=False)
class Block:
    """One block. Places and sizes count cells.

    Attributes:
        number: in the order of the frame.
        candidate: number of a merge block's candidate.
        mode: of an intra block.
        motion: of the others.
        squares: coefficients (N, N), rows first, by plane and place of the square in the plane.
    """

    x: int
    y: int
    size: int
    number: int
    kind: int = NONE
    candidate: int = CANDIDATES
    mode: int = 1
    motion: Motion = ()
    coded: bool = False
    fine: bool = False
    squares: dict[tuple[int, int, int], NDArray[np.int64]] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """log2 of its side in samples, less 3."""
        return self.size.bit_length() - 1


class Grid:
    """The cells of a frame, each with the block that has been coded there, if any."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.blocks: list[Block] = []
        self._cells: list[list[Block | None]] = [[None] * columns for _ in range(rows)]

    def inside(self, x: int, y: int) -> bool:
        """Tells whether there is such a cell."""
        return 0 <= x < self.columns and 0 <= y < self.rows

    def at(self, x: int, y: int) -> Block | None:
        """The block at a cell; None outside and where nothing has been coded."""
        return self._cells[y][x] if self.inside(x, y) else None

    def put(self, block: Block) -> None:
        """Enters a block."""
        self.blocks.append(block)
        for y in range(block.y, block.y + block.size):
            self._cells[y][block.x : block.x + block.size] = [block] * block.size


def scaled(vector: Vector, to: int, distance: int) -> Vector:
    """A vector over a distance as it would be over another, to the nearest, halves away from 0."""
    if to == 0 or distance == 0 or to == distance:
        return vector
    x, y = (_ratio(v * to, distance) for v in vector)
    return x, y


def _ratio(over: int, under: int) -> int:
    nearest = (2 * abs(over) + abs(under)) // (2 * abs(under))
    return min(max(nearest if (over < 0) == (under < 0) else -nearest, _LEAST), _MOST)


class BlockSyntax:
    """Decodes the blocks of a frame.

    Args:
        decisions: of the frame.
        grid: of its cells, empty.
        distances: of the references.
        past: motion of the first reference.
        residual: decodes the residual of a block.
    """

    def __init__(
        self,
        decisions: Decisions,
        grid: Grid,
        distances: Sequence[int],
        past: PastMotion,
        residual: Callable[[Block, Block | None, Block | None], None],
    ) -> None:
        self.decisions = decisions
        self._grid = grid
        self._distances = distances
        self._past = past
        self._residual = residual

    def tree(self, x: int, y: int, size: int) -> None:
        """Decodes a tree, or a part of it."""
        grid = self._grid
        if not grid.inside(x, y):
            return
        if size > 1 and (not grid.inside(x + size - 1, y + size - 1) or self._is_split(x, y, size)):
            half = size // 2
            for n in range(4):
                self.tree(x + n % 2 * half, y + n // 2 * half, half)
            return
        block = Block(x, y, size, len(grid.blocks))
        left, above = grid.at(x - 1, y), grid.at(x, y - 1)
        self._block(block, left, above)
        self._residual(block, left, above)
        grid.put(block)

    def _is_split(self, x: int, y: int, size: int) -> bool:
        d = size.bit_length() - 1
        beside = self._grid.at(x - 1, y), self._grid.at(x, y - 1)
        left, above = (0 if b is None else b.depth + 1 for b in beside)
        smaller = sum(b is not None and b.size < size for b in beside)
        return self.decisions.mixed(
            "split_mixer", (d,), ("split_count", (d, smaller)), ("split_sizes", (d, left, above))
        )

    def _block(self, block: Block, left: Block | None, above: Block | None) -> None:
        d, decisions = block.depth, self.decisions
        kinds = tuple(NONE if b is None else b.kind for b in (left, above))
        if decisions.mixed(
            "merge_mixer", (d,),
            ("merge_count", (d, kinds.count(MERGE))), ("merge_kinds", (d, *kinds)),
        ):  # fmt: skip
            block.kind = MERGE
            candidates = self.candidates(block)
            number = 0
            while number < len(candidates) - 1 and decisions.bit("merge_index", number, d):
                number += 1
            block.candidate, block.motion = number, candidates[number]
        elif decisions.bit("intra", kinds.count(INTRA)):
            block.kind = INTRA
            block.mode = self._mode(left, above)
        else:
            block.kind = INTER
            self._inter(block, left, above)

    def _mode(self, left: Block | None, above: Block | None) -> int:
        """The mode of an intra block."""
        a, b = (n.mode if n is not None and n.kind == INTRA else 1 for n in (left, above))
        if a == b:
            b = 0 if a else 1
        if self.decisions.bit("intra_likely"):
            return b if self.decisions.bit("intra_which") else a
        node = 1
        for _ in range(6):
            node = node << 1 | self.decisions.bit("intra_tree", node)
        if node - 64 >= _MODES:
            raise CorruptStream(f"an intra block has mode {node - 64}")
        return node - 64

    def _inter(self, block: Block, left: Block | None, above: Block | None) -> None:
        """The motion of an inter block."""
        decisions = self.decisions
        motions = [() if b is None else b.motion for b in (left, above)]
        doubles = sum(len(motion) == 2 for motion in motions)
        both = decisions.mixed(
            "both_mixer", (), ("both_count", (doubles,)), ("both_size", (block.depth,))
        )
        for n in range(2 if both else 1):
            farther = sum(len(motion) > n and motion[n][0] > 0 for motion in motions)
            reference = 0
            while reference < len(self._distances) - 1 and decisions.bit(
                "reference", n, min(reference, 2), farther
            ):
                reference += 1
            first, second = self.predictors(block, reference)
            predictor = first
            if first != second and decisions.bit("predictor"):
                predictor = second
            x = self._component(block, 0, 0, predictor[0])
            across = abs(x - predictor[0])
            other = 0 if across == 0 else 1 if across <= 7 else 2
            y = self._component(block, 1, other, predictor[1])
            if not (_LEAST <= x <= _MOST and _LEAST <= y <= _MOST):
                raise CorruptStream(f"a vector is ({x}, {y})")
            block.motion = (*block.motion, (reference, (x, y)))

    def _component(self, block: Block, axis: int, other: int, predicted: int) -> int:
        """A component of a vector: what was predicted, and the difference."""
        decisions, k = self.decisions, 0
        while k < _MOST_BITS and decisions.mixed(
            "vector_mixer", (axis,),
            ("vector_class", (axis, k)), ("vector_other", (axis, other, block.depth, k)),
        ):  # fmt: skip
            k += 1
        difference = 0
        if k > 0:
            difference = 1
            if k > 1:
                difference = difference << 1 | decisions.bit("vector_top", axis, k)
                difference = difference << (k - 2) | decisions.bits(k - 2, "vector")
            if decisions.even("vector sign"):
                difference = -difference
        return predicted + difference

    def _places(self, block: Block) -> list[Motion]:
        """Motions of the blocks at A, B, C, D, E that have any."""
        x, y, c = block.x, block.y, block.size
        a, b, e = (x - 1, y + c - 1), (x + c - 1, y - 1), (x - 1, y - 1)
        places = (a, b, (x + c, y - 1), (x - 1, y + c), e)
        found = (self._grid.at(*place) for place in places)
        return [other.motion for other in found if other is not None and other.motion]

    def _past_vector(self, block: Block, reference: int) -> Vector | None:
        for step in (block.size, block.size // 2):
            x, y = block.x + step, block.y + step
            if self._grid.inside(x, y) and self._past[y, x, 2]:
                to_x, to_y, distance = (int(v) for v in self._past[y, x])
                return scaled((to_x, to_y), self._distances[reference], distance)
        return None

    def candidates(self, block: Block) -> list[Motion]:
        """Motions that a merge block may take, at least one."""
        found: list[Motion] = []

        def offer(motion: Motion) -> None:
            if motion not in found and len(found) < CANDIDATES:
                found.append(motion)

        for motion in self._places(block):
            if len(found) < 4:
                offer(motion)
        past = self._past_vector(block, 0)
        if past is not None:
            offer(((0, past),))
        if len(found) >= 2 and found[0][0] != found[1][0]:
            offer((found[0][0], found[1][0]))
        for reference in range(len(self._distances)):
            offer(((reference, (0, 0)),))
        if len(self._distances) >= 2:
            offer(((0, (0, 0)), (1, (0, 0))))
        return found

    def predictors(self, block: Block, reference: int) -> tuple[Vector, Vector]:
        """The two vectors that a vector to a reference may be coded from."""
        found: list[Vector] = []
        for vector in self._nearby(block, reference):
            if vector not in found:
                found.append(vector)
            if len(found) == 2:
                break
        first, second = [*found, (0, 0), (0, 0)][:2]
        return first, second

    def _nearby(self, block: Block, reference: int) -> Iterator[Vector]:
        places = self._places(block)
        for motion in places:
            yield from (vector for other, vector in motion if other == reference)
        distances = self._distances
        for motion in places:
            other, vector = motion[0]
            if other != reference:
                yield scaled(vector, distances[reference], distances[other])
        past = self._past_vector(block, reference)
        if past is not None:
            yield past

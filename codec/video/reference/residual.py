"""The residual of a block: coefficients, and the samples they stand for (INTER.md, Residual)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.video.reference.blocks import MERGE, Block
from codec.video.reference.decisions import Decisions
from entropy.errors import CorruptStream

__all__ = ["ResidualSyntax", "rebuilt", "squares", "step_of"]

Ints = NDArray[np.int64]

_CLASSES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Where classes of a frequency start."""
_PLACES = (1, 1, 1, 1, 2, 2, 4, 4, 8, 8)
"""Frequencies of a class."""
_UNARY = 15
_ESCAPE_BITS = 13
_STEPS = (256, 287, 323, 362, 406, 456)
_COSINES = (
    362, 362, 360, 358, 355, 351, 346, 341, 334, 327, 319, 311, 301, 291, 280, 268, 256, 243, 230,
    216, 201, 186, 171, 155, 139, 122, 105, 88, 71, 53, 35, 18, 0,
)  # fmt: skip


def squares(block: Block, plane: int, subsampled: bool) -> tuple[int, list[tuple[int, int]]]:
    """Side of the squares of a block's plane, and where they stand in the plane, rows first."""
    side = min(8 * block.size, 32) // (2 if block.fine else 1)
    half = 2 if plane and subsampled else 1
    side = max(side // half, 4)
    x, y, whole = (8 * n // half for n in (block.x, block.y, block.size))
    steps = range(0, whole, side)
    return side, [(x + across, y + down) for down in steps for across in steps]


@lru_cache
def _diagonals(n: int) -> list[tuple[int, int]]:
    """Places of a square along diagonals, each from the upper right to the lower left."""
    places = [(x, y) for y in range(n) for x in range(n)]
    return sorted(places, key=lambda place: (place[0] + place[1], place[1]))


def _class_of(frequency: int) -> int:
    return sum(start <= frequency for start in _CLASSES) - 1


def _band(g: int, *below: int) -> int:
    """How many of some limits a number reaches."""
    return sum(g >= limit for limit in below)


class ResidualSyntax:
    """Decodes residuals into the squares of blocks.

    Args:
        decisions: of the frame.
        sizes: width and height of each plane as it is continued.
        subsampled: 4:2:0.
    """

    def __init__(
        self, decisions: Decisions, sizes: list[tuple[int, int]], subsampled: bool
    ) -> None:
        self._decisions = decisions
        self._subsampled = subsampled
        # one more on the left and above, for what is outside
        self._densities = [np.zeros((h // 4 + 1, w // 4 + 1), np.int64) for w, h in sizes]

    def block(self, block: Block, left: Block | None, above: Block | None) -> None:
        """Decodes the residual of a block."""
        m, d, decisions = int(block.kind == MERGE), block.depth, self._decisions
        states = tuple(0 if b is None else 1 + b.coded for b in (left, above))
        block.coded = decisions.mixed(
            "coded_mixer", (m,),
            ("coded_count", (m, states.count(2), d)),
            ("coded_kinds", (m, block.candidate, *states)),
        )  # fmt: skip
        if not block.coded:
            return
        block.fine = decisions.bit("fine", d, block.kind - 1)
        for plane in (1, 2, 0):
            side, places = squares(block, plane, self._subsampled)
            for x, y in places:
                self._square(block, plane, x, y, side)

    def _square(self, block: Block, plane: int, x: int, y: int, side: int) -> None:
        k, s, decisions = int(plane > 0), side.bit_length() - 3, self._decisions
        density = self._densities[plane]
        column, row = x // 4 + 1, y // 4 + 1
        around = int(density[row, column - 1] + density[row - 1, column])
        if plane == 2:
            other = bool(self._densities[1][row, column])
        else:
            other = any(p > 0 for p, _, _ in block.squares)
        if not decisions.mixed(
            "flag_mixer", (k,),
            ("flag_around", (plane, around)),
            ("flag_size", (plane, s, int(block.fine), int(other))),
        ):  # fmt: skip
            return
        found = _Square(decisions, k, s, min(2, around)).coefficients()
        block.squares[plane, x, y] = found
        density[row : row + side // 4, column : column + side // 4] = (
            1 if np.count_nonzero(found) <= 2 else 2
        )


class _Square:
    """The coefficients of one square."""

    def __init__(self, decisions: Decisions, k: int, s: int, density: int) -> None:
        self._decisions, self._k, self._s, self._density = decisions, k, s, density
        self._side = 4 << s
        self._found = np.zeros((self._side + 2, self._side + 2), np.int64)  # two beyond, 0

    def coefficients(self) -> Ints:
        """Signed, (N, N), [v, u]."""
        last = self._coordinate(0), self._coordinate(1)
        corners = _diagonals(self._side // 4)
        first = corners.index((last[0] // 4, last[1] // 4))
        signed = np.zeros((self._side, self._side), np.int64)
        filled = set()
        for n in range(first, -1, -1):
            x, y = corners[n]
            c = ((x + 1, y) in filled) + 2 * ((x, y + 1) in filled)
            if 0 < n < first and not self._decisions.bit(
                "square", self._k, (0, 1, 1, 2)[c], int(self._s == 3)
            ):
                continue
            filled.add((x, y))
            self._corner(4 * x, 4 * y, last if n == first else None, c, signed)
        return signed

    def _coordinate(self, axis: int) -> int:
        """x or y of the last coefficient that is not 0."""
        k, s, most, number = self._k, self._s, _class_of(self._side - 1), 0
        while number < most and self._decisions.mixed(
            "last_mixer", (k,),
            ("last_size", (k, s, axis, number)),
            ("last_density", (k, s, axis, self._density, number)),
        ):  # fmt: skip
            number += 1
        width = _PLACES[number].bit_length() - 1
        return _CLASSES[number] + self._decisions.bits(width, "last place")

    def _corner(
        self, left: int, top: int, last: tuple[int, int] | None, c: int, signed: Ints
    ) -> None:
        """Coefficients of a corner, from its end or from the last one, which is not 0."""
        places = [(left + x, top + y) for x, y in _diagonals(4)]
        if last is not None:
            places = places[: places.index(last) + 1]
        for x, y in reversed(places):
            magnitude = self._magnitude(x, y, c, (x, y) == last)
            self._found[y, x] = magnitude
            if magnitude:
                signed[y, x] = -magnitude if self._decisions.even("sign") else magnitude

    def _magnitude(self, x: int, y: int, c: int, is_last: bool) -> int:
        k, s, decisions, found = self._k, self._s, self._decisions, self._found
        beside = ((x + 1, y), (x + 2, y), (x, y + 1), (x + 1, y + 1), (x, y + 2))
        near = [int(found[there, across]) for across, there in beside]
        total = sum(near)
        above = sum(n - 1 for n in near if n > 1)
        nonzero = sum(n > 0 for n in near)
        across, down, g = _class_of(x), _class_of(y), x + y
        if not is_last and not decisions.mixed(
            "nonzero_mixer", (k, s),
            ("nonzero_sum", (k, min(total, 7), _band(g, 1, 2, 5, 10))),
            ("nonzero_place", (k, s, across, down)),
            ("nonzero_square", (k, c, min(nonzero, 3), x % 4 + y % 4)),
        ):  # fmt: skip
            return 0
        z = _band(g, 1, 3, 8)
        if not decisions.mixed(
            "above_mixer", (k,),
            ("above_sum", (k, min(above, 5), z)),
            ("above_place", (k, s, min(across, 5), min(down, 5))),
            ("above_size", (k, min(total, 9), self._density)),
        ):  # fmt: skip
            return 1
        magnitude = 2
        while magnitude < _UNARY and decisions.mixed(
            "level_mixer", (k,),
            ("level_sum", (k, min((above + 1) >> 1, 7), magnitude)),
            ("level_place", (k, z, magnitude)),
        ):  # fmt: skip
            magnitude += 1
        return magnitude if magnitude < _UNARY else _UNARY - 1 + self._escape()

    def _escape(self) -> int:
        """A number from 1 in Exp-Golomb."""
        n = 0
        while self._decisions.even("escape"):
            n += 1
            if n > _ESCAPE_BITS:
                raise CorruptStream("a coefficient is larger than coefficients may be")
        return 1 << n | self._decisions.bits(n, "escape place")


def step_of(level: int) -> int:
    """Step of the quantiser."""
    return (_STEPS[(65 - level) % 6] << ((65 - level) // 6)) >> 1


def _cosine(j: int) -> int:
    """round(256 sqrt(2) cos(pi j / 64)); the signs and turns of the cosine are exact."""
    j %= 128
    j = min(j, 128 - j)
    return _COSINES[j] if j <= 32 else -_COSINES[64 - j]


@lru_cache
def _matrix(n: int) -> Ints:
    """M[k, x] of the transform of N = n."""
    return np.array(
        [[_cosine((2 * x + 1) * k * 32 // n) if k else 256 for x in range(n)] for k in range(n)],
        np.int64,
    )


def rebuilt(coefficients: Ints, level: int) -> Ints:
    """The residual (N, N) that the coefficients of a square stand for."""
    side = len(coefficients)
    n = side.bit_length() - 1
    magnitudes = np.minimum((np.abs(coefficients) * step_of(level) + 32) >> 6, 32767)
    c = np.sign(coefficients) * magnitudes
    m = _matrix(side)
    t = ((m.T @ c + (1 << 8)) >> 9).clip(-32768, 32767)
    return np.asarray(((t @ m + (1 << (n + 6))) >> (n + 7)).clip(-32768, 32767))

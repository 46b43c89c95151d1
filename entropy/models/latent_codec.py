"""LatentCodec: latents y of one tile to bytes and back, over any backend of the networks.

    payload = range coder payload of five segments: z, then the four context steps
    segment of z:    (h/4, w/4, hyper) symbols, table index by (level, channel)
    segment of step: the four cells in order, each (h/2, w/2, latent/4) symbols, C order

The compiled core has this loop too (cpp/frame/latent_coder.cpp); here it runs with the networks of
NumPy, where it is the reference of the tests, and with those of PyTorch on a GPU. y counts 2^-8
symbols, means and y_hat 2^-5; all arrays are int32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entropy.coder import Backend, CdfTables, Decoder, encode, trellis
from entropy.models.quadtree import GROUPS, ORDER, STEPS

__all__ = [
    "HYPER_STRIDE",
    "TRELLIS_TABLES",
    "TRELLIS_WEIGHT",
    "LatentCodec",
    "Recipe",
    "Run",
    "Segments",
    "join_steps",
    "split_steps",
]

HYPER_STRIDE = 4
"""Latent positions per hyper-latent position, on each axis."""
SYMBOL_LIMIT = 32000
"""z is clamped to +-this by the encoder, so that it fits int16."""
UNIT_BITS, MEAN_BITS = 8, 5
TABLES = 64
"""Of one quantiser of the trellis."""
TRELLIS_TABLES = 2 * TABLES
"""Tables of the trellis' two quantisers come first, those of z after them."""
TRELLIS_WEIGHT = 8
"""Bits that a squared error of one symbol is worth where symbols are chosen along the trellis: the
slope of rate against distortion of a quantiser of step 1 at high rate is 6 / ln 2 = 8.7.
"""

Ints = NDArray[np.int32]
Segments = list[tuple[NDArray[np.int16], NDArray[np.uint8]]]
"""What the range coder codes for a tile: symbols and tables of z, then of every step."""
Run = Callable[[str, Sequence[NDArray[Any]], int], Sequence[NDArray[Any]]]
"""(name of a program, its inputs, level) -> its outputs."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes of an entropy model.

    latent, hyper: channels of y and of z. trellis_step: distance of the points of both quantisers
    of the trellis together, in 2^-5 symbols. trellis_states: 8 or 256.
    """

    latent: int
    hyper: int
    trellis_step: int
    trellis_states: int


def split_steps(y: NDArray[Any]) -> list[NDArray[Any]]:
    """y (h, w, latent) as the steps code it, each (4 cells, h/2, w/2, latent/4)."""
    groups = np.split(y, GROUPS, axis=-1)
    return [
        np.stack([groups[g][c // 2 :: 2, c % 2 :: 2] for c, g in enumerate(order)])
        for order in ORDER
    ]


def join_steps(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The inverse of `split_steps`."""
    _, h, w, group = parts[0].shape
    y = np.empty((2 * h, 2 * w, GROUPS * group), parts[0].dtype)
    for part, order in zip(parts, ORDER, strict=True):
        for c, g in enumerate(order):
            y[c // 2 :: 2, c % 2 :: 2, g * group : (g + 1) * group] = part[c]
    return y


class LatentCodec:
    """Codes the latents of tiles.

    Args:
        recipe: sizes of the entropy model.
        cdf: tables of the range coder.
        z_index: (levels, hyper) uint8, tables of z.
        run: the networks, called `hyper_synthesis`, `context.k` and `embed.k`.
        backend: of the range coder and the choice of symbols; None for the fastest there is.
    """

    def __init__(
        self,
        recipe: Recipe,
        cdf: CdfTables,
        z_index: NDArray[np.uint8],
        run: Run,
        backend: Backend | None = None,
    ) -> None:
        self._recipe, self._cdf, self._z_index = recipe, cdf, z_index
        self._run, self._backend = run, backend

    def compress(self, y: Ints, z: Ints, level: int) -> tuple[bytes, Ints, Segments]:
        """Payload of one tile, the y_hat that `decompress` will return, and what was coded.

        Args:
            y: (h, w, latent) int32 in 2^-8 symbols; h and w multiples of 4.
            z: (h/4, w/4, hyper) int32.
            level: quality level.
        """
        z_hat = z.clip(-SYMBOL_LIMIT, SYMBOL_LIMIT).astype(np.int32)
        segments: Segments = [(z_hat.reshape(-1).astype(np.int16), self._z_tables(z.shape, level))]
        targets = split_steps(y)
        backend = "reference" if self._backend == "reference" else "native"  # for the choice

        def choose(step: int, means: Ints, indexes: NDArray[np.uint8]) -> Ints:
            residual = targets[step] - (means << (UNIT_BITS - MEAN_BITS))
            symbols, sets = trellis.quantise(
                residual.reshape(-1), indexes.reshape(-1), self._costs, backend=backend
            )
            chosen = (indexes.reshape(-1) + TABLES * sets).astype(np.uint8)
            segments.append((symbols, chosen))
            return self._points(symbols, chosen).reshape(means.shape)

        y_hat = self._steps(z_hat, level, choose)
        return encode(segments, self._cdf, backend=self._backend), y_hat, segments

    def decompress(self, payload: bytes, height: int, width: int, level: int) -> Ints:
        """y_hat (height, width, latent) int32 in 2^-5 symbols; height and width multiples of 4.

        Raises:
            EntropyCodingError: the payload is damaged.
        """
        decoder = Decoder(payload, self._cdf, backend=self._backend)
        shape = (height // HYPER_STRIDE, width // HYPER_STRIDE, self._recipe.hyper)
        z = decoder.decode(self._z_tables(shape, level)).reshape(shape).astype(np.int32)

        def read(step: int, means: Ints, indexes: NDArray[np.uint8]) -> Ints:
            states = self._recipe.trellis_states
            found = decoder.decode_trellis(indexes.reshape(-1), TABLES, states)
            return self._points(*found).reshape(means.shape)

        y_hat = self._steps(z, level, read)
        decoder.finish()
        return y_hat

    def _steps(
        self, z: Ints, level: int, points_of: Callable[[int, Ints, NDArray[np.uint8]], Ints]
    ) -> Ints:
        """Runs the context; points_of(step, means, indexes) -> y_hat - means, (4 cells, h/2, w/2,
        latent/4).
        """
        group = self._recipe.latent // GROUPS
        (prior,) = self._run("hyper_synthesis", [z], level)
        known: list[NDArray[Any]] = []
        parts = []
        for step in range(STEPS):
            heads = np.stack(self._run(f"context.{step}", [prior, *known], level))
            means = np.ascontiguousarray(heads[..., :group])
            y_hat = means + points_of(step, means, heads[..., group:].astype(np.uint8))
            parts.append(y_hat)
            if step + 1 < STEPS:
                known = list(self._run(f"embed.{step}", [*y_hat, *known], level))
        joined: Ints = join_steps(parts)
        return joined

    @cached_property
    def _costs(self) -> trellis.TrellisCosts:
        """Prices of the symbols, for the encoder."""
        step, states = self._recipe.trellis_step, self._recipe.trellis_states
        return trellis.costs_of(self._cdf, TABLES, step, TRELLIS_WEIGHT, states)

    def _points(self, symbols: NDArray[np.int16], tables: NDArray[np.uint8]) -> Ints:
        """What symbols of the trellis stand for, in 2^-5 symbols, given their tables."""
        sets = (tables >= TABLES).astype(np.int32)
        points: Ints = trellis.points(symbols.astype(np.int32), sets)
        return points * self._recipe.trellis_step

    def _z_tables(self, shape: tuple[int, ...], level: int) -> NDArray[np.uint8]:
        return np.ascontiguousarray(np.broadcast_to(self._z_index[level], shape)).reshape(-1)

"""LatentCodec: latents y of one tile to bytes and back, with exact networks and the range coder.

    payload = range coder payload of five segments: z, then the four context steps
    segment of z:    (h/4, w/4, hyper) symbols, table index by (level, channel)
    segment of step: the four cells in order, each (h/2, w/2, latent/4) symbols, C order

Symbols of y are whole steps about the mean, or lie on the trellis (SPEC.md), as the model has it.

`_steps` is the one loop: the encoder and the decoder only differ in where a step's symbols come
from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entropy.coder import CdfTables, Decoder, backend, encode, trellis
from entropy.integer.compiled_ops import CompiledNetwork, load_network
from entropy.integer.network import IntegerNetwork
from entropy.integer.spec import MEAN_BITS
from entropy.models.gaussian import SCALE_LEVELS
from entropy.models.partition import joined, split
from entropy.models.quadtree import STEPS, Context, EntropyConfig, hyper_synthesis

__all__ = [
    "HYPER_STRIDE",
    "TRELLIS_TABLES",
    "TRELLIS_WEIGHT",
    "Answer",
    "LatentCodec",
    "LatentTables",
    "Segments",
    "rounded_with_dead_zone",
]

HYPER_STRIDE = 4
"""Latent positions per hyper-latent position, on each axis."""
SYMBOL_LIMIT = 32000
"""Symbols are clamped to +-this by the encoder, so that they fit int16."""
MEAN_UNIT = float(1 << MEAN_BITS)

TRELLIS_TABLES = 2 * SCALE_LEVELS
"""Tables of the trellis' two quantisers come first in their models, those of z after them."""
TRELLIS_WEIGHT = 8
"""Bits that a squared error of one symbol is worth where symbols are chosen along the trellis: the
slope of rate against distortion of a quantiser of step 1 at high rate is 6 / ln 2 = 8.7.
"""

Symbols = NDArray[np.int16]
Indexes = NDArray[np.uint8]
Segments = list[tuple[Symbols, Indexes]]
"""What the range coder codes for a tile: symbols and tables of z, then of every step."""

Answer = Callable[[int, Tensor], Sequence[Tensor]]
"""(step, what it decodes to, (4 cells, h/2, w/2, latent/4)) -> targets of all steps, as `split` has
them.
"""


@dataclass(frozen=True, slots=True, eq=False)
class LatentTables:
    """Stored integers beside the network: cdf tables, and z_index (levels, hyper) into them."""

    cdf: CdfTables
    z_index: Indexes


class LatentCodec:
    """Codes the latents of tiles on one device.

    Args:
        config: sizes of the entropy model.
        network: the exact network.
        tables: cdf tables and the table of z.
        device: where the networks run; the symbols do not depend on it.

    Raises:
        InexactBackend: the device does not compute integers exactly.
    """

    def __init__(
        self,
        config: EntropyConfig,
        network: IntegerNetwork,
        tables: LatentTables,
        device: torch.device,
    ) -> None:
        self.config = config
        self._tables = tables
        self.device = device
        self._network = load_network(network, device)

    @property
    def concurrent(self) -> bool:
        """Whether short-lived threads may code tiles at once: not where PyTorch multiplies, whose
        MKL can hang when a thread ends that did so.
        """
        return isinstance(self._network, CompiledNetwork)

    def compress(
        self, y: Tensor, z_symbols: Tensor, level: int, dead_zone: Tensor,
        answer: Answer | None = None,
    ) -> tuple[bytes, Tensor]:  # fmt: skip
        """Payload of one tile, and the y_hat that `decompress` will return; arguments as in
        `segments`.
        """
        segments, y_hat = self.segments(y, z_symbols, level, dead_zone, answer)
        return self.payload(segments), y_hat

    def payload(self, segments: Segments) -> bytes:
        """What `decompress` reads, of what `segments` returns."""
        return encode(segments, self._tables.cdf)

    def segments(
        self, y: Tensor, z_symbols: Tensor, level: int, dead_zone: Tensor,
        answer: Answer | None = None,
    ) -> tuple[Segments, Tensor]:  # fmt: skip
        """What the range coder codes for one tile, and y_hat (h, w, latent) in symbol units.

        Args:
            y: (h, w, latent) float32 in symbol units; h and w multiples of 4.
            z_symbols: (h/4, w/4, hyper) float32 holding integers.
            level: quality level.
            dead_zone: (tables,) float32, how much nearer to zero symbols are rounded, by table
                index; 0 rounds to the nearest. Along the trellis rate and distortion decide.
            answer: told what a step decodes to, it gives the targets of those that follow; without
                it they stay parts of y.
        """
        z = z_symbols.clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)
        z_array = z.reshape(-1).to(torch.int16).cpu().numpy()
        segments: Segments = [(z_array, self._z_indexes(z.shape[:2], level))]
        skip = self._tables.cdf.skip_below
        targets: Sequence[Tensor] = split(y[None])

        def choose(step: int, means: Tensor, indexes: Tensor) -> Tensor:
            nonlocal targets
            residual = targets[step][0] - means * (1 / MEAN_UNIT)
            points = (along_trellis if self.config.trellis_step else rounded)(residual, indexes)
            if answer is not None and step + 1 < STEPS:
                targets = answer(step, (means + points) * (1 / MEAN_UNIT))
            return points

        def rounded(residual: Tensor, indexes: Tensor) -> Tensor:
            symbols = rounded_with_dead_zone(residual, indexes, dead_zone)
            symbols = symbols.clamp_(-SYMBOL_LIMIT, SYMBOL_LIMIT)
            if skip:
                symbols = symbols * (indexes >= skip)
            segments.append((_to_int16(symbols), _to_uint8(indexes)))
            return symbols * MEAN_UNIT

        def along_trellis(residual: Tensor, indexes: Tensor) -> Tensor:
            tables = _to_uint8(indexes)
            symbols, sets = trellis.quantise(
                residual.reshape(-1).cpu().numpy(), tables, self._trellis_costs, backend=backend()
            )
            chosen = tables + SCALE_LEVELS * sets
            segments.append((symbols, chosen))
            return self._points(symbols, chosen, indexes.shape)

        y_hat = self._steps(z, level, choose)
        return segments, y_hat * (1 / MEAN_UNIT)

    def decompress(self, payload: bytes, height: int, width: int, level: int) -> Tensor:
        """y_hat (height, width, latent) as float32 in symbol units; height and width multiples of
        4.

        Raises:
            EntropyCodingError: the payload is damaged.
        """
        decoder = Decoder(payload, self._tables.cdf)
        shape = (height // HYPER_STRIDE, width // HYPER_STRIDE)
        z_symbols = decoder.decode(self._z_indexes(shape, level))
        z = self._to_device(z_symbols).view(*shape, self.config.hyper)

        def read(step: int, means: Tensor, indexes: Tensor) -> Tensor:
            tables = _to_uint8(indexes)
            if self.config.trellis_step:
                states = self.config.trellis_states
                found = decoder.decode_trellis(tables, SCALE_LEVELS, states)
                return self._points(*found, indexes.shape)
            return self._to_device(decoder.decode(tables)).view(indexes.shape) * MEAN_UNIT

        y_hat = self._steps(z, level, read)
        decoder.finish()
        return y_hat * (1 / MEAN_UNIT)

    def _steps(
        self, z: Tensor, level: int, residuals_of: Callable[[int, Tensor, Tensor], Tensor]
    ) -> Tensor:
        """Runs the context; residuals_of(step, means, indexes) -> y_hat - means, arrays (4 cells,
        h/2, w/2, latent/4).

        Returns: y_hat (h, w, latent), float32 holding integers of 2^-MEAN_BITS symbols.
        """
        self._network.require_exact()
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, enabled=False),
            self._network.at(level) as ops,
        ):
            context = Context(ops, hyper_synthesis(ops, z[None]))
            parts: list[tuple[Tensor, ...]] = []
            for step in range(STEPS):
                parameters = context.parameters(step)
                means = torch.cat([mean for mean, _ in parameters])
                indexes = torch.cat([index for _, index in parameters])
                y_hat = means + residuals_of(step, means, indexes)
                parts.append(y_hat.unsqueeze(1).unbind())
                if step + 1 < STEPS:
                    context.update(step, list(parts[step]))
            return joined(parts)[0]

    @cached_property
    def _trellis_costs(self) -> trellis.TrellisCosts:
        """Prices of the symbols, for the encoder."""
        step, states = self.config.trellis_step, self.config.trellis_states
        return trellis.costs_of(self._tables.cdf, SCALE_LEVELS, step, TRELLIS_WEIGHT, states)

    def _points(self, symbols: Symbols, tables: Indexes, shape: torch.Size) -> Tensor:
        """What symbols of the trellis stand for, in 2^-MEAN_BITS symbols, given their tables."""
        whole, sets = self._to_device(symbols), self._to_device(tables >= SCALE_LEVELS)
        points: Tensor = trellis.points(whole, sets) * self.config.trellis_step
        return points.view(shape)

    def _z_indexes(self, shape: tuple[int, ...], level: int) -> Indexes:
        row = self._tables.z_index[level]
        return np.ascontiguousarray(np.broadcast_to(row, (*shape[:2], len(row)))).reshape(-1)

    def _to_device(self, symbols: NDArray[Any]) -> Tensor:
        return torch.from_numpy(symbols).to(self.device).float()


def rounded_with_dead_zone(residual: Tensor, indexes: Tensor, dead_zone: Tensor) -> Tensor:
    """Symbols of residuals, nearer to zero than they would be rounded by `dead_zone`, which is by
    whole table index.
    """
    half = 0.5 - dead_zone[indexes.long()]
    return (residual.abs() + half).floor_().copysign_(residual)


def _to_int16(symbols: Tensor) -> Symbols:
    array: Symbols = symbols.to(torch.int16).reshape(-1).cpu().numpy()
    return array


def _to_uint8(indexes: Tensor) -> Indexes:
    array: Indexes = indexes.to(torch.uint8).reshape(-1).cpu().numpy()
    return array

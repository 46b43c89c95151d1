"""Dependent quantisation: the trellis, and the choice of symbols along it.

A coded symbol is quantised with one of two quantisers. Which one, the state of its chain says, and
the parity of the symbol moves the state on:

    quantiser 0   ... -4     -2      0      2      4 ...   (points, in steps)
    quantiser 1   ...    -3     -1   0   1      3    ...

Together the points are twice as dense as those of either, and only what is near a path through the
trellis pays for the choice: at an equal rate the error is up to 1 dB below that of rounding.

`quantise` finds the symbols with the least rate + weight * squared error; it is the encoder's own
affair. What a decoder needs, the states and `points`, is in SPEC.md, section Trellis.

Sources: Marcellin, Fischer, Trellis coded quantization of memoryless and Gauss-Markov sources, IEEE
Trans. Communications 38(1), 1990; Schwarz et al., Quantization and entropy coding in the VVC
standard, IEEE TCSVT 31(10), 2021 (two quantisers that share zero, driven by parity).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from entropy.coder import native
from entropy.coder.interleave import COST_BITS, entry_cost
from entropy.coder.states import CHAINS, EDGES, FEW_STATES
from entropy.coder.tables import PRECISION_BITS, CdfTables

__all__ = ["TrellisCosts", "costs_of", "in_units", "points", "quantise"]

UNIT_BITS = 8
"""Residuals count 2^-8 symbol while symbols are chosen."""
STEP_BITS = 5
"""Steps count 2^-5 symbol."""
MAX_STEP, MAX_WEIGHT = 64, 64
MAX_SYMBOL = 32000
MAX_ERROR = 1 << 12
FAR = 1 << 30
"""Price of beginning elsewhere than in state 0: more than any way of 8 symbols."""


@dataclass(frozen=True, slots=True, eq=False)
class TrellisCosts:
    """What the choice of symbols depends on besides the residuals.

    bits: (2, tables, magnitudes) int32, C-contiguous: price of a symbol of that magnitude in 2^-11
        bits, by quantiser and table index.
    skip_below: indexes below this number code nothing.
    step: distance of neighbouring points of both quantisers together, in 2^-5 symbols, 1..64.
    weight: bits that a squared error of one symbol is worth, 0..64.
    states: of the trellis, 8 or 256.

    Raises:
        ValueError: step or weight is outside what 32-bit costs hold, or there is no such trellis.
    """

    bits: npt.NDArray[np.int32]
    skip_below: int
    step: int
    weight: int
    states: int = FEW_STATES

    def __post_init__(self) -> None:
        if not 1 <= self.step <= MAX_STEP or not 0 <= self.weight <= MAX_WEIGHT:
            raise ValueError(
                f"trellis: step {self.step}, weight {self.weight}; expected 1..{MAX_STEP} and "
                f"0..{MAX_WEIGHT}"
            )
        if self.states not in EDGES:
            raise ValueError(f"trellis: {self.states} states; expected one of {tuple(EDGES)}")


def costs_of(
    tables: CdfTables, stride: int, step: int, weight: int, states: int = FEW_STATES
) -> TrellisCosts:
    """Prices: tables 0 .. stride-1 are those of quantiser 0, the next `stride` of quantiser 1."""
    rows = []
    for t in range(2 * stride):
        frequencies = np.diff(tables.cdfs[t].astype(np.int64))[:-1]
        price = np.array([entry_cost(int(f)) for f in frequencies])
        zero = -tables.offsets[t]
        reach = min(zero, len(price) - 1 - zero) + 1
        rows.append(
            np.maximum(price[zero : zero + reach], price[zero - reach + 1 : zero + 1][::-1])
        )
    magnitudes = max(len(row) for row in rows)
    # Magnitudes outside a table are escapes: dear, and dearer the larger they are.
    escape = (PRECISION_BITS << COST_BITS) + (np.arange(magnitudes) << COST_BITS)
    bits = np.stack([np.concatenate((row, escape[len(row) :])) for row in rows])
    bits = bits.astype(np.int32).reshape(2, stride, magnitudes)
    return TrellisCosts(np.ascontiguousarray(bits), tables.skip_below, step, weight, states)


def points(symbols: Any, sets: Any) -> Any:
    """What symbols of quantisers (0 or 1) stand for, in steps; arrays or tensors of one shape, of a
    type that holds twice the symbols.
    """
    return 2 * symbols - sets * symbols.clip(-1, 1)


def in_units(residuals: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Residuals in symbols as `quantise` takes them: to the nearest 2^-8, halves away from zero;
    what is no number counts as 0.
    """
    size = np.nan_to_num(np.minimum(np.abs(residuals), np.float32(1 << 22)), nan=0.0)
    units = np.floor(size * np.float32(1 << UNIT_BITS) + np.float32(0.5)).astype(np.int32)
    return np.ascontiguousarray(np.where(residuals < 0, -units, units))


def quantise(
    residuals: npt.NDArray[np.int32],
    indexes: npt.NDArray[np.uint8],
    costs: TrellisCosts,
    *,
    backend: str = "native",
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Symbols of one segment and their quantisers, 0 and 0 where skipped.

    Args:
        residuals: y - mean in 2^-8 symbols, 1-D, contiguous (see `in_units`).
        indexes: table of each, as many.
        costs: prices and weight.
        backend: "native", or "reference": NumPy, slow, the same result.

    Raises:
        NativeUnavailable: backend is "native" and the compiled coder is missing.
    """
    if backend == "native":
        return native.quantise_trellis(residuals, indexes, costs)
    symbols = np.zeros(residuals.size, dtype=np.int16)
    sets = np.zeros(residuals.size, dtype=np.uint8)
    coded = np.flatnonzero(indexes >= costs.skip_below)
    if coded.size == 0:
        return symbols, sets
    # (steps of time, chains): chains that are one shorter end in symbols that cost nothing
    steps = -(-coded.size // CHAINS)
    padded = np.full(steps * CHAINS, -1)
    padded[: coded.size] = coded
    magnitudes, prices = _candidates(residuals[coded], indexes[coded], costs)
    magnitude, price = np.zeros((2, steps * CHAINS, 2, 2), dtype=np.int64)
    magnitude[: coded.size], price[: coded.size] = magnitudes, prices
    lengths = np.array([-(-(coded.size - chain) // CHAINS) for chain in range(CHAINS)])
    chosen, quantisers = _walk(
        magnitude.reshape(steps, CHAINS, 2, 2),
        price.reshape(steps, CHAINS, 2, 2),
        lengths,
        costs.states,
    )
    inside = padded >= 0
    signs = np.where(residuals[coded] < 0, -1, 1)
    symbols[coded] = signs * chosen.reshape(-1)[inside]
    sets[coded] = quantisers.reshape(-1)[inside]
    return symbols, sets


def _candidates(
    residuals: npt.NDArray[np.int32], indexes: npt.NDArray[np.uint8], costs: TrellisCosts
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Best magnitudes and their costs, (symbols, quantiser, parity)."""
    step = costs.step << (UNIT_BITS - STEP_BITS)
    limit = (2 * MAX_SYMBOL - 2) * step
    size = np.minimum(np.abs(residuals.astype(np.int64)), limit)
    magnitudes = np.zeros((size.size, 2, 2), dtype=np.int64)
    best = np.full((size.size, 2, 2), FAR)
    rows, last = np.arange(size.size), costs.bits.shape[2] - 1
    for quantiser in (0, 1):
        below = (size + quantiser * step) // (2 * step)
        for k in (np.zeros_like(below), below, below + 1):
            point = np.where(k > 0, (2 * k - quantiser) * step, 0)
            error = np.minimum(np.abs(size - point), MAX_ERROR)
            bits = costs.bits[quantiser, indexes, np.minimum(k, last)].astype(np.int64)
            bits += np.maximum(k - last, 0) << COST_BITS
            cost = bits + (error * error * costs.weight >> (2 * UNIT_BITS - COST_BITS))
            better = cost < best[rows, quantiser, k & 1]
            at = (rows[better], quantiser, k[better] & 1)
            best[at], magnitudes[at] = cost[better], k[better]
    return magnitudes, best


def _walk(
    magnitude: npt.NDArray[np.int64],
    price: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    states: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The cheapest way through every chain: magnitudes and quantisers, (steps, chains)."""
    source, parity = np.array(EDGES[states]).transpose(2, 1, 0)  # each (edge, state)
    steps, chains = price.shape[:2]
    best = np.full((chains, states), FAR)
    best[:, 0] = 0
    taken = np.zeros((steps, chains, states), dtype=np.int64)
    for n in range(steps):
        ways = best[:, source] + price[n][:, source & 1, parity]
        taken[n] = ways[:, 1] < ways[:, 0]
        best = np.where((n < lengths)[:, None], ways.min(axis=1), best)
    state = best.argmin(axis=1)
    chosen, quantisers = np.zeros((2, steps, chains), dtype=np.int64)
    every = np.arange(chains)
    for n in reversed(range(steps)):
        edge = taken[n, every, state]
        came, odd = source[edge, state], parity[edge, state]
        running = n < lengths
        chosen[n] = np.where(running, magnitude[n, every, came & 1, odd], 0)
        quantisers[n] = np.where(running, came & 1, 0)
        state = np.where(running, came, state)
    return chosen, quantisers

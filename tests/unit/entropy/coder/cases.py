"""Tables and segments for the tests of the coder."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from entropy.coder import CdfTables, native, pmf_to_cdf
from entropy.coder.states import CHAINS, NEXT_STATE

BACKENDS = [
    pytest.param(
        "native",
        marks=pytest.mark.skipif(
            native.unavailable_reason() is not None,
            reason=f"compiled coder: {native.unavailable_reason()}",
        ),
    ),
    "reference",
]
Segment = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]


def gaussian_tables(count: int = 24, skip_below: int = 3) -> CdfTables:
    """Zero-mean Gaussian tables with scales from 0.11 to 40, cut off at four scales."""
    rows, offsets = [], []
    for scale in np.geomspace(0.11, 40, count):
        reach = max(1, int(4 * scale))
        edges = (np.arange(-reach, reach + 2) - 0.5) / (scale * math.sqrt(2))
        pmf = np.diff([0.5 * math.erf(edge) for edge in edges])
        rows.append(pmf_to_cdf(np.append(pmf, 1 - pmf.sum())))
        offsets.append(-reach)
    return CdfTables(rows, None, offsets, skip_below)


def random_tables(rng: np.random.Generator, count: int, skip_below: int, entries: int) -> CdfTables:
    """Tables of 2 to `entries` entries with arbitrary frequencies and offsets."""
    rows, offsets = [], []
    for _ in range(count):
        size = int(rng.integers(2, entries + 1))
        rows.append(pmf_to_cdf(rng.exponential(size=size) ** 4))
        offsets.append(int(rng.integers(-200, 200)))
    return CdfTables(rows, None, offsets, skip_below)


def gaussian_segment(rng: np.random.Generator, size: int, tables: CdfTables) -> Segment:
    """Symbols that follow `gaussian_tables`, mostly under small scales."""
    count = len(tables)
    indexes = np.minimum(rng.exponential(count / 5, size), count - 1).astype(np.uint8)
    scales = np.geomspace(0.11, 40, count)[indexes]
    symbols = np.rint(rng.normal(size=size) * scales).astype(np.int16)
    symbols[indexes < tables.skip_below] = 0
    return symbols, indexes


def uniform_segment(rng: np.random.Generator, size: int, tables: CdfTables) -> Segment:
    """Symbols anywhere in int16, so nearly all of them are escapes."""
    indexes = rng.integers(0, len(tables), size).astype(np.uint8)
    symbols = rng.integers(-(1 << 15), 1 << 15, size).astype(np.int16)
    symbols[indexes < tables.skip_below] = 0
    return symbols, indexes


def quantisers_of(
    symbols: npt.NDArray[np.int16],
    indexes: npt.NDArray[np.uint8],
    skip_below: int,
    states: int,
) -> npt.NDArray[np.uint8]:
    """Quantisers that SPEC.md gives to these symbols along the trellis; 0 where skipped."""
    chains, quantisers, coded = [0] * CHAINS, np.zeros(symbols.size, np.uint8), 0
    for i, (symbol, index) in enumerate(zip(symbols.tolist(), indexes.tolist(), strict=True)):
        if index < skip_below:
            continue
        chain = coded % CHAINS
        quantisers[i] = chains[chain] % 2
        chains[chain] = NEXT_STATE[states][chains[chain]][symbol % 2]
        coded += 1
    return quantisers


def along_trellis(segment: Segment, skip_below: int, stride: int, states: int) -> Segment:
    """The segment with the tables that an encoder gives to its symbols along the trellis."""
    symbols, indexes = segment
    quantisers = quantisers_of(symbols, indexes, skip_below, states)
    return symbols, indexes + np.uint8(stride) * quantisers


def ideal_bits(segments: Sequence[Segment], tables: CdfTables) -> float:
    """Code length of the table entries, without the escape stream."""
    bits = 0.0
    for symbols, indexes in segments:
        for symbol, index in zip(symbols.tolist(), indexes.tolist(), strict=True):
            if index < tables.skip_below:
                continue
            last = tables.lengths[index] - 1
            entry = symbol - tables.offsets[index]
            entry = entry if 0 <= entry < last else last
            cdf = tables.cdfs[index]
            bits += 16 - math.log2(int(cdf[entry + 1]) - int(cdf[entry]))
    return bits

"""Pure Python range coder: short, slow, the executable form of SPEC.md.

Every other backend must give these bytes and these symbols.

Source: F. Giesen, "Interleaved entropy coders", arXiv 1402.3392, 2014.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from entropy.coder import escape
from entropy.coder.interleave import (
    LOWER,
    LOWER_BITS,
    WORD_BITS,
    Payload,
    build_payload,
    choose_lanes,
    entry_cost,
    parse_payload,
)
from entropy.coder.states import CHAINS, FEW_STATES, NEXT_STATE
from entropy.coder.tables import PRECISION_BITS, TOTAL, CdfTables
from entropy.errors import CorruptStream, InvalidTable, StreamExhausted, SymbolOutOfRange

__all__ = ["ReferenceDecoder", "encode_reference"]

Segment = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]


def encode_reference(
    segments: Sequence[Segment], tables: CdfTables, lanes: int | None = None
) -> bytes:
    """Encode all segments into one payload; see `entropy.coder.encode`."""
    # 1. Forward: symbols become (start, frequency) pairs, lanes are numbered, escapes are written.
    coded: list[tuple[int, int, int]] = []  # position in the segment, start, frequency
    escapes = bytearray()
    cost = 0
    for symbols, indexes in segments:
        position = 0
        for symbol, index in zip(symbols.tolist(), indexes.tolist(), strict=True):
            if index >= len(tables):
                raise InvalidTable(f"index {index} names no table; there are {len(tables)}")
            if index < tables.skip_below:
                if symbol:
                    raise SymbolOutOfRange(f"symbol {symbol} under skipped index {index}, not 0")
                continue
            cdf, last = tables.cdfs[index], tables.lengths[index] - 1
            low = tables.offsets[index]
            entry = symbol - low
            if not 0 <= entry < last:
                entry = last
                escapes += escape.write_symbol(symbol, low, low + last - 1)
            start = int(cdf[entry])
            frequency = int(cdf[entry + 1]) - start
            coded.append((position, start, frequency))
            cost += entry_cost(frequency)
            position += 1
    if not coded:
        return build_payload(Payload((), (), b""))

    # 2. Backward: rANS is a stack, so the decoder reads what was written last.
    lanes = lanes or choose_lanes(cost)
    states = [LOWER] * lanes
    words: list[int] = []
    for position, start, frequency in reversed(coded):
        x = states[position % lanes]
        if x >= frequency << LOWER_BITS:
            words.append(x % (1 << WORD_BITS))
            x >>= WORD_BITS
        states[position % lanes] = (x // frequency) * TOTAL + x % frequency + start
    words.reverse()
    return build_payload(Payload(tuple(states), tuple(words), bytes(escapes)))


class ReferenceDecoder:
    """Decode a payload segment by segment; see `entropy.coder.Decoder`."""

    def __init__(self, data: bytes, tables: CdfTables) -> None:
        payload = parse_payload(data)
        self._tables = tables
        self._states = list(payload.states)
        self._words = payload.words
        self._escapes = payload.escapes
        self._word = 0
        self._escape = 0
        self._coded = 0
        self._failed = False

    def decode(self, indexes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """Decode one segment; its coded symbols start at lane 0."""
        return self.decode_trellis(indexes, 0, FEW_STATES)[
            0
        ]  # whatever the state, the table is the index

    def decode_trellis(
        self, indexes: npt.NDArray[np.uint8], stride: int, states: int
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
        """Decode one segment along the trellis; every chain starts in state 0."""
        if self._failed:
            raise CorruptStream("decoder: an earlier segment failed")
        symbols, chosen = np.zeros(indexes.size, dtype=np.int16), indexes.copy()
        places = np.flatnonzero(indexes >= self._tables.skip_below)
        top = int(indexes.max(initial=0)) + (stride if places.size else 0)
        if indexes.size and top >= len(self._tables):
            raise InvalidTable(f"index {top} names no table; there are {len(self._tables)}")
        self._failed = True  # until all of the segment is decoded
        if places.size and not self._states:
            raise StreamExhausted("payload: empty, but a coded symbol is expected")
        chains = [0] * CHAINS
        for position, place in enumerate(places.tolist()):
            state = chains[position % CHAINS]
            chosen[place] += stride * (state & 1)
            symbol = self._decode_symbol(position, int(chosen[place]))
            symbols[place] = symbol
            chains[position % CHAINS] = NEXT_STATE[states][state][symbol & 1]
        self._coded += places.size
        self._failed = False
        return symbols, chosen

    def finish(self) -> None:
        """Check that the payload is used up and every state is back at its start."""
        if self._failed:
            raise CorruptStream("decoder: an earlier segment failed")
        if self._word != len(self._words):
            raise CorruptStream(f"payload: {len(self._words) - self._word} words left over")
        if self._escape != len(self._escapes):
            raise CorruptStream(
                f"payload: {len(self._escapes) - self._escape} escape bytes left over"
            )
        if any(x != LOWER for x in self._states):
            raise CorruptStream("payload: a final state differs from the initial one")
        if self._states and not self._coded:
            raise CorruptStream("payload: has states but no coded symbol")

    def _decode_symbol(self, position: int, index: int) -> int:
        lane = position % len(self._states)
        cdf = self._tables.cdfs[index]
        x = self._states[lane]
        slot = x % TOTAL
        entry = int(np.searchsorted(cdf, slot, side="right")) - 1
        start = int(cdf[entry])
        x = (int(cdf[entry + 1]) - start) * (x >> PRECISION_BITS) + slot - start
        if x < LOWER:
            if self._word == len(self._words):
                raise StreamExhausted(f"payload: all {len(self._words)} words are consumed")
            x = x << WORD_BITS | self._words[self._word]
            self._word += 1
        self._states[lane] = x
        low, last = self._tables.offsets[index], self._tables.lengths[index] - 1
        if entry < last:
            return low + entry
        symbol, self._escape = escape.read_symbol(
            self._escapes, self._escape, len(self._escapes), low, low + last - 1
        )
        return symbol

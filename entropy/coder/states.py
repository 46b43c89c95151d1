"""The states of a chain of the trellis: SPEC.md, section Trellis."""

from __future__ import annotations

__all__ = ["CHAINS", "EDGES", "FEW_STATES", "MANY_STATES", "NEXT_STATE"]

CHAINS = 32
"""Coded symbol j of a segment belongs to chain j mod CHAINS; every chain starts in state 0."""
FEW_STATES, MANY_STATES = 8, 256

NEXT_STATE = {
    FEW_STATES: ((0, 2), (5, 7), (1, 3), (6, 4), (2, 0), (4, 6), (3, 1), (7, 5)),
    MANY_STATES: tuple(
        (s >> 1 ^ s % 2 * 166, s >> 1 ^ s % 2 * 166 ^ 121) for s in range(MANY_STATES)
    ),
}
"""By number of states: the state after an even and after an odd symbol; odd ones have quantiser 1.

The larger trellis is Ungerboeck's code of 256 states with parity checks 515 and 362 (octal): more
states find ways nearer to the residuals, at no cost to the decoder.
"""
EDGES = {
    count: tuple(
        tuple((s, p) for s, row in enumerate(rows) for p in (0, 1) if row[p] == state)
        for state in range(count)
    )
    for count, rows in NEXT_STATE.items()
}
"""By number of states: the two (state before, parity) that lead to every state."""

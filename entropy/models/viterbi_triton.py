"""The choice of symbols along the trellis on a GPU: every chain is walked by one warp, with any
number of states. Imported only where a model trains on a GPU, and by tests, in Triton's
interpreter.

It finds what `entropy.coder.trellis.quantise` finds, bit for bit. The edges taken into a state are
kept with its costs, 32 symbols in a number (register exchange), so the way back reads the memory
once in 32 symbols.

Source: Viterbi, IEEE Trans. Information Theory 13(2), 1967; survivors kept by register exchange:
Rader, Memory management in a Viterbi decoder, IEEE Trans. Communications 29(9), 1981.
"""

from __future__ import annotations

from functools import cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from entropy.coder.interleave import COST_BITS
from entropy.coder.states import CHAINS, EDGES
from entropy.coder.trellis import FAR, MAX_ERROR, MAX_SYMBOL, STEP_BITS, UNIT_BITS
from entropy.models.viterbi import negative

__all__ = ["choose"]

KEPT = tl.constexpr(32)
"""Edges in a number."""
TILE = 512
"""Symbols that one program weighs."""
_CHAINS, _FAR, _COST_BITS = tl.constexpr(CHAINS), tl.constexpr(FAR), tl.constexpr(COST_BITS)
_UNIT, _MAX_ERROR = tl.constexpr(float(1 << UNIT_BITS)), tl.constexpr(MAX_ERROR)
_ERROR_BITS = tl.constexpr(2 * UNIT_BITS - COST_BITS)


def choose(
    residuals: Tensor,
    indexes: Tensor,
    bits: Tensor,
    skip_below: int,
    step: int,
    weight: int,
    states: int,
) -> tuple[Tensor, Tensor]:
    """Symbols of the segments and their quantisers, 0 and 0 where skipped.

    Args:
        residuals: (segments, symbols) float32, y - mean in symbol units.
        indexes: table of each, like residuals, uint8.
        bits, skip_below, step, weight, states: as in `TrellisCosts`; bits int32, where residuals
            are.

    Returns: symbols and quantisers (0 or 1), int32 like residuals.
    """
    segments, size = residuals.shape
    coded = indexes >= skip_below
    place = coded.cumsum(1, dtype=torch.int32)
    count = place[:, -1].contiguous()
    place = torch.where(coded, place - 1, -1)
    magnitudes = torch.empty(segments, size, 4, dtype=torch.int32, device=residuals.device)
    prices = torch.empty_like(magnitudes)
    _weigh[(triton.cdiv(segments * size, TILE),)](
        residuals.contiguous(), indexes.contiguous(), place, bits.contiguous(), magnitudes, prices,
        segments * size, size, bits.shape[1], bits.shape[2], step << (UNIT_BITS - STEP_BITS),
        float((2 * MAX_SYMBOL - 2) * (step << (UNIT_BITS - STEP_BITS))), weight,
        T=TILE,
    )  # fmt: skip
    blocks = triton.cdiv(triton.cdiv(size, CHAINS), KEPT.value)
    kept = torch.empty(segments * CHAINS, blocks, states, dtype=torch.int32, device=prices.device)
    choices = torch.empty(segments, size, dtype=torch.int32, device=prices.device)
    _walk[(segments * CHAINS,)](
        prices, count, _edges(states, residuals.device), kept, choices, size, blocks,
        S=states, num_warps=4 if states > 32 else 1,
    )  # fmt: skip
    choice = torch.where(coded, choices.gather(1, place.clamp(min=0).long()), 0)
    magnitude = magnitudes.gather(2, choice[..., None].long())[..., 0] * coded
    return torch.where(negative(residuals), -magnitude, magnitude), choice >> 1


@cache
def _edges(states: int, device: torch.device) -> Tensor:
    """(4, states) int32: the sources of the two edges into every state, and their choices, each two
    times the quantiser plus the parity.
    """
    edges = torch.tensor(EDGES[states], dtype=torch.int32)
    source, parity = edges.unbind(2)
    return torch.cat([source.T, (2 * (source % 2) + parity).T]).contiguous().to(device)


@triton.jit
def _weigh(
    residuals, indexes, place, bits, magnitudes, prices,
    symbols, size, tables, row, unit, limit, weight, T: tl.constexpr,
):  # fmt: skip
    """Best magnitudes, (symbols, 2 quantiser + parity), and their costs in the order of coding,
    where a symbol is coded.
    """
    i = tl.program_id(0) * T + tl.arange(0, T)
    inside = i < symbols
    residual = tl.abs(tl.load(residuals + i, inside, other=0.0))
    index = tl.load(indexes + i, inside, other=0).to(tl.int32)
    at = tl.load(place + i, inside, other=-1)
    real = residual * _UNIT + 0.5
    real = tl.where(real == real, real, 0.0)  # what is no number
    value = tl.where(real < limit, real, limit).to(tl.int32)
    to = (i // size * size + at) * 4
    coded = inside & (at >= 0)
    for quantiser in tl.static_range(2):
        prefix = bits + (quantiser * tables + index) * row
        below = (value + quantiser * unit) // (2 * unit)
        even, odd = below + below % 2, below + 1 - below % 2
        cost_even = _cost(prefix, even, value, quantiser, row, unit, weight, inside)
        cost_odd = _cost(prefix, odd, value, quantiser, row, unit, weight, inside)
        cost_zero = _cost(prefix, even * 0, value, quantiser, row, unit, weight, inside)
        nothing = cost_zero <= cost_even
        tl.store(magnitudes + i * 4 + 2 * quantiser, tl.where(nothing, 0, even), inside)
        tl.store(magnitudes + i * 4 + 2 * quantiser + 1, odd, inside)
        tl.store(prices + to + 2 * quantiser, tl.where(nothing, cost_zero, cost_even), coded)
        tl.store(prices + to + 2 * quantiser + 1, cost_odd, coded)


@triton.jit
def _cost(prefix, k, value, quantiser, row, unit, weight, inside):
    point = tl.where(k > 0, (2 * k - quantiser) * unit, 0)
    error = tl.minimum(tl.abs(value - point), _MAX_ERROR)
    rate = tl.load(prefix + tl.minimum(k, row - 1), inside, other=0)
    rate += tl.maximum(k - (row - 1), 0) << _COST_BITS
    return rate + ((error * error * weight) >> _ERROR_BITS)


@triton.jit
def _walk(
    prices, count, edges, kept, choices, size, blocks, S: tl.constexpr
):  # fmt: skip
    """There and back along one chain."""
    segment, chain = tl.program_id(0) // _CHAINS, tl.program_id(0) % _CHAINS
    state = tl.arange(0, S)
    source0, source1 = tl.load(edges + state), tl.load(edges + S + state)
    choice0, choice1 = tl.load(edges + 2 * S + state), tl.load(edges + 3 * S + state)
    steps = (tl.load(count + segment) - chain + _CHAINS - 1) // _CHAINS
    cost = tl.where(state == 0, 0, _FAR)
    ways = state * 0
    kept += tl.program_id(0) * blocks * S
    choices += segment * size + chain
    prices += (segment * size + chain) * 4
    n = 0
    p0, p1, p2, p3 = _prices(prices, 0, steps)
    while n < steps:
        q0, q1, q2, q3 = _prices(prices, n + 1, steps)  # while this symbol is weighed
        first = tl.where(
            choice0 < 2, tl.where(choice0 == 0, p0, p1), tl.where(choice0 == 2, p2, p3)
        )
        second = tl.where(
            choice1 < 2, tl.where(choice1 == 0, p0, p1), tl.where(choice1 == 2, p2, p3)
        )
        first += tl.gather(cost, source0, 0)
        second += tl.gather(cost, source1, 0)
        taken = second < first
        cost = tl.where(taken, second, first)
        cost -= tl.min(cost, 0)
        came = tl.gather(ways, tl.where(taken, source1, source0), 0)
        ways = (came << 1) | taken.to(tl.int32)
        n += 1
        if n % KEPT == 0:
            tl.store(kept + (n // KEPT - 1) * S + state, ways)
        p0, p1, p2, p3 = q0, q1, q2, q3
    if steps % KEPT > 0:
        tl.store(kept + steps // KEPT * S + state, ways)
    tl.debug_barrier()
    now = tl.min(tl.where(cost == tl.min(cost, 0), state, S), 0)
    while n > 0:
        way = tl.load(kept + (n - 1) // KEPT * S + now)
        begin = (n - 1) // KEPT * KEPT
        while n > begin:
            n -= 1
            edge = way & 1
            way = way >> 1
            tl.store(choices + n * _CHAINS, tl.load(edges + (2 + edge) * S + now))
            now = tl.load(edges + edge * S + now)


@triton.jit
def _prices(prices, n, steps):
    """The four of symbol n of a chain."""
    here = prices + n * (_CHAINS * 4)
    there = n < steps
    return (
        tl.load(here, there, other=0),
        tl.load(here + 1, there, other=0),
        tl.load(here + 2, there, other=0),
        tl.load(here + 3, there, other=0),
    )

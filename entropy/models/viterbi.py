"""The choice of symbols along the trellis for a whole batch at once, in PyTorch: for training where
the compiled coder is missing, or Triton on a GPU.

It finds what `entropy.coder.trellis.quantise` finds with 8 states, bit for bit, but walks the
chains in blocks side by side and never asks the device for a number. A chain of T symbols takes
3 BLOCK + 2 T / BLOCK small operations instead of 2 T:

    1. every block: the cheapest ways from each of its 8 entry states to each exit state, a matrix
    2. block after block: costs at the entries (min-plus product of a vector and that matrix)
    3. every block, from those costs: which edge is taken into each state
    4. every block, backwards: the way to each of its 8 exit states
    5. block after block, backwards: the exit state that is on the cheapest way

Sources: the walk is Viterbi's (IEEE Trans. Information Theory 13(2), 1967); in blocks as Fettweis
and Meyr, High-speed parallel Viterbi decoding, IEEE Communications Magazine 29(5), 1991.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from entropy.coder.interleave import COST_BITS
from entropy.coder.states import CHAINS, EDGES, FEW_STATES, NEXT_STATE
from entropy.coder.trellis import FAR, MAX_ERROR, MAX_SYMBOL, STEP_BITS, UNIT_BITS

__all__ = ["choose", "negative"]

BLOCK = 16
"""Symbols of a chain in a block: about the square root of the number in a chain is fastest."""
STATES = FEW_STATES


def choose(
    residuals: Tensor, indexes: Tensor, bits: Tensor, skip_below: int, step: int, weight: int
) -> tuple[Tensor, Tensor]:
    """Symbols of the segments and their quantisers, 0 and 0 where skipped.

    Args:
        residuals: (segments, symbols) float32, y - mean in symbol units.
        indexes: table of each, like residuals, int64.
        bits, skip_below, step, weight: as in `TrellisCosts`; bits int64, where residuals are.

    Returns: symbols and quantisers (0 or 1), int64 like residuals.
    """
    segments, size = residuals.shape
    steps = -(-size // (CHAINS * BLOCK)) * BLOCK
    magnitudes, prices = _candidates(residuals, indexes, bits, step, weight)
    # Where the coded symbols stand in their chains; what is skipped goes to a place behind them.
    coded = indexes >= skip_below
    place = torch.where(coded, coded.cumsum(1) - 1, steps * CHAINS)

    def in_chains(x: Tensor) -> Tensor:
        """(segments, symbols, ...) -> (BLOCK, segments * CHAINS, blocks, ...)"""
        rows = x.new_zeros(segments, steps * CHAINS + 1, *x.shape[2:])
        at = place.view(*place.shape, *[1] * (x.dim() - 2)).expand_as(x)
        rows = rows.scatter(1, at, x)[:, :-1]
        rows = rows.view(segments, steps // BLOCK, BLOCK, CHAINS, *x.shape[2:])
        return rows.transpose(1, 2).transpose(2, 3).transpose(0, 1).flatten(1, 2)

    price, present = in_chains(prices), in_chains(coded)
    source, parity = torch.tensor(EDGES[STATES], device=residuals.device).unbind(2)  # (state, edge)
    by_edge = price[..., source % 2, parity]  # (BLOCK, chains, blocks, state, edge)
    states = _walk(by_edge, present, source)
    # On the way from states[n] to states[n + 1] the parity of a symbol is that of its edge.
    following = torch.tensor(NEXT_STATE[STATES], device=residuals.device)
    odd = (following[states[:-1]][..., 1] == states[1:]).long()
    sets = states[:-1] % 2

    def in_order(x: Tensor) -> Tensor:
        """The inverse of `in_chains`."""
        x = x.view(BLOCK, segments, CHAINS, -1).permute(1, 3, 0, 2).reshape(segments, -1)
        return F.pad(x, (0, 1)).gather(1, place)

    sets, odd = in_order(sets) * coded, in_order(odd)
    chosen = magnitudes.flatten(2).gather(2, (2 * sets + odd)[..., None])[..., 0] * coded
    return torch.where(negative(residuals), -chosen, chosen), sets


def negative(residuals: Tensor) -> Tensor:
    """Where a residual is below 0 when it counts 2^-UNIT_BITS."""
    return residuals * -float(1 << UNIT_BITS) + 0.5 >= 1


def _candidates(
    residuals: Tensor, indexes: Tensor, bits: Tensor, step: int, weight: int
) -> tuple[Tensor, Tensor]:
    """Best magnitudes and their costs, (segments, symbols, quantiser, parity) int64."""
    unit = step << (UNIT_BITS - STEP_BITS)
    limit = float((2 * MAX_SYMBOL - 2) * unit)
    size = (residuals.abs() * float(1 << UNIT_BITS) + 0.5).nan_to_num(nan=0.0, posinf=limit)
    size = size.clamp(max=limit).long()
    last = bits.shape[2] - 1
    by_set = []
    for quantiser in (0, 1):

        def cost(k: Tensor, quantiser: int = quantiser) -> Tensor:
            point = torch.where(k > 0, (2 * k - quantiser) * unit, 0)
            error = (size - point).abs().clamp(max=MAX_ERROR)
            rate = bits[quantiser][indexes, k.clamp(max=last)]
            rate = rate + ((k - last).clamp(min=0) << COST_BITS)
            return rate + (error * error * weight >> (2 * UNIT_BITS - COST_BITS))

        below = (size + quantiser * unit) // (2 * unit)
        even, odd = below + below % 2, below + 1 - below % 2
        costs, zero = torch.stack([cost(even), cost(odd)], -1), cost(torch.zeros_like(below))
        nothing = zero <= costs[..., 0]
        even = torch.where(nothing, 0, even)
        costs[..., 0] = torch.where(nothing, zero, costs[..., 0])
        by_set.append((torch.stack([even, odd], -1), costs))
    magnitudes, costs = (torch.stack(both, 2) for both in zip(*by_set, strict=True))
    return magnitudes, costs


def _walk(by_edge: Tensor, present: Tensor, source: Tensor) -> Tensor:
    """States before every symbol and after the last of its block, (BLOCK + 1, chains, blocks).

    by_edge: (BLOCK, chains, blocks, state, edge) cost of the edges into each state.
    present: (BLOCK, chains, blocks) whether there is a symbol; where none is, the state stays.
    """
    chains, blocks = present.shape[1:]
    every = torch.arange(STATES, device=by_edge.device)

    def advance(costs: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Costs (chains, blocks, ..., state) one symbol further, and the edges taken."""
        extra = (1,) * (costs.dim() - 3)
        ways = costs[..., source] + by_edge[n].view(chains, blocks, *extra, STATES, 2)
        edge = (ways[..., 1] < ways[..., 0]).long()
        there = present[n].view(chains, blocks, *extra, 1)
        return torch.where(there, ways.amin(-1), costs), edge

    ways = torch.where(every[:, None] == every, 0, FAR).expand(chains, blocks, STATES, STATES)
    for n in range(BLOCK):
        ways = advance(ways, n)[0]
    entry = torch.where(every == 0, 0, FAR).expand(chains, STATES)
    entries = []
    for block in range(blocks):
        entries.append(entry)
        entry = (entry[:, :, None] + ways[:, block]).amin(1)
        entry = (entry - entry.amin(1, keepdim=True)).clamp(max=FAR)
    costs, edges = torch.stack(entries, 1), []
    for n in range(BLOCK):
        costs, edge = advance(costs, n)
        edges.append(edge)
    to_exit = [every.expand(chains, blocks, STATES)]  # by exit state: the state before it
    for n in reversed(range(BLOCK)):
        after = to_exit[-1]
        came = source[after, edges[n].gather(2, after)]
        to_exit.append(torch.where(present[n][..., None], came, after))
    exits, state = [], entry.argmin(1)
    for block in reversed(range(blocks)):
        exits.append(state)
        state = to_exit[-1][:, block].gather(1, state[:, None])[:, 0]
    chosen = torch.stack(exits[::-1], 1)[..., None]
    return torch.stack([way.gather(2, chosen)[..., 0] for way in reversed(to_exit)])

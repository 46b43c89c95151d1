"""Equalisation: channels of an exact network scaled to use the range of an activation.

An activation is rounded to 2^-ACT_BITS and bounded by ACT_MAX. Most channels stay far below that
bound, so the rounding is coarser than it need be: it, not that of the weights, is what exactness
costs (docs/training-log.md, entry 9). All layers between two activations are linear and a rectifier
commutes with a positive factor, so a channel may be multiplied by one where it is made and divided
where it is used, and the function stays the same.

Source: Nagel et al., Data-free quantization through weight equalization and bias correction, ICCV
2019, section 4.1 (cross-layer equalisation, arXiv 1906.04721).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from networks.export.observe import observe
from networks.train.spec import ACT_BITS, ACT_MAX, Stream
from networks.train.training import TrainingOps

__all__ = ["equalise"]

HEADROOM = 0.45
"""Share of the range that the largest activation seen may take: other pictures have larger ones,
and what is cut off costs more than what is rounded (training log, entry 18).
"""
LARGEST = 64.0


@torch.no_grad()
def equalise(ops: TrainingOps, streams: Sequence[Stream], run: Callable[[], object]) -> None:
    """Scale the channels of `streams` in place.

    Args:
        ops: trainable layers.
        streams: channels that may be scaled on their own; all their writers and readers.
        run: computes the network on typical inputs, through `ops.linear`.
    """
    largest = _largest_activations(ops, run)
    limit = HEADROOM * ACT_MAX / 2.0**ACT_BITS
    for stream in streams:
        seen = [largest[name, "in"] for name in stream.readers]
        channels = len(seen[0])
        for name in stream.writers:
            seen += list(torch.split(largest[name, "out"], channels))
        peak = torch.stack(seen).amax(0)
        factor = (limit / peak).clamp(1.0, LARGEST).where(peak > 0, 1.0)  # dead channels stay
        for name in stream.writers:
            room = torch.stack(torch.split(_room(ops, name), channels)).amin(0)
            factor = torch.minimum(factor, room)
        for name in stream.writers:
            layer = ops.layer(name)
            rows = factor.repeat(len(layer.bias) // channels)
            layer.weight.mul_(rows.view(-1, *[1] * (layer.weight.dim() - 1)))
            layer.bias.mul_(rows)
            if layer.spec.leveled:
                layer.level_bias.mul_(rows)
        for name in stream.readers:
            layer = ops.layer(name)
            depthwise = layer.spec.kind == "depthwise"
            layer.weight.div_(factor.view(-1, 1, 1, 1) if depthwise else factor)


def _room(ops: TrainingOps, name: str) -> Tensor:
    """By how much the outputs of a layer may grow with its sums still exact."""
    _, _, shift = ops.layer(name).quantised(ops.levels)
    return torch.exp2(shift - 1)


def _largest_activations(
    ops: TrainingOps, run: Callable[[], object]
) -> dict[tuple[str, str], Tensor]:
    """Largest magnitude of every channel at the entry and at the exit of every layer."""
    found: dict[tuple[str, str], Tensor] = {}

    def see(name: str, inputs: Tensor, outputs: Tensor) -> None:
        for side, x in (("in", inputs), ("out", outputs)):
            peak = x.abs().flatten(0, -2).amax(0)
            before = found.get((name, side))
            found[name, side] = peak if before is None else torch.maximum(before, peak)

    observe(ops, run, see)
    return found

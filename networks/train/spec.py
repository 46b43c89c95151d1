"""What an exact network is made of: layer specifications and the number formats they share.

Every activation is an integer in -ACT_MAX..ACT_MAX that stands for (integer / 2^ACT_BITS). A layer
computes

    acc = sum(w[o, i] * x[i]) + b[o]                     integers, |acc| < 2^24 proved at export
    out = clamp(floor((acc + 2^(shift[o]-1)) / 2^shift[o]), low, high)

so every partial sum is exact in float32, in any order, on any processor (DESIGN C1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ACC_LIMIT",
    "ACT_BITS",
    "ACT_MAX",
    "COMPAND_SIZE",
    "INDEX_BITS",
    "INDEX_MAX",
    "MEAN_BITS",
    "MEAN_LIMIT",
    "Z_BITS",
    "LayerSpec",
    "Output",
    "Stream",
]

ACT_BITS = 5
"""Fractional bits of an activation: one unit is 1/32."""
ACT_MAX = 1023
"""Largest magnitude of an activation: 1023/32, just under 32."""
ACC_LIMIT = 1 << 24
"""Float32 holds every integer below this magnitude."""
MEAN_BITS = 5
"""Fractional bits of a predicted mean and so of y_hat."""
MEAN_LIMIT = 1 << 19
"""Means are clamped to +-MEAN_LIMIT / 2^MEAN_BITS = +-16384 symbols."""
INDEX_BITS = 3
"""A head's output of 1.0 is 2^INDEX_BITS scale tables."""
COMPAND_SIZE = 2048
"""y_hat, in units of 2^-MEAN_BITS, is companded by a table over -COMPAND_SIZE+1 .. COMPAND_SIZE-1
(+-64 symbols).
"""
INDEX_MAX = 63
"""Last scale table."""
Z_BITS = 3
"""A z symbol of one enters as 2^Z_BITS units, that is as 1/4."""

Output = Literal["signed", "relu", "mean", "index"]


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One requantising layer.

    kind: "linear" (1x1 convolution: inputs x outputs) or "depthwise" (3x3, zero padding, inputs ==
        outputs).
    output: "signed" clamps to -ACT_MAX..ACT_MAX, "relu" to 0..ACT_MAX, "mean" has MEAN_BITS
        fractional bits
        and a per-channel left shift, "index" is a table index 0..63.
    leveled: the bias depends on the quality level.
    gain: initial magnitude of the weights relative to 1/sqrt(fan-in).
    """

    kind: Literal["linear", "depthwise"]
    inputs: int
    outputs: int
    output: Output = "signed"
    leveled: bool = False
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Stream:
    """One set of channels: the layers that add to it, and those that read it.

    A layer with four times as many outputs makes them for four positions, one quarter each.
    """

    writers: Sequence[str]
    readers: Sequence[str]

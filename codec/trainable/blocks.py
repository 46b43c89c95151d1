"""Layers of the float transforms: gated depthwise blocks, scaled linear maps, per-level gains.

Arrays are (B, H, W, C).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from networks.train.depthwise import depthwise
from networks.train.kernels import for_kernel, has_kernels
from networks.train.training import KNOTS, KnotShares, interpolate_knots, mix_knots


def interpolate_gain(log_gain: Tensor, levels: int) -> Tensor:
    """(knots, channels) logarithms -> (levels, channels) positive gains."""
    return interpolate_knots(log_gain, levels).exp()


class LevelGain(nn.Module):
    """exp of a per-channel vector that is linear between knots over the quality levels.

    The gain vectors of one model for all rates (Li et al., DCVC-DC/DCVC-RT, per-level quantiser
    vectors), with few enough parameters to be learned in a short training.
    """

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.knots = KnotShares(levels)
        self.log_gain = nn.Parameter(torch.zeros(KNOTS, channels))

    def forward(self, level: Tensor) -> Tensor:
        """level (B,) int64 -> (B, channels)."""
        return mix_knots(self.knots(level), self.log_gain).exp()


UNBOUNDED = 1e30
"""A range that nothing reaches; averages of it stay what it is, which infinity would not."""
OUT_SCALE = 0.1
"""A weight of one moves an output by this much: a few quantiser steps, the precision that matters.
"""


class ScaledLinear(nn.Module):
    """A linear map parametrised for inputs of known size: OUT_SCALE * weight / in_scale.

    Coefficients of an orthonormal transform differ by a factor of a hundred in size, but all of
    them are needed to the same absolute precision. With weights relative to the size of the inputs
    and to that precision, one learning rate fits all of them.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("in_scale", torch.ones(inputs))
        self.in_scale: Tensor

    @torch.no_grad()
    def set(self, matrix: Tensor, in_scale: Tensor) -> None:
        """Make the map equal to `matrix` (outputs, inputs), without a bias."""
        self.in_scale.copy_(in_scale)
        self.weight.copy_(matrix * in_scale / OUT_SCALE)
        self.bias.zero_()

    def matrix(self) -> Tensor:
        """(outputs, inputs) as it is applied."""
        return self.weight * (OUT_SCALE / self.in_scale)

    def offset(self) -> Tensor:
        """(outputs,) as it is added."""
        return self.bias * OUT_SCALE

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.matrix(), self.offset())


class GatedBlock(nn.Module):
    """x + gain(level) * reduce(GLU(expand(depthwise3x3(x)))): C channels with H hidden ones,
    3 C H + 9 C MAC per position.

    One spatial and one channel operation per residual: channel mixing carries most of the
    rate-distortion gain (S2CFormer, arXiv 2502.00700). No normalisation; instead `scale`, the size
    of every channel, divides at the entry and OUT_SCALE multiplies at the exit. `reduce` starts at
    zero, so a new block is the identity.

    What the filter gives and the values before their gates may be bounded by channel, as integers
    bound them (`codec.trainable.block_integers`): pictures that are no photographs explode here
    otherwise, and what they teach is of no use.
    """

    def __init__(self, channels: int, levels: int, hidden: int | None = None) -> None:
        super().__init__()
        hidden = hidden or channels
        self.register_buffer("scale", torch.ones(channels))
        self.scale: Tensor
        self.spatial = nn.Parameter(torch.randn(channels, 1, 3, 3) * 0.05)
        with torch.no_grad():
            self.spatial[:, :, 1, 1] += 1.0
        self.spatial_bias = nn.Parameter(torch.zeros(channels))
        self.expand = nn.Linear(channels, 2 * hidden)
        nn.init.normal_(self.expand.weight, std=channels**-0.5)
        nn.init.zeros_(self.expand.bias)
        self.reduce = nn.Linear(hidden, channels)
        nn.init.zeros_(self.reduce.weight)
        nn.init.zeros_(self.reduce.bias)
        self.gain = LevelGain(channels, levels)
        self.register_buffer("filter_range", torch.full((channels,), UNBOUNDED))
        self.register_buffer("value_range", torch.full((hidden,), UNBOUNDED))
        self.filter_range: Tensor
        self.value_range: Tensor
        self.bounded = False  # the kernel on a GPU has no bounds

    @torch.no_grad()
    def bound(self, filtered: Tensor, value: Tensor) -> None:
        """Set the largest magnitude of what the filter gives (C,), and of the values (H,)."""
        self.filter_range.copy_(filtered)
        self.value_range.copy_(value)
        self.bounded = True

    def _hidden(self, x: Tensor, kernel: Tensor) -> Tensor:
        """What `reduce` is given."""
        filtered = depthwise(x, kernel, self.spatial_bias)
        limit = self.filter_range.to(filtered.dtype)
        value, gate = self.expand(filtered.clamp(-limit, limit)).chunk(2, -1)
        limit = self.value_range.to(value.dtype)
        bounded: Tensor = value.clamp(-limit, limit) * torch.sigmoid(gate)
        return bounded

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        """x (B, H, W, C), level (B,) -> (B, H, W, C)."""
        kernel = self.spatial / self.scale.view(-1, 1, 1, 1)
        gain = self.gain(level) * OUT_SCALE
        if has_kernels(x) and not self.bounded:
            return self._on_gpu(x, kernel, gain)
        h = self.reduce(self._hidden(x, kernel))
        out: Tensor = x + h * gain[:, None, None, :].to(h.dtype)
        return out

    def _on_gpu(self, x: Tensor, kernel: Tensor, gain: Tensor) -> Tensor:
        from codec.trainable.fused_triton import Block

        x = for_kernel(x)
        apply: Any = Block.apply
        with torch.autocast("cuda", enabled=False):
            out: Tensor = apply(
                x, kernel, self.spatial_bias, self.expand.weight, self.expand.bias,
                self.reduce.weight, self.reduce.bias, gain,
            )  # fmt: skip
        return out


def unshuffle(x: Tensor, factor: int) -> Tensor:
    """Space to depth: (B, H, W, C) -> (B, H/f, W/f, f*f*C), offset (i, j) major."""
    b, h, w, c = x.shape
    f = factor
    x = x.view(b, h // f, f, w // f, f, c).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h // f, w // f, f * f * c)


def shuffle(x: Tensor, factor: int) -> Tensor:
    """Depth to space, the inverse of `unshuffle`."""
    b, h, w, c = x.shape
    f = factor
    x = x.view(b, h, w, f, f, c // (f * f)).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h * f, w * f, c // (f * f))

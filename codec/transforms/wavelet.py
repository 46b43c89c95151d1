"""The default transform: an orthonormal stem, gated depthwise blocks at 1/8, one latent at 1/16.

    x (B, H, W, 3) in -0.5..0.5
      unshuffle 8, stem 192 -> trunk   1/8    192 coefficients, orthonormal at first, and notes
      blocks8 x GatedBlock             1/8
      unshuffle 2, down 4 trunk -> M   1/16   starts as the Karhunen-Loeve transform of 16x16 blocks
      blocks16 x GatedBlock            1/16   none now: they did nothing (codec/train/LOG.md)
      * gain(level)                    y in symbol units

and the mirror image for synthesis. All blocks start as the identity, so an untrained pair is a
linear transform codec of 16x16 blocks with the high-rate optimal quantiser; what is learned is
learned on top. The linear path is the shortcut of AuxT (Li et al., ICLR 2025), here as the trunk
itself. The coefficients of that path fill 192 channels of the trunk; those beyond are notes, zero
at first, in which a block leaves for later ones what is no correction of a coefficient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.transforms.blocks import (
    OUT_SCALE,
    GatedBlock,
    LevelGain,
    ScaledLinear,
    shuffle,
    unshuffle,
)

STRIDE = 16
STEM = 8
STEM_CHANNELS = 3 * STEM * STEM
PIXEL_SCALE = 0.25
"""Typical size of x, for the scaled linear maps at the border to pixels."""


@dataclass(frozen=True, slots=True)
class WaveletConfig:
    """Sizes: y channels, the number of blocks at each resolution, channels of the trunk at 1/8 (192
    of them for coefficients).
    """

    latent: int = 320
    analysis8: int = 15
    analysis16: int = 0
    synthesis16: int = 0
    synthesis8: int = 17
    levels: int = 64
    trunk: int = 256


def quantiser_step(lmbda: float) -> float:
    """Step size, in orthonormal coefficient units for pixels in 0..1, that is optimal at high rate.

    d/dstep of (bits + lmbda * 255^2 * MSE) = 0 with bits = -log2(step) and MSE = step^2 / 12 / 3
    per pixel.
    """
    return math.sqrt(18.0 / (255.0**2 * lmbda * math.log(2.0)))


@dataclass(frozen=True, slots=True, eq=False)
class LinearStart:
    """A linear transform codec to start from.

    stem: (192, 192) orthonormal rows over unshuffled pixels, stem_scale (192,) size of its outputs.
    transform: (latent, 768) orthonormal rows over unshuffled stem outputs, scale (latent,) size of
        its outputs.
    steps: (knots,) quantiser steps from coarse to fine.
    """

    stem: Tensor
    stem_scale: Tensor
    transform: Tensor
    scale: Tensor
    steps: Tensor


class _Trunk(nn.ModuleList):
    def blocks(self) -> list[GatedBlock]:
        return [block for block in self if isinstance(block, GatedBlock)]

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        for block in self:
            x = block(x, level)
        return x


def _trunk8(config: WaveletConfig, count: int) -> _Trunk:
    make = (GatedBlock(config.trunk, config.levels, STEM_CHANNELS) for _ in range(count))
    return _Trunk(make)


def _trunk16(config: WaveletConfig, count: int) -> _Trunk:
    return _Trunk(GatedBlock(config.latent, config.levels) for _ in range(count))


class Analysis(nn.Module):
    """g_a: x (B, H, W, 3) in -0.5..0.5, H and W multiples of 16 -> y (B, H/16, W/16, latent),
    symbol units.
    """

    def __init__(self, config: WaveletConfig) -> None:
        super().__init__()
        self.stem = ScaledLinear(STEM_CHANNELS, config.trunk)
        self.trunk8 = _trunk8(config, config.analysis8)
        self.down = ScaledLinear(4 * config.trunk, config.latent)
        self.trunk16 = _trunk16(config, config.analysis16)
        self.gain = LevelGain(config.latent, config.levels)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        h = self.trunk8(self.stem(unshuffle(x, STEM)), level)
        h = self.trunk16(self.down(unshuffle(h, 2)), level)
        y: Tensor = h.float() * self.gain(level)[:, None, None, :]
        return y


class Synthesis(nn.Module):
    """g_s: y_hat (B, h, w, latent), symbol units -> x_hat (B, 16h, 16w, 3), about -0.5..0.5."""

    def __init__(self, config: WaveletConfig) -> None:
        super().__init__()
        self.gain = LevelGain(config.latent, config.levels)
        self.trunk16 = _trunk16(config, config.synthesis16)
        self.up = ScaledLinear(config.latent, 4 * config.trunk)
        self.trunk8 = _trunk8(config, config.synthesis8)
        self.stem = ScaledLinear(config.trunk, STEM_CHANNELS)

    def forward(self, y_hat: Tensor, level: Tensor) -> Tensor:
        h = self.trunk16(y_hat * self.gain(level)[:, None, None, :], level)
        h = self.trunk8(shuffle(self.up(h), 2), level)
        return shuffle(self.stem(h), STEM)


@torch.no_grad()
def start_as_linear_codec(analysis: Analysis, synthesis: Synthesis, start: LinearStart) -> None:
    """Set the linear path and the channel sizes; blocks stay the identity, and notes zero."""
    pixels = torch.full((STEM_CHANNELS,), PIXEL_SCALE)
    notes = len(analysis.stem.weight) - STEM_CHANNELS
    stem = F.pad(start.stem, (0, 0, 0, notes))
    stem_scale = F.pad(start.stem_scale, (0, notes), value=OUT_SCALE)
    transform = F.pad(start.transform.view(-1, 4, STEM_CHANNELS), (0, notes)).flatten(1)
    analysis.stem.set(stem, pixels)
    analysis.down.set(transform, stem_scale.repeat(4))
    synthesis.up.set(transform.T, start.scale)
    synthesis.stem.set(stem.T, stem_scale)
    for trunk, scale in (
        (analysis.trunk8, stem_scale),
        (analysis.trunk16, start.scale),
        (synthesis.trunk16, start.scale),
        (synthesis.trunk8, stem_scale),
    ):
        for block in trunk.blocks():
            block.scale.copy_(scale)
    log_steps = start.steps.log()[:, None]
    analysis.gain.log_gain.copy_(-log_steps.expand_as(analysis.gain.log_gain))
    synthesis.gain.log_gain.copy_(log_steps.expand_as(synthesis.gain.log_gain))

"""The transforms as they train: float layers behind the graphs of `codec.transforms.wavelet`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.trainable.attention import EnterLinear, WindowAttention
from codec.trainable.blocks import (
    OUT_SCALE,
    GatedBlock,
    LevelGain,
    ScaledLinear,
    shuffle,
    unshuffle,
)
from codec.transforms.wavelet import STEM, STEM_CHANNELS, STRIDE, WaveletConfig, analyse, synthesise

PIXEL_SCALE = 0.25
"""Typical size of x, for the scaled linear maps at the border to pixels."""


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


def _trunk8(config: WaveletConfig, count: int) -> nn.ModuleList:
    make = (GatedBlock(config.trunk, config.levels, STEM_CHANNELS) for _ in range(count))
    return nn.ModuleList(make)


def _windows(config: WaveletConfig) -> tuple[nn.ModuleList, nn.ModuleList]:
    """Layers of the shifted windows, and the gated blocks after each."""
    inner = config.trunk // 2
    windows = (WindowAttention(config.trunk, inner, config.levels) for _ in range(config.windows))
    return nn.ModuleList(windows), _trunk8(config, config.windows)


class _FloatOperations:
    """`codec.transforms.wavelet.Operations` over (B, H, W, C) tensors and a module's layers."""

    def __init__(self, module: nn.Module, level: Tensor) -> None:
        self._module, self._level = module, level

    def linear(self, name: str, x: Tensor, fold: int = 1, unfold: int = 1) -> Tensor:
        out: Tensor = self._module.get_submodule(name)(unshuffle(x, fold))
        return shuffle(out, unfold)

    def gated_block(self, name: str, x: Tensor) -> Tensor:
        out: Tensor = self._module.get_submodule(name)(x, self._level)
        return out

    def scale(self, name: str, x: Tensor) -> Tensor:
        gain: Tensor = self._module.get_submodule(name)(self._level)
        return x.float() * gain[:, None, None, :]

    def attention(self, name: str, x: Tensor, shift: int) -> Tensor:
        out: Tensor = self._module.get_submodule(name)(x, shift)
        return out

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y.to(x.dtype)


class Analysis(nn.Module):
    """g_a: x (B, H, W, 3) in -0.5..0.5, H and W multiples of 16 -> y (B, H/16, W/16, latent),
    symbols.
    """

    def __init__(self, config: WaveletConfig) -> None:
        super().__init__()
        self.config = config
        if config.linear:
            self.down = ScaledLinear(3 * STRIDE * STRIDE, config.latent)
        else:
            self.stem = ScaledLinear(STEM_CHANNELS, config.trunk)
            self.trunk8 = _trunk8(config, config.analysis8)
            self.windows, self.after = _windows(config)
            self.down = ScaledLinear(4 * config.trunk, config.latent)
        self.gain = LevelGain(config.latent, config.levels)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        y: Tensor = analyse(_FloatOperations(self, level), self.config, x)
        return y


class Synthesis(nn.Module):
    """g_s: y_hat (B, h, w, latent), symbols -> x_hat (B, 16h, 16w, 3), about -0.5..0.5."""

    def __init__(self, config: WaveletConfig) -> None:
        super().__init__()
        self.config = config
        self.gain = LevelGain(config.latent, config.levels)
        self.up = ScaledLinear(config.latent, 4 * config.trunk)
        self.trunk8 = _trunk8(config, config.synthesis8)
        self.windows, self.after = _windows(config)
        self.stem = ScaledLinear(config.trunk, STEM_CHANNELS)

    def forward(self, y_hat: Tensor, level: Tensor) -> Tensor:
        x_hat: Tensor = synthesise(_FloatOperations(self, level), self.config, y_hat)
        return x_hat


@torch.no_grad()
def start_as_linear_codec(analysis: Analysis, synthesis: Synthesis, start: LinearStart) -> None:
    """Set the linear path and the channel sizes; blocks stay the identity, and notes zero."""
    pixels = torch.full((STEM_CHANNELS,), PIXEL_SCALE)
    notes = analysis.config.trunk - STEM_CHANNELS
    stem = F.pad(start.stem, (0, 0, 0, notes))
    stem_scale = F.pad(start.stem_scale, (0, notes), value=OUT_SCALE)
    transform = F.pad(start.transform.view(-1, 4, STEM_CHANNELS), (0, notes)).flatten(1)
    if analysis.config.linear:
        basis = torch.eye(3 * STRIDE * STRIDE).view(-1, STRIDE, STRIDE, 3)
        packet = unshuffle(unshuffle(basis, STEM) @ stem.T, STRIDE // STEM).flatten(1)
        analysis.down.set(transform @ packet.T, torch.full((len(basis),), PIXEL_SCALE))
    else:
        analysis.stem.set(stem, pixels)
        analysis.down.set(transform, stem_scale.repeat(4))
    synthesis.up.set(transform.T, start.scale)
    synthesis.stem.set(stem.T, stem_scale)
    for block in (*analysis.modules(), *synthesis.modules()):
        if isinstance(block, GatedBlock | EnterLinear):
            block.scale.copy_(stem_scale)
    log_steps = start.steps.log()[:, None]
    analysis.gain.log_gain.copy_(-log_steps.expand_as(analysis.gain.log_gain))
    synthesis.gain.log_gain.copy_(log_steps.expand_as(synthesis.gain.log_gain))

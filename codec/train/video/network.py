"""The filter while it trains: float layers behind the graph of `codec.video.filter`."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from codec.trainable.blocks import OUT_SCALE, GatedBlock, LevelGain, shuffle, unshuffle
from codec.trainable.folded import folded
from codec.video.filter import (
    CHROMA_INPUT,
    FOLD,
    LEVELS,
    LUMA_INPUT,
    FilterConfig,
    correct,
    step_of_level,
)
from networks.train.training import KNOTS

__all__ = ["INPUT_UNIT", "FilterNetwork"]

INPUT_UNIT = 1 / 64
"""What one step of a sample of 10 bits counts at the entry."""
EXPONENT = 0.8
"""At the start, trunk and corrections count in this power of the step: corrections grow a little
slower than the step.
"""
FLAT = 1 / 16
"""At the start means of blocks count that much less than their other coefficients: they vary more,
and say less about errors.
"""


class FilterNetwork(nn.Module):
    """Untrained, its correction is zero."""

    def __init__(self, config: FilterConfig) -> None:
        super().__init__()
        self.config = config
        c = config.trunk
        self.enter_luma = nn.Linear(LUMA_INPUT * FOLD**2, c)
        self.enter_chroma = nn.Linear(CHROMA_INPUT * (FOLD // 2) ** 2, c)
        self.enter = LevelGain(c, LEVELS)
        self.trunk4 = nn.ModuleList(
            GatedBlock(c, LEVELS, config.hidden) for _ in range(config.blocks)
        )
        self.leave = LevelGain(c, LEVELS)
        self.leave_luma = nn.Linear(c, FOLD**2)
        self.leave_chroma = nn.Linear(c, 2 * (FOLD // 2) ** 2)
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """Coefficients of the cosine transform in the trunk, in steps; corrections of zero."""
        luma, chroma = self.enter_luma, self.enter_chroma
        for layer in (luma, chroma, self.leave_luma, self.leave_chroma):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        row, c = 0, self.config.trunk
        for layer, side, channels in ((luma, FOLD, 2), (chroma, FOLD // 2, 4)):
            basis = torch.from_numpy(_cosines(side)).float()
            basis[0] *= FLAT
            for channel in range(channels):
                layer.weight[row : row + side**2, channel::channels] = basis
                row += side**2
        luma.bias[row:] = 0.5  # notes, by which the blocks know the level
        power = torch.tensor(
            [math.log((4 * step_of_level(round(k * 63 / (KNOTS - 1)))) ** EXPONENT)
             for k in range(KNOTS)]
        )  # fmt: skip
        self.enter.log_gain.copy_((-power - math.log(INPUT_UNIT))[:, None].expand(-1, c))
        self.enter.log_gain[:, row:] = torch.linspace(-1, 1, KNOTS)[:, None]
        self.leave.log_gain.copy_(power[:, None].expand(-1, c))

    def forward(self, luma: Tensor, chroma: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """luma (B, H, W, 2) and chroma (B, H/2, W/2, 4) in samples of 10 bits, level (B,) int64 ->
        corrections (B, H, W, 1) and (B, H/2, W/2, 2) in the same unit.
        """
        return correct(
            _Bound(self, level), self.config, luma * INPUT_UNIT, chroma * INPUT_UNIT
        )  # fmt: skip

    @torch.no_grad()
    def restore(self, weights: dict[str, Tensor]) -> None:
        """Takes folded weights (`codec.trainable.folded.folded`). Raises KeyError where one is
        missing.
        """
        own = folded(self)
        parameters = dict(self.named_parameters())
        for name, value in own.items():
            given = weights[name].reshape(value.shape)
            branch = name.endswith((".reduce.weight", ".reduce.bias"))
            parameters[name].copy_(given / OUT_SCALE if branch else given)

    def smoothness(self) -> Tensor:
        """How far the gains of the levels are from being linear in between: a penalty."""
        parts = [m.log_gain for m in self.modules() if isinstance(m, LevelGain)]
        return torch.stack([p.diff(dim=0).diff(dim=0).square().mean() for p in parts]).mean()


class _Bound:
    """Operations over the layers of a network at the levels of a batch."""

    def __init__(self, network: FilterNetwork, level: Tensor) -> None:
        self._network, self._level = network, level

    def linear(self, name: str, x: Tensor, fold: int = 1, unfold: int = 1) -> Tensor:
        x = x if fold == 1 else unshuffle(x, fold)
        out: Tensor = self._network.get_submodule(name)(x)
        return out if unfold == 1 else shuffle(out, unfold)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y

    def gated_block(self, name: str, x: Tensor) -> Tensor:
        out: Tensor = self._network.get_submodule(name)(x, self._level)
        return out

    def scale(self, name: str, x: Tensor) -> Tensor:
        gain: Tensor = self._network.get_submodule(name)(self._level)
        return x * gain[:, None, None, :]


def _cosines(side: int) -> np.ndarray:
    """The two-dimensional cosine transform of a square, orthonormal, (coefficients, samples)."""
    k, n = np.arange(side)[:, None], np.arange(side)[None]
    one = np.cos(np.pi * (2 * n + 1) * k / (2 * side)) * np.sqrt(2 / side)
    one[0] /= np.sqrt(2)
    return np.kron(one, one)

"""Transforms with the scales of their training folded into plain matrices, and what goes through.

`Folded` computes the graphs of `codec.transforms.wavelet` and `entropy.models.hyper_graph` in
floats, one picture at a time, and can note the largest values of every channel: from these the
units of the integers follow (`codec.trainable.integers`).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from codec.trainable.attention import WindowAttention, attend, distances
from codec.trainable.blocks import (
    OUT_SCALE,
    GatedBlock,
    ScaledLinear,
    interpolate_gain,
    shuffle,
    unshuffle,
)

__all__ = ["Folded", "Largest", "folded"]

Largest = dict[str, NDArray[np.float64]]
"""Largest magnitudes by channel, by place."""


@torch.no_grad()
def folded(module: torch.nn.Module) -> dict[str, Tensor]:
    """Parameters of an `Analysis`, `Synthesis` or `HyperAnalysis` with the scales folded in."""
    found = {k: v.detach().float().cpu() for k, v in module.named_parameters()}
    for name, part in module.named_modules():
        if isinstance(part, ScaledLinear):
            found[f"{name}.weight"] = part.matrix().detach()
            found[f"{name}.bias"] = part.offset().detach()
        elif isinstance(part, GatedBlock):
            found[f"{name}.spatial"] = part.spatial.detach() / part.scale.view(-1, 1, 1, 1)
            found[f"{name}.reduce.weight"] = part.reduce.weight.detach() * OUT_SCALE
            found[f"{name}.reduce.bias"] = part.reduce.bias.detach() * OUT_SCALE
        elif isinstance(part, WindowAttention):
            found[f"{name}.enter.weight"] = part.enter.weight.detach() / part.enter.scale
            found[f"{name}.leave.weight"] = part.leave.weight.detach() * OUT_SCALE
            found[f"{name}.leave.bias"] = part.leave.bias.detach() * OUT_SCALE
    return {k: v.clone() for k, v in found.items()}


class Folded:
    """Operations over (H, W, C) float tensors with folded weights, at one level.

    Args:
        weights: as `folded` gives them.
        levels, level: of quality.
        largest: where the largest values are noted, or None. Places are `NAME.in` and `NAME.out` of
            linear layers, `trunk` of what blocks add to, and `NAME.filter`, `.value` and `.branch`
            of a block.
    """

    def __init__(
        self, weights: dict[str, Tensor], levels: int, level: int, largest: Largest | None = None
    ) -> None:
        self._weights, self._levels, self._level, self._largest = weights, levels, level, largest

    def _see(self, place: str, x: Tensor) -> None:
        if self._largest is not None:
            found = x.abs().flatten(0, -2).amax(0).double().numpy()
            self._largest[place] = np.maximum(self._largest.get(place, 0.0), found)

    def _gain(self, name: str) -> Tensor:
        return interpolate_gain(self._weights[f"{name}.log_gain"], self._levels)[self._level]

    def linear(self, name: str, x: Tensor, fold: int = 1, unfold: int = 1) -> Tensor:
        self._see(f"{name}.in", x)
        w = self._weights
        out = F.linear(unshuffle(x[None], fold), w[f"{name}.weight"], w[f"{name}.bias"])
        self._see(f"{name}.out", out)
        return shuffle(out, unfold)[0]

    def gated_block(self, name: str, x: Tensor) -> Tensor:
        w = self._weights
        self._see("trunk", x)
        planes = x[None].permute(0, 3, 1, 2)
        kernel, bias = w[f"{name}.spatial"], w[f"{name}.spatial_bias"]
        d = F.conv2d(planes, kernel, bias, padding=1, groups=len(bias)).permute(0, 2, 3, 1)
        self._see(f"{name}.filter", d)
        value, gate = F.linear(d, w[f"{name}.expand.weight"], w[f"{name}.expand.bias"]).chunk(2, -1)
        self._see(f"{name}.value", value)
        gated = value * torch.sigmoid(gate)
        h = F.linear(gated, w[f"{name}.reduce.weight"], w[f"{name}.reduce.bias"])
        self._see(f"{name}.branch", h)
        out = x + h[0] * self._gain(f"{name}.gain")
        self._see("trunk", out)
        return out

    def scale(self, name: str, x: Tensor) -> Tensor:
        out = x * self._gain(name)
        self._see(f"{name}.out", out)
        return out

    def attention(self, name: str, x: Tensor, shift: int) -> Tensor:
        bias = self._weights[f"{name}.table"][:, distances()]
        return attend(x[None], bias, shift)[0]

    def lookup(self, name: str, x: Tensor) -> Tensor:
        return torch.asinh(x)

    def depthwise(self, name: str, x: Tensor) -> Tensor:
        kernel, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        planes = x[None].permute(0, 3, 1, 2)
        out = F.conv2d(planes, kernel, bias, padding=1, groups=len(bias)).permute(0, 2, 3, 1)[0]
        self._see(f"{name}.out", out)
        return out

    def glu(self, x: Tensor) -> Tensor:
        return F.glu(x, -1)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        self._see("sum", x + y)
        return x + y

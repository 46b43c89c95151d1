"""h_a: latents y -> hyper-latents z; the encoder's alone.

The graph is `hyper_analyse`; `HyperAnalysis` trains it in floats. The inverse hyperbolic sine tames
the range of y: scales are about logarithms of magnitudes.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from entropy.models.hyper_graph import hyper_analyse
from entropy.models.quadtree import EntropyConfig
from networks.train.depthwise import depthwise

__all__ = ["HyperAnalysis"]


class HyperAnalysis(nn.Module):
    """y (B, h, w, latent) in symbols, h and w multiples of 4 -> z (B, h/4, w/4, hyper), float."""

    def __init__(self, config: EntropyConfig) -> None:
        super().__init__()
        c = config.hidden
        self.enter = nn.Linear(config.latent, c)
        self.spatial = nn.Conv2d(c, c, 3, padding=1, groups=c)
        self.gate = nn.Linear(c, 2 * c)
        self.to32 = nn.Linear(4 * c, 2 * c)
        self.to64 = nn.Linear(4 * c, 2 * c)
        self.leave = nn.Linear(c, config.hyper)

    def forward(self, y: Tensor) -> Tensor:
        z: Tensor = hyper_analyse(FloatOperations(self), y)
        return z.float()


class FloatOperations:
    """`entropy.models.hyper_graph.Operations` over (B, H, W, C) tensors and a `HyperAnalysis`."""

    def __init__(self, module: HyperAnalysis) -> None:
        self._module = module

    def lookup(self, name: str, x: Tensor) -> Tensor:
        return torch.asinh(x)

    def linear(self, name: str, x: Tensor, fold: int = 1) -> Tensor:
        out: Tensor = self._module.get_submodule(name)(_folded(x, fold))
        return out

    def depthwise(self, name: str, x: Tensor) -> Tensor:
        layer = self._module.spatial
        return depthwise(x, layer.weight, cast(Tensor, layer.bias))

    def glu(self, x: Tensor) -> Tensor:
        return F.glu(x, -1)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


def _folded(x: Tensor, f: int) -> Tensor:
    """Space to depth: (B, H, W, C) -> (B, H/f, W/f, f f C)."""
    b, h, w, c = x.shape
    x = x.view(b, h // f, f, w // f, f, c).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h // f, w // f, f * f * c)

"""h_a: latents y -> hyper-latents z. Encoder only, so it may be float; its output is rounded to
integers.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from entropy.integer.depthwise import depthwise
from entropy.models.quadtree import EntropyConfig


class HyperAnalysis(nn.Module):
    """y (B, h, w, latent) in symbol units, h and w multiples of 4 -> z (B, h/4, w/4, hyper), float.

    The inverse hyperbolic sine tames the range: scales are about logarithms of magnitudes.
    """

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
        h = self.enter(torch.asinh(y))
        d = depthwise(h, self.spatial.weight, cast(Tensor, self.spatial.bias))
        h = h + F.glu(self.gate(d), -1)
        h = F.glu(self.to32(_merge(h)), -1)
        h = F.glu(self.to64(_merge(h)), -1)
        out: Tensor = self.leave(h)
        return out.float()


def _merge(x: Tensor) -> Tensor:
    """2x2 neighbours into channels."""
    b, h, w, c = x.shape
    return (
        x.view(b, h // 2, 2, w // 2, 2, c)
        .permute(0, 1, 3, 2, 4, 5)
        .reshape(b, h // 2, w // 2, 4 * c)
    )


@torch.inference_mode()
def hyper_analyse(weights: dict[str, Tensor], y: Tensor) -> Tensor:
    """z (h/4, w/4, hyper) of one tile's y (h, w, latent), with the weights of a `HyperAnalysis`."""

    def linear(name: str, x: Tensor) -> Tensor:
        return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    h = linear("enter", torch.asinh(y[None]))
    kernel, bias = weights["spatial.weight"], weights["spatial.bias"]
    d = F.conv2d(h.permute(0, 3, 1, 2), kernel, bias, padding=1, groups=len(bias))
    h = h + F.glu(linear("gate", d.permute(0, 2, 3, 1)), -1)
    h = F.glu(linear("to32", _merge(h)), -1)
    h = F.glu(linear("to64", _merge(h)), -1)
    return linear("leave", h)[0]

"""The trainable model of the profile vq: a landed analysis that stays as it is, codebooks, and a
synthesis that learns what pictures code vectors stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from codec.trainable.blocks import ScaledLinear, shuffle, unshuffle
from codec.trainable.transforms import Analysis, Synthesis
from codec.transforms.vector import VectorConfig

__all__ = ["VectorModel", "best"]


def best(x: Tensor, vectors: Tensor, price: Tensor) -> Tensor:
    """Numbers (...) of the vectors (K, D) with the least squared distance to x (..., D) plus their
    price (K).
    """
    distance = vectors.square().sum(1) + price - 2 * x @ vectors.T
    return distance.argmin(-1)


class VectorModel(nn.Module):
    """x -> (x_hat, no bits): what an index costs is fixed when the codebooks are made."""

    def __init__(self, config: VectorConfig) -> None:
        super().__init__()
        self.config = config
        d, m = config.channels, config.transform.latent
        self.analysis = Analysis(config.transform).requires_grad_(False)
        self.synthesis = Synthesis(replace(config.transform, levels=config.levels))
        self.leave = ScaledLinear(d, m)
        self.register_buffer("mean", torch.zeros(m))
        self.register_buffer("project", torch.zeros(d, m))
        self.register_buffer("gather", torch.zeros(d, 4 * d))
        self.register_buffer("coarse", torch.zeros(config.coarse, d))
        self.mean: Tensor
        self.project: Tensor
        self.gather: Tensor
        self.coarse: Tensor
        self.register_buffer("fine", torch.zeros(config.fine, d))
        self.register_buffer("coarse_bits", torch.zeros(config.levels, config.coarse))
        self.register_buffer("fine_bits", torch.zeros(config.levels, config.fine))
        self.fine: Tensor
        self.coarse_bits: Tensor
        self.fine_bits: Tensor

    def landed(self, x: Tensor) -> Tensor:
        """y (B, H/16, W/16, M) of x (B, H, W, 3) in -0.5..0.5, by the landed analysis."""
        y: Tensor = self.analysis(x, torch.full((len(x),), self.config.at, device=x.device))
        return y.float()

    def projected(self, y: Tensor) -> Tensor:
        """e (B, h, w, D) of y (B, h, w, M)."""
        return (y - self.mean) @ self.project.T

    def gathered(self, e: Tensor) -> Tensor:
        """a of e."""
        return unshuffle(e, 2) @ self.gather.T

    def said(self, coarse: Tensor) -> Tensor:
        """What coarse vectors (B, h, w, D) say of e: (B, 2 h, 2 w, D)."""
        return shuffle(coarse @ self.gather, 2)

    @torch.no_grad()
    def numbers(self, e: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """Numbers of the vectors that code e (B, h, w, D) at a level, with prices that know no
        neighbours: (B, h/2, w/2) and (B, h, w).
        """
        price = self.config.lambdas[level]
        coarse = best(self.gathered(e), self.coarse, price * self.coarse_bits[level])
        rest = e - self.said(self.coarse[coarse])
        return coarse, best(rest, self.fine, price * self.fine_bits[level])

    def sums(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Sums of code vectors (B, h, w, D) by their numbers."""
        return self.said(self.coarse[coarse]) + self.fine[fine]

    @torch.no_grad()
    def quantise(self, x: Tensor, level: Tensor) -> Tensor:
        """Sums of code vectors (B, H/16, W/16, D) of x (B, H, W, 3) in -0.5..0.5."""
        e = self.projected(self.landed(x))
        rows = zip(torch.split(e, 1), level.tolist(), strict=True)
        return torch.cat([self.sums(*self.numbers(row, k)) for row, k in rows])

    def forward(self, x: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `ImageModel.forward`; there are no bits to be trained."""
        with torch.autocast(x.device.type, enabled=False):
            codes = self.quantise(x - 0.5, level)
        x_hat = self.synthesis(self.leave(codes), level)
        none = x_hat.new_zeros(len(x))
        return x_hat.float() + 0.5, none, none

    def prepare(self, exact: bool, few_states: bool) -> None:
        """As `ImageModel.prepare`: nothing."""

    def entropy_parameters(self) -> Iterator[nn.Parameter]:
        """As `ImageModel.entropy_parameters`: none."""
        return iter(())

    @property
    def recorded(self) -> tuple[object, ...]:
        """As `ImageModel.recorded`."""
        return ()

"""The distortion that visual models are trained for, in units of a mean squared error of 0..255.

    share of squared error * MSE
    + share of structure   * unit * (1 - similarity at several scales, plain and weighted)
    + share of low pass    * unit * error of colours without detail
    + share of texture     * unit * distance of features' statistics            (training alone)

A loss is bits per pixel + lmbda * distortion, whatever the distortion. Units make each part's
gradient at decoded pictures as large as that of the squared error; shares go in a line from the
lowest level to the highest. Where the recipe says `luma`, structure is that of luma, and squared
errors are those of luma and a third of those of both colour differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from codec.trainable.structure import SMALLEST_SIDE, low_pass_error, luma, luma_first, similarity

__all__ = ["PARTS", "Recipe", "Texture", "Visual", "squared_error"]

PARTS = ("mse", "structure", "low_pass", "texture")
DRAWN_WEIGHT = 3.0
"""Added weight of squared errors where something was drawn into a training picture."""

Texture = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x_hat, x, mask) as in `Visual.forward` -> (B,)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Shares of PARTS at the lowest and at the highest level, and units of all but the first; and
    whether luma counts most, or red, green and blue alike.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    units: tuple[float, ...]
    luma: bool = False

    @staticmethod
    def of(told: dict[str, Any]) -> Recipe:
        """From what `dataclasses.asdict` gave, read back from JSON."""
        values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
        return Recipe(**values)


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """(B, H, W, 3) twice, samples in 0..1 -> (B,), of samples in 0..255."""
    return (x_hat - x).square().mean((1, 2, 3)) * 255.0**2


class Visual(nn.Module):
    """The distortion of pictures at their levels.

    Args:
        recipe: of the model.
        levels: of the model.
        texture: the part that needs features; without it the others have all the shares.
    """

    def __init__(self, recipe: Recipe, levels: int, texture: Texture | None = None) -> None:
        super().__init__()
        along = torch.linspace(0, 1, levels)[:, None]
        low, high = torch.tensor([recipe.low, recipe.high])
        shares = low + along * (high - low)
        if texture is None:
            whole = shares.sum(1, keepdim=True)
            shares[:, PARTS.index("texture")] = 0
            shares *= whole / shares.sum(1, keepdim=True)
        weights = shares * torch.tensor([1.0, *recipe.units])
        self.register_buffer("weights", weights, persistent=False)
        self.weights: Tensor
        self._texture, self._luma = texture, recipe.luma

    def forward(
        self, x_hat: Tensor, x: Tensor, level: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Distortion (B,).

        Args:
            x_hat, x: (B, H, W, 3), samples in 0..1. Pictures with a side below SMALLEST_SIDE are
                held to their squared error alone.
            level: (B,).
            mask: (B, H, W), 1 where something was drawn; such places count more.
        """
        if min(x.shape[1:3]) < SMALLEST_SIDE:
            return squared_error(x_hat, x)
        return (self.parts(x_hat, x, mask) * self.weights[level]).sum(1)

    def parts(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, len(PARTS)), before units and shares."""
        difference = x_hat - x
        alike = difference.square().mean(3)
        squares = luma_first(difference) if self._luma else alike
        if mask is not None:
            squares = squares + DRAWN_WEIGHT * mask * alike
        planes = (luma(a) if self._luma else a.permute(0, 3, 1, 2) for a in (x_hat, x))
        plain, weighted = similarity(*planes)
        found = [
            squares.mean((1, 2)) * 255.0**2,
            1 - (plain + weighted) / 2,
            low_pass_error(difference),
        ]
        if self._texture is None or mask is None:
            found.append(difference.new_zeros(len(x)))
        else:
            found.append(self._texture(x_hat, x, mask))
        return torch.stack(found, 1)

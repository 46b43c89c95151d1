"""Moving activations about, for tensors (B, H, W, C) of any type."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["cell", "join", "unfolded"]


def unfolded(x: Tensor, u: int) -> Tensor:
    """Depth to space: (B, H, W, u u C) -> (B, u H, u W, C), offsets row by row."""
    b, h, w, c = x.shape
    x = x.view(b, h, w, u, u, c // (u * u)).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(b, u * h, u * w, c // (u * u))


def cell(x: Tensor, index: int) -> Tensor:
    """The positions of cell `index` of every 2x2 square: (B, H, W, C) -> (B, H/2, W/2, C)."""
    return x[:, index // 2 :: 2, index % 2 :: 2]


def join(cells: list[Tensor]) -> Tensor:
    """Four cells (B, H/2, W/2, C) -> (B, H, W, C)."""
    return unfolded(torch.cat(cells, -1), 2)

"""The operations of `entropy.models.quadtree.Ops` that move activations about and compute nothing,
for tensors of any type.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["ArrangeOps"]


class ArrangeOps:
    """A base of every `Ops` over tensors, (B, H, W, C)."""

    def shuffle(self, x: Tensor) -> Tensor:
        """Depth to space: (B, H, W, 4C) -> (B, 2H, 2W, C); channel quarter 2i+j goes to offset (i,
        j).
        """
        b, h, w, c = x.shape
        x = x.view(b, h, w, 2, 2, c // 4).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(b, 2 * h, 2 * w, c // 4)

    def join(self, cells: list[Tensor]) -> Tensor:
        """Four cells (B, H/2, W/2, C) -> (B, H, W, C)."""
        b, h, w, c = cells[0].shape
        x = torch.stack(cells, 3).view(b, h, w, 2, 2, c).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(b, 2 * h, 2 * w, c)

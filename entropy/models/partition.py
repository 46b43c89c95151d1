"""y as the four steps of `quadtree.Context` code it, and back, for tensors of any type."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from entropy.models.quadtree import GROUPS, ORDER
from networks.train.arrange import cell, join

__all__ = ["joined", "split"]


def split(y: Tensor) -> list[Tensor]:
    """y (B, h, w, latent) as the steps code it, each (B, 4 cells, h/2, w/2, latent/4)."""
    groups = y.chunk(GROUPS, -1)
    return [torch.stack([cell(groups[g], c) for c, g in enumerate(order)], 1) for order in ORDER]


def joined(parts: Sequence[Sequence[Tensor]]) -> Tensor:
    """The inverse of `split`, from parts[step][cell], each (B, h/2, w/2, latent/4)."""
    cells = []
    for c in range(len(ORDER[0])):
        groups = {order[c]: step[c] for order, step in zip(ORDER, parts, strict=True)}
        cells.append(torch.cat([groups[g] for g in range(GROUPS)], -1))
    return join(cells)

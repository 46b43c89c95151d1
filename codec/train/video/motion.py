"""A prediction for frames that another codec made: motion found again between decoded frames.

Such a codec does not say what it predicted. The best match in the frame before is close to it:
where a block was copied it is the same, elsewhere it differs by about the coded residual.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["predict"]

COARSE = 4
"""Reach of the first search, at a quarter of the size."""
BLOCK = 16


def predict(now: list[Tensor], before: list[Tensor]) -> list[Tensor]:
    """Y, U, V (h, w) float32 of `before`, 4:2:0, moved by quarter samples in blocks of 16 luma
    samples so that Y matches that of `now`; sides of Y are multiples of 16.
    """
    field = _search(now[0], before[0])
    rows, columns = (field[i].repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
                     for i in (0, 1))  # fmt: skip
    chroma = [_moved(_finer(p, 8), 8, rows[::2, ::2], columns[::2, ::2]) for p in before[1:]]
    return [_moved(_finer(before[0], 4), 4, rows, columns), *chroma]


def _search(now: Tensor, before: Tensor) -> Tensor:
    """Vectors (2, h/16, w/16) int64 in quarter samples."""
    small_now, small_before = (F.avg_pool2d(x[None, None], 4)[0, 0] for x in (now, before))
    h, w = small_now.shape
    padded = F.pad(small_before[None, None], [COARSE] * 4, mode="replicate")[0, 0]
    reach = range(-COARSE, COARSE + 1)
    shifts = [(y, x) for y in reach for x in reach]
    costs = torch.stack([
        _block_sums((padded[y + COARSE : y + COARSE + h, x + COARSE : x + COARSE + w] - small_now)
                    .abs(), BLOCK // 4)
        + 0.5 * (abs(y) + abs(x))
        for y, x in shifts
    ])  # fmt: skip
    best = torch.tensor(shifts)[costs.argmin(0)].permute(2, 0, 1) * 16
    fine = _finer(before, 4)
    for size in (8, 4, 4, 2, 1):
        tried = [best + torch.tensor([y * size, x * size])[:, None, None]
                 for y in (-1, 0, 1) for x in (-1, 0, 1)]  # fmt: skip
        tried.append(torch.zeros_like(best))
        costs = torch.stack([_cost(now, fine, field) for field in tried])
        choice = costs.argmin(0)
        best = torch.stack(tried).gather(0, choice[None, None].expand(1, 2, -1, -1))[0]
    return best


def _cost(now: Tensor, fine: Tensor, field: Tensor) -> Tensor:
    rows, columns = (field[i].repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
                     for i in (0, 1))  # fmt: skip
    return _block_sums((_moved(fine, 4, rows, columns) - now).abs(), BLOCK) + field.abs().sum(0)


def _block_sums(x: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(x[None, None], side)[0, 0] * side**2


def _finer(plane: Tensor, factor: int) -> Tensor:
    """Samples at every 1/factor, the given ones among them."""
    h, w = plane.shape
    size = (factor * (h - 1) + 1, factor * (w - 1) + 1)
    return F.interpolate(plane[None, None], size, mode="bicubic", align_corners=True)[0, 0]


def _moved(fine: Tensor, factor: int, rows: Tensor, columns: Tensor) -> Tensor:
    """fine, `factor` times as large, at every sample plus vectors (h, w) in 1/factor samples."""
    h, w = rows.shape
    y = (torch.arange(h)[:, None] * factor + rows).clamp(0, fine.shape[0] - 1)
    x = (torch.arange(w)[None] * factor + columns).clamp(0, fine.shape[1] - 1)
    return fine[y, x]
